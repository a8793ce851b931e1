"""Small pictures and models to render, and how to judge what comes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from decart_nb import media
from decart_nb.local.render.render import render
from decart_nb.request.models import Kind, ModelDefinition

RED, GREEN, BLUE = (200, 40, 40), (40, 180, 60), (40, 60, 200)
SIZE = (192, 104)
PATH = [{"frame": 2, "x": 0.25, "y": 0.5}, {"frame": 8, "x": 0.75, "y": 0.5}]


def small(kind: Kind, seconds: float | None = 1, fps: int = 10) -> ModelDefinition:
    return ModelDefinition(name="small", width=SIZE[0], height=SIZE[1], fps=fps, kind=kind, seconds=seconds)


def scene(width: int = 192, height: int = 104, at: float = 0.25) -> NDArray[np.uint8]:
    """A picture with structure: a gradient, a bright disc, a dark bar."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([60 + 100 * x / width, 90 + 60 * y / height, 130 - 60 * x / width], axis=-1)
    rgb[np.hypot(x - at * width, y - height / 2) < height / 8] = (250, 240, 90)
    rgb[:, int(0.8 * width) : int(0.85 * width)] = (15, 20, 30)
    return rgb.astype(np.uint8)


def made(
    tmp_path: Path,
    model: ModelDefinition,
    values: Mapping[str, Any] | None = None,
    files: Mapping[str, Path] | None = None,
    seed: int = 1,
) -> list[NDArray[np.uint8]]:
    target = tmp_path / "made.mp4"
    render(model, values or {}, files or {}, seed, target)
    return list(media.frames(target))


def digest(frames: Sequence[NDArray[np.uint8]]) -> str:
    return hashlib.sha256(b"".join(rgb.tobytes() for rgb in frames)).hexdigest()


def apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The mean difference of two pictures, above the label."""
    unlabelled = slice(int(0.68 * len(one)))
    return float(np.abs(one[unlabelled].astype(int) - other[unlabelled]).mean())


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """How much the outlines of two pictures agree: the correlation of their brightness' steps."""

    def steps(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
        grey = np.asarray(Image.fromarray(rgb).convert("L").reduce(4), float)
        strength = np.hypot(np.diff(grey, axis=0)[:, 1:], np.diff(grey, axis=1)[1:])
        return strength[: int(0.7 * len(strength))].ravel()

    return float(np.corrcoef(steps(one), steps(other))[0, 1])


def inputs(kind: Kind | None, image: Path, video: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    values: dict[str, Any] = {} if kind == "motion" else {"prompt": "a quiet harbour"}
    if kind == "motion":
        values["trajectory"] = PATH
    files = {
        "image-to-video": {"data": image},
        "motion": {"data": image},
        "first-last-frame": {"start": image, "end": video},
        "video-to-video": {"data": video},
        "restyle": {"data": video},
    }
    return values, files.get(str(kind), {})


KINDS: tuple[Kind, ...] = (
    "text-to-video",
    "image-to-video",
    "video-to-video",
    "first-last-frame",
    "motion",
    "restyle",
)
