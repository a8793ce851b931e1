"""Whether the same request makes the same video: further takes of a sweep's rows, and how alike the takes are.

A row without a seed of its own is repeated with the seed that was drawn for it: with others, takes differ in any case.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputError
from ..job.table import OWN_COLUMNS
from ..metrics.builtin import BUILTIN, FRAMES_DIGEST
from ..metrics.columns import Values, Video, measure_clips
from .axes import Axes, Axis
from .rows import MODEL, PROMPT, TAKE, Row
from .template import escape

if TYPE_CHECKING:
    import pandas as pd

    from ..store.store import Store

_SEED = "seed"
#: The columns of the table, and their types.
_TYPES = {"takes": "Int64", "identical_bytes": "boolean", "identical_frames": "boolean", "least_ssim": "Float64"}


@dataclass(frozen=True)
class Made:
    """A row of a sweep that has a video.

    Attributes:
        row: the row.
        seed: the seed that it was made with, its own or the one that was drawn; ``None`` where its model takes none.
    """

    row: Row
    seed: int | None

    @property
    def inputs(self) -> dict[str, Any]:
        """What is asked for again."""
        seed = {} if self.seed is None else {_SEED: self.seed}
        inputs = {MODEL: self.row.model, **self.row.values, **self.row.files, **seed}
        if isinstance(inputs.get(PROMPT), str):
            inputs[PROMPT] = escape(inputs[PROMPT])  # its placeholders are filled already
        return inputs


def made_rows(rows: Sequence[Row], standing: Mapping[tuple[str, int], tuple[Any, ...]]) -> list[Made]:
    """The rows of a sweep that have a video, one for each request and seed.

    Args:
        rows: of the sweep.
        standing: their latest jobs, with the column ``drawn_seed``.

    Raises:
        InvalidInputError: there are none.
    """
    found: dict[tuple[str, Any], Made] = {}
    for row in rows:
        *_, status, drawn = standing.get(row.key, (None, None))
        if status == "completed" and row.model is not None:
            seed = row.values.get(_SEED, drawn)
            found.setdefault((row.request, seed), Made(row, seed))
    if not found:
        raise InvalidInputError(
            "No row of this sweep, with its inputs as they are now, has a video: .run() it first, and then repeat it."
        )
    return [*found.values()]


def repeated(made: Sequence[Made], takes: int) -> Axes:
    """The axes of a sweep that makes each row so often, with takes that follow each other."""
    names = [*dict.fromkeys(name for one in made for name in one.inputs)]
    rows = [tuple(one.inputs.get(name) for name in names) for one in made]
    return Axes([Axis(tuple(names), rows), Axis((TAKE,), [(take,) for take in range(takes)])])


def likeness(results: pd.DataFrame, takes: int, store: Store) -> pd.DataFrame:
    """How alike the takes of each row are.

    Args:
        results: of the sweep of :func:`repeated`.
        takes: how many each row has.
        store: has their videos, and keeps what is measured.

    Returns:
        A row a request: its inputs, and the columns that :meth:`decart_nb.Sweep.determinism` tells of.
    """
    import pandas as pd

    groups = [_videos(results.iloc[begin : begin + takes], store) for begin in range(0, len(results), takes)]
    others = [(group[0], other) for group in groups for other in _distinct(group)[1:]]
    firsts = [first for first, _ in others]
    frames = _texts(firsts, measure_clips(firsts, [None] * len(firsts), [FRAMES_DIGEST], store=store))
    compared = measure_clips([other for _, other in others], firsts, [FRAMES_DIGEST, BUILTIN["kept_ssim"]], store=store)
    frames |= _texts([other for _, other in others], compared)
    pairs = [(first.sha256, other.sha256) for first, other in others]
    ssim = dict(zip(pairs, compared.columns["kept_ssim"], strict=True))
    table = results.iloc[::takes]
    table = pd.DataFrame(table[[name for name in table if name == MODEL or name not in OWN_COLUMNS]])
    told = [_told(_distinct(group), len(group), frames, ssim) for group in groups]
    columns = {name: [one[name] for one in told] for name in _TYPES}
    errors = [results["error"].iloc[begin : begin + takes].dropna() for begin in range(0, len(results), takes)]
    for name, dtype in _TYPES.items():
        table[name] = pd.array(columns[name], dtype=dtype)
    table["error"] = pd.array([None if found.empty else found.iloc[0] for found in errors], dtype="string")
    table = table.reset_index(drop=True)
    table.attrs = dict(results.attrs)
    return table


def _videos(takes: pd.DataFrame, store: Store) -> list[Video]:
    """The videos of the takes of a row, as far as they are there."""
    digests = takes["sha256"].where(takes["status"] == "completed").dropna()
    records = [record for digest in digests for record in store.find(sha256=digest)[:1]]
    paths = [(store.video(record), record) for record in records]
    return [Video(path, str(record.sha256)) for path, record in paths if path is not None]


def _distinct(group: Sequence[Video]) -> list[Video]:
    """The videos with different bytes, the first one first."""
    return [*{video.sha256: video for video in group}.values()]


def _texts(videos: Sequence[Video], values: Values) -> dict[str, str]:
    """The digests of frames by the digests of videos, of those that can be decoded."""
    found = zip(videos, values.columns[FRAMES_DIGEST.name], strict=True)
    return {video.sha256: digest for video, digest in found if isinstance(digest, str)}


def _told(
    distinct: Sequence[Video], count: int, frames: Mapping[str, str], ssim: Mapping[tuple[str, str], float | str]
) -> dict[str, Any]:
    """What is told of the takes of one row."""
    told: dict[str, Any] = {"takes": count, **dict.fromkeys([*_TYPES][1:])}
    if count < 2:
        return told
    digests = {frames.get(video.sha256) for video in distinct} if len(distinct) > 1 else {""}
    values = [ssim[distinct[0].sha256, other.sha256] for other in distinct[1:]]
    known = [value for value in values if isinstance(value, float) and not math.isnan(value)]
    return {
        "takes": count,
        "identical_bytes": len(distinct) == 1,
        "identical_frames": None if None in digests else len(digests) == 1,
        "least_ssim": (min(known) if known else None) if values else 1.0,
    }
