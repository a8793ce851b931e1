"""The provenance of a grid: what made each of its clips, as JSON that goes along with the exported file."""

from __future__ import annotations

import json
from typing import Any

from .._util.plain_values import NotPlainError, plain
from .._version import __version__
from ..job.clip import Clip
from ..job.file_names import without_folder
from .layout import Layout

#: Not the schema of a single video's record, with which a grid would be taken for one video.
SCHEMA = "decart_nb_grid/1"


def grid_record(layout: Layout, *, inputs: bool = True, clips: bool = True) -> str:
    """The provenance of a grid, in ASCII. It names no folder of this machine.

    Args:
        layout: the grid.
        inputs: whether the clips' inputs are in it.
        clips: whether the clips are in it.

    Returns:
        A JSON object: ``schema``, ``title``, ``rows``, ``cols``, ``row_name``, ``col_name``, ``clip_count``,
        ``version``, and ``clips``, each with the numbers of its ``row`` and ``col``, ``model``, ``backend``,
        ``inputs``, ``seed``, ``take``, ``job_id``, ``sha256`` and ``duration``.
    """
    every = list(layout.clips())
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "version": __version__,
        "title": layout.title,
        "row_name": layout.row_name,
        "col_name": layout.col_name,
        "clip_count": len(every),
    }
    if clips:
        record |= {"rows": layout.rows, "cols": layout.cols}
        record["clips"] = [{"row": row, "col": col, **_entry(clip, inputs)} for row, col, clip in every]
    return json.dumps(record)


def _entry(clip: Clip, inputs: bool) -> dict[str, Any]:
    given = {name: _plain(name, value) for name, value in clip.inputs.items()}
    return {
        "model": clip.model,
        "backend": clip.backend,
        **({"inputs": given} if inputs else {}),
        "seed": given.get("seed"),
        "take": clip.take,
        "job_id": clip.job_id,
        "sha256": clip.sha256,
        "duration": clip.duration,
    }


def _plain(name: str, value: Any) -> Any:
    """A value that JSON can hold; ``None`` for an object, whose text may name a folder."""
    try:
        return plain(without_folder(name, value))
    except NotPlainError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else None
