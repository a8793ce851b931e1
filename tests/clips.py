"""Clips without a queue."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from decart_nb import media
from decart_nb.job.clip import Clip


def read_clip(
    path: Path,
    job_id: str,
    model: str,
    inputs: Mapping[str, Any],
    backend: str,
    *,
    price: float | None = None,
    made: float | None = None,
) -> Clip:
    """The clip that a file holds: its size, rate and length are the file's own.

    Args:
        path: the video.
        job_id, model, inputs, backend, made: as in :class:`Clip`.
        price: USD per generated second, where known.

    Raises:
        MediaError: the file is not a video that can be decoded.
    """
    info = media.probe(path)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Clip(
        path=path,
        job_id=job_id,
        model=model,
        inputs=inputs,
        width=info.width,
        height=info.height,
        fps=info.fps,
        duration=info.duration,
        size_bytes=path.stat().st_size,
        sha256=digest,
        backend=backend,
        made=made,
        # Decart bills by the generated second.
        cost=None if price is None else round(price * info.duration, 4),
    )
