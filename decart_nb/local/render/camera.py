"""Rendering of videos from images: one image as a camera move over it, a first and a last one as a transition."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ... import media
from ...media import RGB
from .compositing import fit, planes
from .shot import Shot

# The image is kept a quarter larger than the output, so that the closest view is still sharp.
_OVERSAMPLING = 1.25
#: The phrases of a prompt that choose a camera move.
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


def move(rgb: RGB, shot: Shot) -> Iterator[av.VideoFrame]:
    """Yield the frames of a camera move over an image of any size.

    Words of the prompt such as *pulls back*, *zoom in*, *pan left* choose the move; otherwise it is random.
    """
    width, height = shot.size
    large = _plane_images(fit(rgb, round(width * _OVERSAMPLING), round(height * _OVERSAMPLING)))
    for box in _view_boxes(shot):
        yield _crop(large, box, shot.size)


def transition(start: RGB, end: RGB, shot: Shot) -> Iterator[av.VideoFrame]:
    """Yield the frames of a soft wipe between two images of any sizes; the first zooms in, and the last zooms out."""
    first, last = _plane_images(fit(start, *shot.size)), _plane_images(fit(end, *shot.size))
    order, softness = _wipe_order(shot), shot.rng.uniform(0.25, 0.6)
    for time in _ease(shot.count):
        share = np.clip((time * (1 + softness) - order) / softness, 0, 1)
        weight = (256 * share * share * (3 - 2 * share)).astype(np.uint16)
        half = weight[::2, ::2]
        # Insets of at most 6 % that leave the first image whole in the first frame, and the last in the last.
        frame, coming = _crop(first, _inset(0.06 * time), shot.size), _crop(last, _inset(0.06 * (1 - time)), shot.size)
        for old, new, part in zip(planes(frame), planes(coming), (weight, half, half), strict=True):
            old[...] = (old * (256 - part) + new * part + 128) >> 8
        yield frame


def _plane_images(rgb: RGB) -> list[Image.Image]:
    """The Y, U and V planes of an image, as Pillow images."""
    return [Image.fromarray(plane) for plane in planes(media.picture(rgb))]


def _crop(sources: list[Image.Image], box: _Box, size: tuple[int, int]) -> av.VideoFrame:
    """Crop a box out of an image and scale it to a size, with subpixel edges, so that a slow move does not jitter."""
    frame = av.VideoFrame(*size, "yuv420p")
    for target, source in zip(planes(frame), sources, strict=True):
        edges = tuple(edge * side for edge, side in zip(box, source.size * 2, strict=True))
        target[...] = np.asarray(source.resize(target.shape[::-1], Image.Resampling.BILINEAR, box=edges))  # type: ignore[arg-type]
    return frame


def _inset(share: float) -> _Box:
    """The box without a share of the image at each edge."""
    return share, share, 1 - share, 1 - share


def _view_boxes(shot: Shot) -> Iterator[_Box]:
    """The part of the image that the camera shows in each frame."""
    rng, time = shot.rng, _ease(shot.count)
    name = shot.choose(_MOVES.items(), default=str(rng.choice(list(_MOVES))))
    near, lean = rng.uniform(0.78, 0.84), rng.uniform(-0.5, 0.5, 2)
    if name in ("in", "out"):
        zoom = near + (1 - near) * (time if name == "out" else 1 - time)
        x, y = (0.5 + (1 - zoom) * part for part in lean)
    elif name == "around":
        angle = 2 * np.pi * (time * rng.choice([-1, 1]) + rng.uniform())
        zoom = np.full(shot.count, near + 0.02)
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


def _ease(count: int) -> NDArray[np.float64]:
    """The progress of a move at each frame, from 0 to 1, eased: slow at the start and the end."""
    time = np.linspace(0, 1, count)
    return time - 0.7 * np.sin(2 * np.pi * time) / (2 * np.pi)


def _wipe_order(shot: Shot) -> NDArray[np.float32]:
    """The progress, from 0 to 1, at which each pixel changes: along a direction, and in large random patches."""
    (width, height), angle = shot.size, shot.rng.uniform(0, 2 * np.pi)
    noise = Image.fromarray(shot.rng.uniform(0, 1, (6, 10)).astype(np.float32))
    patches = np.asarray(noise.resize(shot.size, Image.Resampling.BICUBIC))
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    order = np.float32(shot.rng.uniform(0.2, 0.6)) * (np.cos(angle) * x + np.sin(angle) * y) + patches
    return np.asarray((order - order.min()) / np.ptp(order), np.float32)
