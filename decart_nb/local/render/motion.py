"""Motion: a part of a still image that travels along a trajectory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...media import RGB
from .compositing import fit, placement
from .shot import Shot

_BILINEAR = Image.Resampling.BILINEAR


def follow(rgb: RGB, trajectory: Sequence[Mapping[str, float]], shot: Shot) -> Iterator[RGB]:
    """Yield the frames of an image in which what lies under the trajectory's first point travels along it.

    It rests before the first point's frame and after the last one's. Where it was cut out, the surroundings fill the
    hole.

    Args:
        rgb: the image, of any size.
        trajectory: points with ``frame``, ``x`` and ``y``: fractions of the image if none is above 1, else its
            pixels. In any order; of two points of one frame the later one counts.
        shot: varies how large a part is taken.
    """
    scene = Image.fromarray(fit(rgb, *shot.size))
    radius = max(1, round(min(shot.size) * shot.rng.uniform(0.13, 0.19)))
    frames, points = _points(trajectory, (rgb.shape[1], rgb.shape[0]), shot.size)
    left, top = (int(edge) - radius for edge in np.round(points[0]))
    mask = _disc(radius)
    # A transparent border lets the part be shifted by fractions of a pixel without a seam.
    part = Image.new("RGBA", (2 * radius + 2, 2 * radius + 2))
    cut = scene.crop((left, top, left + 2 * radius, top + 2 * radius))
    part.paste(Image.merge("RGBA", (*cut.split(), mask)), (1, 1))
    hole = Image.new("L", scene.size)
    # Steeper than the part's own edge: nothing of it stays behind, and before it leaves there is no seam.
    hole.paste(mask.point(lambda value: min(255, 3 * value)), (left, top))
    ground = Image.composite(_inpaint(scene, hole), scene, hole)
    for number in range(shot.count):
        x, y = (float(np.interp(number, frames, points[:, axis])) - radius - 1 for axis in (0, 1))
        left, top = int(np.floor(x)), int(np.floor(y))
        moved = part.transform(part.size, Image.Transform.AFFINE, (1, 0, left - x, 0, 1, top - y), _BILINEAR)
        frame = ground.copy()
        frame.paste(moved, (left, top), moved)
        yield np.asarray(frame)


def _points(
    trajectory: Sequence[Mapping[str, float]], source: tuple[int, int], size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The trajectory's frames, rising, and its points in pixels of the output."""
    by_frame = {point["frame"]: (point["x"], point["y"]) for point in trajectory}
    frames = np.array(sorted(by_frame), dtype=float)
    points = np.array([by_frame[frame] for frame in frames], dtype=float)
    if points.max() > 1:
        points /= source
    left, top, width, height = placement(source, size)
    points = points.clip(0, 1) * (width, height) + (left, top)
    return frames, points.clip(0, np.array(size) - 1.0)


def _disc(radius: int) -> Image.Image:
    """A disc with a soft edge, as a mask of 2 × radius pixels."""
    axis = (np.arange(2 * radius) + 0.5 - radius) / radius
    edge = ((1 - np.hypot(axis, axis[:, None])) / 0.35).clip(0, 1)
    return Image.fromarray((255 * edge * edge * (3 - 2 * edge)).astype(np.uint8))


def _inpaint(scene: Image.Image, hole: Image.Image) -> Image.Image:
    """The scene with a hole filled from its surroundings: by averages that leave the hole out, coarse to fine."""
    pyramid = [scene.convert("RGBA")]
    pyramid[0].putalpha(hole.point(lambda value: 255 if value < 8 else 0))
    while min(pyramid[-1].size) > 2:
        coarser = pyramid[-1].reduce(2)  # Pillow weights the colours of RGBA by their alpha
        coarser.putalpha(coarser.getchannel("A").point(lambda value: min(255, 4 * value)))
        pyramid.append(coarser)
    filled = pyramid.pop().convert("RGB")
    while pyramid:
        finer = pyramid.pop()
        filled = filled.resize(finer.size, Image.Resampling.BICUBIC)
        filled.paste(finer, (0, 0), finer)
    return filled
