"""Image to video as a camera move over the image, and first to last frame as a transition."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ... import media
from .compositing import RGB, fit, planes
from .prompt import mentions

# The image is kept a quarter larger than the output, so that the closest view is still sharp.
_OVERSAMPLING = 1.25
_MOVES = {
    "out": ("pull back", "pulls back", "pulling back", "zoom out", "zooms out", "dolly out", "reveal", "wide", "away"),
    "in": ("zoom", "push in", "pushes in", "closer", "close up", "dolly", "approach", "toward", "towards"),
    "left": ("pan left", "pans left", "left"),
    "right": ("pan right", "pans right", "right", "pan"),
    "up": ("tilt up", "tilts up", "up", "rise", "rising", "crane", "fly", "lift"),
    "down": ("tilt down", "tilts down", "down", "fall", "descend", "sink"),
    "around": ("orbit", "around", "circle", "rotate", "spin", "turn"),
}
_DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_Box = tuple[float, float, float, float]  # left, top, right and bottom, as fractions of an image


def move(rgb: RGB, prompt: str, rng: np.random.Generator, size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """Yield the frames of a camera that moves over an image.

    Args:
        rgb: the image, of any size.
        prompt: words such as *pulls back*, *zoom in*, *pan left* choose the movement; otherwise it is random.
        rng: varies the movement.
        size: width and height of the output, in pixels.
        count: how many frames.
    """
    large = _planes(fit(rgb, round(size[0] * _OVERSAMPLING), round(size[1] * _OVERSAMPLING)))
    for box in _path(prompt, rng, count):
        yield _crop(large, box, size)


def transition(
    start: RGB, end: RGB, rng: np.random.Generator, size: tuple[int, int], count: int
) -> Iterator[av.VideoFrame]:
    """Yield the frames of a soft wipe from one image to another, while both zoom in gently.

    Args:
        start, end: the first and the last frame, of any sizes.
        rng: varies the direction and the shape of the wipe.
        size: width and height of the output, in pixels.
        count: how many frames.
    """
    first, last = _planes(fit(start, *size)), _planes(fit(end, *size))
    order, softness = _wipe_order(rng, size), rng.uniform(0.25, 0.6)
    for time in _ease(np.linspace(0, 1, count)):
        share = np.clip((time * (1 + softness) - order) / softness, 0, 1)
        weight = (256 * share * share * (3 - 2 * share)).astype(np.uint16)
        half = weight[::2, ::2]
        frame, coming = (_crop(image, _inset(0.06 * zoom), size) for image, zoom in ((first, time), (last, 1 - time)))
        for old, new, part in zip(planes(frame), planes(coming), (weight, half, half), strict=True):
            old[...] = (old * (256 - part) + new * part + 128) >> 8
        yield frame


def _planes(rgb: RGB) -> list[Image.Image]:
    return [Image.fromarray(plane) for plane in planes(media.picture(rgb))]


def _crop(sources: list[Image.Image], box: _Box, size: tuple[int, int]) -> av.VideoFrame:
    """A box of an image at a size; exact to fractions of a pixel, so that a slow movement does not jitter."""
    frame = av.VideoFrame(*size, "yuv420p")
    for target, source in zip(planes(frame), sources, strict=True):
        edges = tuple(edge * side for edge, side in zip(box, source.size * 2, strict=True))
        target[...] = np.asarray(source.resize(target.shape[::-1], Image.Resampling.BILINEAR, box=edges))  # type: ignore[arg-type]
    return frame


def _inset(share: float) -> _Box:
    return share, share, 1 - share, 1 - share


def _path(prompt: str, rng: np.random.Generator, count: int) -> Iterator[_Box]:
    """The camera's view at each frame."""
    random_move = str(rng.choice(list(_MOVES)))
    name = next((name for name, words in _MOVES.items() if mentions(prompt, *words)), random_move)
    near, lean = rng.uniform(0.78, 0.84), rng.uniform(-0.5, 0.5, 2)
    time = _ease(np.linspace(0, 1, count))
    if name in ("in", "out"):
        zoom = near + (1 - near) * (time if name == "out" else 1 - time)
        x, y = (0.5 + (1 - zoom) * part for part in lean)
    elif name == "around":
        angle = 2 * np.pi * (time * rng.choice([-1, 1]) + rng.uniform())
        zoom = np.full(count, near + 0.02)
        x, y = 0.5 + 0.09 * np.cos(angle), 0.5 + 0.09 * np.sin(angle)
    else:
        across, down = _DIRECTIONS[name]
        zoom = near + 0.03 * time
        reach = (1 - zoom.max()) / 2 * (2 * time - 1)
        x = 0.5 + across * reach + (across == 0) * 0.1 * lean[0]
        y = 0.5 + down * reach + (down == 0) * 0.1 * lean[1]
    left, top = np.clip(x - zoom / 2, 0, 1 - zoom), np.clip(y - zoom / 2, 0, 1 - zoom)
    for box in zip(left, top, np.minimum(1, left + zoom), np.minimum(1, top + zoom), strict=True):
        yield tuple(map(float, box))  # type: ignore[misc]


def _ease(time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time from 0 to 1 that starts and stops gently, and runs evenly between."""
    return time - 0.7 * np.sin(2 * np.pi * time) / (2 * np.pi)


def _wipe_order(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """When each pixel changes, from 0 to 1: along a direction, and through large random patches."""
    width, height = size
    angle = rng.uniform(0, 2 * np.pi)
    noise = Image.fromarray(rng.uniform(0, 1, (6, 10)).astype(np.float32))
    patches = np.asarray(noise.resize(size, Image.Resampling.BICUBIC))
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    order = np.float32(rng.uniform(0.2, 0.6)) * (np.cos(angle) * x + np.sin(angle) * y) + patches
    return np.asarray((order - order.min()) / np.ptp(order), np.float32)
