"""A camera over a still image, and the way from a first image to a last one."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import media
from .canvas import RGB, fit
from .planes import planes
from .words import dice, mentions

# The picture is kept a quarter larger than the output, so that the closest view is still sharp.
_SPARE = 1.25
_MOVES = {
    "out": ("pull back", "pulls back", "pulling back", "zoom out", "zooms out", "dolly out", "reveal", "wide", "away"),
    "in": ("zoom", "push in", "pushes in", "closer", "close up", "dolly", "approach", "toward", "towards"),
    "left": ("pan left", "pans left", "left"),
    "right": ("pan right", "pans right", "right", "pan"),
    "up": ("tilt up", "tilts up", "up", "rise", "rising", "crane", "fly", "lift"),
    "down": ("tilt down", "tilts down", "down", "fall", "descend", "sink"),
    "around": ("orbit", "around", "circle", "rotate", "spin", "turn"),
}
_Box = tuple[float, float, float, float]  # left, top, right and bottom, as fractions of a picture
_STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


def still(rgb: RGB, prompt: str, seed: int, size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """An image seen by a moving camera.

    Args:
        rgb: the image, of any size.
        prompt: words such as *pulls back*, *zoom in*, *pan left* choose the movement; otherwise chance does.
        seed: what chance follows.
        size: width and height of the output.
        count: how many frames.
    """
    width, height = size
    large = _sources(fit(rgb, round(width * _SPARE), round(height * _SPARE)))
    for box in _path(prompt, seed, count):
        yield _view(large, box, size)


def _sources(rgb: RGB) -> list[Image.Image]:
    return [Image.fromarray(plane) for plane in planes(media.picture(rgb))]


def _view(sources: list[Image.Image], box: _Box, size: tuple[int, int]) -> av.VideoFrame:
    """What of a picture lies in a box, brought to a size; exact to fractions of a pixel, so that nothing trembles."""
    frame = av.VideoFrame(*size, "yuv420p")
    for target, source in zip(planes(frame), sources, strict=True):
        wide, high = source.size
        edges = (box[0] * wide, box[1] * high, box[2] * wide, box[3] * high)
        target[...] = np.asarray(source.resize(target.shape[::-1], Image.Resampling.BILINEAR, box=edges))
    return frame


def _path(prompt: str, seed: int, count: int) -> Iterator[_Box]:
    """The camera's view at each frame: left, top, right and bottom as fractions of the image."""
    chance = dice("camera", prompt, seed)
    named = [move for move, words in _MOVES.items() if mentions(prompt, *words)]
    move = named[0] if named else str(chance.choice(list(_MOVES)))
    near, lean = chance.uniform(0.78, 0.84), chance.uniform(-0.5, 0.5, 2)
    time = eased(np.linspace(0, 1, count))
    if move in ("in", "out"):
        zoom = near + (1 - near) * (time if move == "out" else 1 - time)
        x, y = (0.5 + (1 - zoom) * part for part in lean)
    elif move == "around":
        turn = 2 * np.pi * (time * chance.choice([-1, 1]) + chance.uniform())
        zoom = np.full(count, near + 0.02)
        x, y = 0.5 + 0.09 * np.cos(turn), 0.5 + 0.09 * np.sin(turn)
    else:
        step_x, step_y = _STEPS[move]
        zoom = near + 0.03 * time
        reach = (1 - zoom.max()) / 2 * (2 * time - 1)
        x, y = 0.5 + step_x * reach, 0.5 + step_y * reach
        x, y = x + (step_x == 0) * 0.1 * lean[0], y + (step_y == 0) * 0.1 * lean[1]
    for half, centre_x, centre_y in zip(zoom / 2, x, y, strict=True):
        left = float(np.clip(centre_x - half, 0, 1 - 2 * half))
        top = float(np.clip(centre_y - half, 0, 1 - 2 * half))
        yield left, top, min(1.0, left + 2 * half), min(1.0, top + 2 * half)


def between(start: RGB, end: RGB, prompt: str, seed: int, size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """From a first image to a last one: the first frame is the one, the last frame the other.

    A soft front runs over the picture, along a direction and through clouds of noise that chance chooses,
    while both pictures are pushed gently towards the viewer.

    Args:
        start, end: the images, of any sizes.
        prompt, seed: what chance follows.
        size: width and height of the output.
        count: how many frames.
    """
    width, height = size
    chance = dice("between", prompt, seed)
    first, last = _sources(fit(start, width, height)), _sources(fit(end, width, height))
    order = _order(chance, width, height)
    softness = chance.uniform(0.25, 0.6)
    for time in eased(np.linspace(0, 1, count)):
        shown = np.clip((time * (1 + softness) - order) / softness, 0, 1)
        shown = shown * shown * (3 - 2 * shown)
        weight = (256 * shown).astype(np.uint16)
        frame = _view(first, _inset(0.06 * time), size)
        coming = _view(last, _inset(0.06 * (1 - time)), size)
        weights = (weight, weight[::2, ::2], weight[::2, ::2])
        for old, new, share in zip(planes(frame), planes(coming), weights, strict=True):
            old[...] = (old * (256 - share) + new * share + 128) >> 8
        yield frame


def _inset(share: float) -> _Box:
    return share, share, 1 - share, 1 - share


def eased(time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time from 0 to 1 that starts and stops gently, and runs evenly between."""
    return time - 0.7 * np.sin(2 * np.pi * time) / (2 * np.pi)


def _order(chance: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """When each pixel changes, from 0 to 1."""
    angle = chance.uniform(0, 2 * np.pi)
    noise = Image.fromarray(chance.uniform(0, 1, (6, 10)).astype(np.float32))
    clouds = np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC))
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    field = np.float32(chance.uniform(0.2, 0.6)) * (np.cos(angle) * x + np.sin(angle) * y) + clouds
    order: NDArray[np.float32] = ((field - field.min()) / np.ptp(field)).astype(np.float32)
    return order
