"""Small grids of clips of one colour."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from decart_nb import media
from decart_nb.export.layout import Layout
from decart_nb.job.clip import Clip
from tests.clips import read_clip

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 160, 40), (20, 40, 200), (255, 255, 255)
HOSTILE = (
    "\x1b[2J\x00control\r\ncharacters \u202e reversed",
    "שלום עולם, مرحبا بالعالم",
    "東京の夜 猫がピアノを弾く",
    "A cat 🐱👩‍🚀🏽 plays",
    "half a character \ud800",
    "x" * 100_000,
    "very long words " * 5_000,
    "",
)


def make_clip(folder: Path, *parts: tuple[tuple[int, int, int], int], size=(96, 64), fps=10, **facts: Any) -> Clip:
    """A clip that shows one colour after another, each for a number of frames."""
    path = folder / f"clip{len(list(folder.glob('clip*.mp4')))}.mp4"
    colours = [colour for colour, count in parts for _ in range(count)]
    media.encode((np.full((size[1], size[0], 3), colour, np.uint8) for colour in colours), path, fps=fps)
    inputs = facts.pop("inputs", {"prompt": "a colour", "seed": 1})
    clip = read_clip(path, facts.pop("job_id", f"job-{path.stem}"), "lucy-pro-t2v", inputs, "local")
    return dataclasses.replace(clip, **facts)


def make_layout(*lines: Sequence[list[Clip | str]], rows: list[str] | None = None, title: str = "A title") -> Layout:
    """A layout of these cells, a sequence for each row."""
    return Layout(
        rows=rows or [f"row {number}" for number in range(len(lines))],
        cols=[f"column {number}" for number in range(len(lines[0]))],
        row_name="prompt",
        col_name="seed",
        cells=[list(line) for line in lines],
        title=title,
    )


def share_of(pixels: np.ndarray, colour: tuple[int, int, int]) -> float:
    """The share of an image's pixels that have about that colour."""
    return float((np.abs(pixels[..., :3].astype(int) - colour).max(axis=-1) < 40).mean())
