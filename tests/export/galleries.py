"""Tables of results whose clips are small videos, each with a digest of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decart_nb import media
from decart_nb.job.table import typed
from tests.clips import read_clip

MODELS = ("lucy-2.5", "lucy-2.6")


def write_clip(path: Path, number: int, *, seconds: float = 0.4, fps: int = 10) -> None:
    """Write a video, whose brightness tells its number and whose moving line tells the time."""
    frames = np.full((round(seconds * fps), 54, 96, 3), 20 + 37 * number % 200, np.uint8)
    frames[:, :4, : 1 + number % 90] = 255  # numbers of the same brightness
    for place, frame in enumerate(frames):
        frame[:, place * 96 // len(frames)] = 255
    media.encode(frames, path, fps=fps)


def make_table(
    folder: Path,
    *,
    prompts: Sequence[str] = ("a cliff", "a gorge"),
    models: Sequence[str] = MODELS,
    seeds: int = 1,
    seconds: float = 0.4,
    fps: int = 10,
    **columns: Any,
) -> pd.DataFrame:
    """A table of completed jobs, a row for each model, prompt and seed; the clips lie in the folder.

    Args:
        folder: is made.
        prompts, models, seeds: the axes.
        seconds, fps: of each clip.
        columns: further columns, with one value or one for each row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(itertools.product(models, prompts, range(seeds)))
    made = []
    for number, (model, prompt, seed) in enumerate(rows):
        path = folder / f"clip {number}.mp4"
        write_clip(path, number, seconds=seconds, fps=fps)
        clip = read_clip(path, f"job-{number}", model, {"prompt": prompt, "seed": seed}, "local")
        facts = {name: getattr(clip, name) for name in ("job_id", "width", "height", "fps", "duration", "sha256")}
        row = {"model": model, "prompt": prompt, "seed": seed, "take": 0, "status": "completed", "error": None}
        more = {name: value[number] if isinstance(value, list) else value for name, value in columns.items()}
        made.append({**row, **facts, "path": str(path), "size_bytes": clip.size_bytes, "backend": "local", **more})
    return typed({name: [row[name] for row in made] for name in made[0]})
