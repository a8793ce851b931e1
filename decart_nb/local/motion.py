"""A part of a still image that is led along a trajectory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .canvas import RGB, fit, placed
from .words import dice


def led(
    rgb: RGB, trajectory: Sequence[Mapping[str, float]], seed: int, size: tuple[int, int], count: int
) -> Iterator[RGB]:
    """The image, with what lies under the trajectory's first point travelling along it.

    It rests before the first point's frame and after the last one's. Where it was cut from, the surroundings
    close over the gap.

    Args:
        rgb: the image, of any size.
        trajectory: points with ``frame``, ``x`` and ``y``: fractions of the image if none is above 1, else its
            pixels. In any order; of two points of one frame the later one counts.
        seed: varies how large a part is taken.
        size: width and height of the output.
        count: how many frames.
    """
    width, height = size
    scene = Image.fromarray(fit(rgb, width, height))
    radius = round(min(size) * dice("motion", seed).uniform(0.13, 0.19))
    times, path = _path(trajectory, rgb.shape[1], rgb.shape[0], size)
    mask = _disc(radius)
    corner = np.round(path[0]).astype(int) - radius
    # A transparent border lets the part be shifted by fractions of a pixel without a seam.
    part = Image.new("RGBA", (2 * radius + 2, 2 * radius + 2))
    cut = scene.crop((int(corner[0]), int(corner[1]), int(corner[0]) + 2 * radius, int(corner[1]) + 2 * radius))
    part.paste(cut, (1, 1))
    part.putalpha(Image.new("L", part.size))
    part.paste(Image.merge("RGBA", (*cut.split(), mask)), (1, 1))
    ground = _filled(scene, mask, (int(corner[0]), int(corner[1])), radius)
    for number in range(count):
        x, y = (float(np.interp(number, times, path[:, axis])) - radius - 1 for axis in (0, 1))
        left, top = int(np.floor(x)), int(np.floor(y))
        moved = part.transform(part.size, Image.Transform.AFFINE, (1, 0, left - x, 0, 1, top - y), _BILINEAR)
        frame = ground.copy()
        frame.paste(moved, (left, top), moved)
        yield np.asarray(frame)


_BILINEAR = Image.Resampling.BILINEAR


def _path(
    trajectory: Sequence[Mapping[str, float]], width: int, height: int, size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The trajectory's frames, rising, and its points in pixels of the output."""
    by_frame = {point["frame"]: (point["x"], point["y"]) for point in trajectory}
    times = np.array(sorted(by_frame), dtype=float)
    points = np.array([by_frame[time] for time in times], dtype=float)
    if points.max() > 1:
        points /= width, height
    left, top, inner_width, inner_height = placed(width, height, *size)
    points = points.clip(0, 1) * (inner_width, inner_height) + (left, top)
    return times, points.clip(0, np.array(size) - 1.0)


def _disc(radius: int) -> Image.Image:
    """A disc with a soft edge, as a mask of 2 × radius pixels."""
    axis = (np.arange(2 * radius) + 0.5 - radius) / max(1, radius)
    edge = ((1 - np.hypot(axis, axis[:, None])) / 0.35).clip(0, 1)
    return Image.fromarray((255 * edge * edge * (3 - 2 * edge)).astype(np.uint8))


def _filled(scene: Image.Image, mask: Image.Image, corner: tuple[int, int], radius: int) -> Image.Image:
    """The scene with the part taken out of it, and the gap closed with what surrounds it.

    The surroundings are an average that leaves the part itself out: both the picture without the part and
    its weight are blurred, at a thumbnail's size, and one is divided by the other.
    """
    hole = Image.new("L", scene.size)
    # Steeper than the part's own edge: nothing of it stays behind, and before it leaves there is no seam.
    hole.paste(mask.point(lambda value: min(255, 3 * value)), corner)
    small = (max(2, scene.width // 4), max(2, scene.height // 4))
    keep: NDArray[np.float32] = (np.asarray(hole.resize(small, _BILINEAR)) < 8).astype(np.float32)
    colour: NDArray[np.float32] = np.asarray(scene.resize(small, _BILINEAR), np.float32)
    fill = np.broadcast_to(colour.mean(axis=(0, 1)), colour.shape)
    # From far and vague to near and exact: each step counts as far as it reaches.
    for spread in (radius / 4, radius / 9, radius / 20):
        weight = _blurred(keep, spread)[..., None]
        near = np.stack([_blurred(colour[..., index] * keep, spread) for index in range(3)], axis=-1)
        fill = fill + (near / np.maximum(weight, 1e-4) - fill) * (6 * weight).clip(0, 1)
    around = Image.fromarray(fill.clip(0, 255).astype(np.uint8)).resize(scene.size, Image.Resampling.BICUBIC)
    filled = scene.copy()
    filled.paste(around, (0, 0), hole)
    return filled


def _blurred(values: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    # Pillow blurs bytes only; three running means one after the other come close to its bell curve.
    width = 2 * int(radius) + 1
    for _ in range(3):
        for axis in (0, 1):
            padded = np.pad(
                values, [(width // 2 + 1, width // 2) if side == axis else (0, 0) for side in (0, 1)], "edge"
            )
            total = np.cumsum(padded, axis=axis, dtype=np.float64)
            ahead = np.take(total, range(width, total.shape[axis]), axis=axis)
            behind = np.take(total, range(total.shape[axis] - width), axis=axis)
            values = ((ahead - behind) / width).astype(np.float32)
    return values
