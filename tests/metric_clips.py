"""Tiny videos that differ in one thing that a metric measures."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from decart_nb import media

Frame = NDArray[np.uint8]
FPS = 10
SIZE = 96, 64


def texture(seed: int = 0) -> Frame:
    """A picture with edges and colours, 96×64."""
    small = np.random.default_rng(seed).integers(20, 235, (8, 12, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize(SIZE, Image.Resampling.NEAREST))


def moving(count: int = 20, step: int = 3, seed: int = 0) -> list[Frame]:
    """A picture that moves to the right by some pixels a frame."""
    picture = texture(seed)
    return [np.roll(picture, step * number, 1) for number in range(count)]


def blurred(frames: Iterable[Frame], radius: float) -> list[Frame]:
    """The frames, each blurred."""
    return [np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(radius))) for frame in frames]


def write(path: Path, frames: Iterable[Frame], fps: float = FPS) -> Path:
    """Encode frames almost without loss."""
    media.encode(frames, path, fps=fps, crf=4)
    return path


def with_sound(path: Path, frames: Iterable[Frame], level: float, seconds: float | None = None) -> Path:
    """A video with a tone of 1 kHz of a level from 0 to 1, for as long as its frames unless given."""
    frames = list(frames)
    rate, seconds = 48_000, len(frames) / FPS if seconds is None else seconds
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=FPS)
        picture.width, picture.height, picture.pix_fmt = *SIZE, "yuv420p"
        sound = container.add_stream("aac", rate=rate, layout="mono")
        for frame in frames:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(picture.encode(None))
        times = np.arange(round(rate * seconds)) / rate
        tone = (level * np.sin(2 * np.pi * 1000 * times)).astype(np.float32)
        for begin in range(0, len(tone), 1024):
            piece = av.AudioFrame.from_ndarray(tone[None, begin : begin + 1024], format="fltp", layout="mono")
            piece.sample_rate, piece.pts, piece.time_base = rate, begin, Fraction(1, rate)
            container.mux(sound.encode(piece))
        container.mux(sound.encode(None))
    return path


def luma(path: Path) -> NDArray[np.float64]:
    """The luma planes of a video as its file codes them: frames × height × width."""
    with av.open(str(path)) as container:
        return np.array([frame.to_ndarray()[: frame.height] for frame in container.decode(video=0)], np.float64)


def table(*paths: Path | None, **columns: Any) -> pd.DataFrame:
    """A table of results with the clips at some paths; a row without one has failed."""
    status = ["failed" if path is None else "completed" for path in paths]
    shown = [None if path is None else str(path) for path in paths]
    return pd.DataFrame({"model": "lucy-2.5", "status": status, "path": shown, **columns})
