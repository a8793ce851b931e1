"""Styles for video to video and restyle: each turns a frame of the input into a frame of the output.

Nothing is carried from frame to frame: what stands still in the video stands still in the result. Colours are painted
at half the size or less, as the encoder keeps only half of them; what has to be sharp is laid over at full size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import av
import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter

from ...media import RGB
from . import filters, palettes
from .compositing import enlarge, planes
from .filters import lookup
from .palettes import Palette
from .shot import Shot, seeded

Style = Callable[[RGB], av.VideoFrame]


def transform(shot: Shot, reference: RGB | None) -> Style:
    """Return a style that changes a video visibly, with what it shows still recognisable.

    Args:
        shot: words of its prompt such as *oil painting*, *blueprint*, *pixel art* choose the style. Where none does, it
            follows from the whole prompt, so that one prompt is one style for every seed.
        reference: a picture whose colours the result takes.
    """
    any_style = _STYLES[int(seeded("style", shot.prompt).integers(len(_STYLES)))][0]
    chosen = shot.choose(_STYLES, default=any_style)
    if reference is None:
        return chosen.prepare(shot, palettes.choose(shot))
    palette = palettes.extract(reference)
    style, tint = chosen.prepare(shot, palette), filters.tinting(palettes.ramp(palette), 0.75)
    return lambda rgb: tint(style(rgb))


def restyle(shot: Shot, reference: RGB | None) -> Style:
    """Return a style that keeps a video's shapes and recolours it: after the prompt, or after a reference picture."""
    palette = palettes.choose(shot) if reference is None else palettes.extract(reference)
    tint, bend = filters.tinting(palettes.ramp(palette), shot.rng.uniform(0.72, 0.88)), shot.rng.uniform(0.85, 1.15)
    gamma = 255 * (np.arange(256) / 255) ** bend
    curve, studio_range = lookup(gamma), lookup(16 + gamma * 219 / 255)

    def style(rgb: RGB) -> av.VideoFrame:
        image = Image.fromarray(rgb)
        frame = enlarge(np.asarray(filters.strokes(image.reduce(2), 1).point(curve * 3)), image.size)
        # Half the size is enough for flat, painted areas; the outlines come back from the full size.
        luma = planes(frame)[0]
        luma[...] = np.asarray(Image.blend(Image.fromarray(luma), image.convert("L").point(studio_range), 0.45))
        return tint(frame)

    return style


@dataclass(frozen=True, slots=True)
class _Painting:
    """Flat strokes of strong colours.

    Attributes:
        reduction: how many times smaller it is painted; the larger, the softer.
        radius: of the strokes, in pixels of the reduced picture; 0 for square pixels.
        saturation: of the colours.
        tint: how far they are pulled towards the palette.
        levels: how many steps of brightness there are.
        relief: how much the strokes stand out in the light.
        outline: how dark outlines are, from 0 to 1.
        grain: how rough the canvas is.
    """

    reduction: int
    radius: int
    saturation: float
    tint: float
    levels: int = 256
    relief: float = 0.0
    outline: float = 0.0
    grain: float = 0.0

    def prepare(self, shot: Shot, palette: Palette) -> Style:
        rng, size = shot.rng, shot.size
        saturation, tint = self.saturation * rng.uniform(0.9, 1.1), self.tint * rng.uniform(0.8, 1.2)
        values, ramp = np.arange(256), palettes.ramp(palette)
        step = 256 / self.levels
        steps = lookup((values // step + 0.5) * step)
        relief, outline = lookup(128 + (values - 128) * self.relief), lookup(values * self.outline)
        grain = filters.grain(rng, size, self.grain)

        def style(rgb: RGB) -> av.VideoFrame:
            image = Image.fromarray(rgb)
            flat = image.reduce(self.reduction)
            if self.radius:
                flat = filters.strokes(flat, self.radius)
            flat = ImageEnhance.Color(flat).enhance(saturation).point(steps * 3)
            shown = Image.blend(flat, filters.colour(ramp, flat.convert("L")), tint)
            if self.relief:
                light = flat.convert("L").filter(ImageFilter.EMBOSS).point(relief)
                shown = ImageChops.overlay(shown, filters.border(light, 1, 128).convert("RGB"))
            ink = ImageChops.lighter(filters.edges(image.convert("L")).point(outline), grain)
            return filters.ink(enlarge(np.asarray(shown), size, sharp=not self.radius), ink)

        return style


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Outlines and shading in a few colours.

    Attributes:
        colours: from that of the ground to that of the lines; the palette's unless given.
        shading: how much of the picture is seen between the outlines, from 0 to 1.
        outline: how strong the outlines are, from 0 to 1.
        grid: how strong the lines of a grid are, from 0 to 1.
    """

    colours: tuple[tuple[int, int, int], ...] = ()
    shading: float = 1.0
    outline: float = 0.0
    grid: float = 0.0

    def prepare(self, shot: Shot, palette: Palette) -> Style:
        rng, size = shot.rng, shot.size
        pitch = int(rng.integers(20, 40)) * 2
        lines = np.zeros(size[::-1], np.uint8)
        lines[::pitch] = lines[:, ::pitch] = round(127 * self.grid)
        lines[:: pitch * 4] = lines[:, :: pitch * 4] = round(255 * self.grid)
        values, is_inverted = np.arange(256), bool(self.colours and sum(self.colours[0]) > sum(self.colours[-1]))
        shading = lookup((255 - values if is_inverted else values) * self.shading * rng.uniform(0.8, 1.2))
        grid, outline = Image.fromarray(lines), lookup(values * self.outline)
        coloured = filters.colouring(palettes.ramp(np.array(self.colours or palette, np.float32)))

        def style(rgb: RGB) -> av.VideoFrame:
            grey = Image.fromarray(rgb).convert("L")
            shown = ImageChops.lighter(grid, grey.point(shading))
            return coloured(ImageChops.lighter(filters.edges(grey).point(outline), shown))

        return style


_STYLES: tuple[tuple[_Painting | _Drawing, tuple[str, ...]], ...] = (
    (_Drawing(((16, 62, 140), (232, 242, 255)), shading=0.16, outline=1, grid=0.35),
     ("blueprint", "technical drawing", "schematic", "wireframe")),
    (_Drawing(((255, 251, 242), (44, 44, 52)), shading=0.55, outline=1),
     ("pencil", "sketch", "drawing", "charcoal", "graphite", "ink")),
    (_Drawing(shading=0.2, outline=1), ("neon", "cyberpunk", "synthwave", "tron", "hologram", "glow", "glowing")),
    (_Painting(3, 1, saturation=1.8, tint=0.35, levels=6, outline=1.0),
     ("comic", "halftone", "pop art", "manga", "cartoon", "anime", "print")),
    (_Painting(10, 0, saturation=1.5, tint=0.4, levels=8),
     ("pixel", "8 bit", "8-bit", "lego", "minecraft", "mosaic", "voxel", "retro game", "block")),
    (_Painting(6, 1, saturation=1.6, tint=0.25, relief=0.8, outline=0.3),
     ("clay", "claymation", "plasticine", "stop motion", "3d", "pixar", "toy", "plush")),
    (_Painting(2, 3, saturation=1.5, tint=0.32, relief=0.6, grain=0.02),
     ("oil", "painting", "paint", "van gogh", "monet", "acrylic", "brush", "canvas", "watercolor", "watercolour")),
    (_Drawing(), ("duotone", "noir", "black and white", "monochrome", "sepia", "poster", "thermal", "infrared", "heat",
                  "heatmap")),
)  # fmt: skip
