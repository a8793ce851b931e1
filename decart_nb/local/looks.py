"""What becomes of a given video: a look, chosen by the prompt's words or by chance, in the colours of a ramp.

A look takes one frame and gives one; everything it needs is prepared when it is chosen, and nothing is
carried from frame to frame, so that what stands still in the video stands still in the result. Colours are
painted at half the size or a third, as the encoder keeps only half of them, and FFmpeg enlarges them; what has to be
sharp (outlines, paper, screens) is laid over at full size, in one colour.
"""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from numpy.typing import ArrayLike
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from .. import media
from . import palettes
from .canvas import RGB
from .palettes import Ramp
from .planes import planes
from .words import dice, mentions

Look = Callable[[RGB], av.VideoFrame]
Maker = Callable[[Ramp, np.random.Generator, tuple[int, int]], Look]


def transformed(prompt: str, seed: int, size: tuple[int, int], reference: RGB | None) -> Look:
    """A visible change of style, with what is shown still to be recognised.

    Args:
        prompt: words such as *oil painting*, *blueprint*, *pixel art* choose the look; otherwise chance does.
        seed: what chance follows, and the look's details.
        size: width and height of the frames.
        reference: a picture whose colours the result takes.
    """
    chance = dice("look", prompt, seed)
    maker = next((maker for maker, words in _LOOKS if mentions(prompt, *words)), None)
    drawn = _LOOKS[int(dice("look", prompt).integers(len(_LOOKS)))][0]
    ramp = palettes.named(prompt)
    if ramp is None:
        ramp = palettes.invented(prompt, seed)
    if reference is not None:
        ramp = palettes.taken(reference)
    look = (maker or drawn)(ramp, chance, size)
    if reference is None:
        return look
    tone = _toned(ramp, 0.75)
    return lambda rgb: tone(look(rgb))


def restyled(prompt: str, seed: int, reference: RGB | None) -> Look:
    """The same video in other colours: those of the prompt, or those of the reference picture."""
    chance = dice("restyle", prompt, seed)
    ramp = palettes.taken(reference) if reference is not None else palettes.named(prompt)
    if ramp is None:
        ramp = palettes.invented(prompt)
    tone = _toned(ramp, chance.uniform(0.72, 0.88))
    curve = _table(255 * (np.arange(256) / 255) ** chance.uniform(0.85, 1.15))
    narrow = _table(16 + np.array(curve) * 219 / 255)

    def look(rgb: RGB) -> av.VideoFrame:
        image = Image.fromarray(rgb)
        frame = _spread(_strokes(image.reduce(2), 1).point(curve * 3), image.size)
        # Half the size is enough for flat, painted areas; the outlines come back from the full size.
        painted = planes(frame)[0]
        sharp = image.convert("L").point(narrow)
        painted[...] = np.asarray(Image.blend(Image.fromarray(painted), sharp, 0.45))
        return tone(frame)

    return look


def _table(values: ArrayLike) -> list[int]:
    """What becomes of each brightness, for Pillow's ``point``."""
    return [int(value) for value in np.clip(np.round(np.asarray(values, np.float64)), 0, 255)]


def _spread(
    image: Image.Image, size: tuple[int, int], how: Interpolation = Interpolation.BICUBIC, kind: str = "yuv420p"
) -> av.VideoFrame:
    """A small picture enlarged, as the encoder wants it."""
    small = av.VideoFrame.from_ndarray(np.asarray(image), format="gray" if image.mode == "L" else "rgb24")
    return VideoReformatter().reformat(small, *size, kind, dst_colorspace=Colorspace.ITU709, interpolation=how)


def _large(grey: Image.Image, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(planes(_spread(grey, size, Interpolation.BILINEAR, "gray"))[0])


def _laid(frame: av.VideoFrame, luma: int, mask: Image.Image) -> av.VideoFrame:
    """Ink, from black (16) to white (235), laid over a frame where a full-sized mask says so."""
    half = mask.reduce(2)
    for plane, value, share in zip(planes(frame), (luma, 128, 128), (mask, half, half), strict=True):
        ink = Image.new("L", share.size, value)
        plane[...] = np.asarray(Image.composite(ink, Image.fromarray(plane), share))
    return frame


def _coloured(ramp: Ramp) -> Callable[[Image.Image], av.VideoFrame]:
    """A full-sized grey picture in a ramp's colours."""
    luma, *chroma = planes(media.picture(ramp[None].repeat(2, axis=0).repeat(2, axis=1)))
    tables = [_table(row) for row in (luma[0, ::2], *(plane[0] for plane in chroma))]

    def coloured(grey: Image.Image) -> av.VideoFrame:
        frame, half = av.VideoFrame(*grey.size, "yuv420p"), grey.reduce(2)
        for plane, source, table in zip(planes(frame), (grey, half, half), tables, strict=True):
            plane[...] = np.asarray(source.point(table))
        return frame

    return coloured


def _toned(ramp: Ramp, share: float) -> Callable[[av.VideoFrame], av.VideoFrame]:
    """Each pixel pulled towards the ramp's colour for its brightness."""
    coloured, wide = _coloured(ramp), _table((np.arange(256) - 16) * 255 / 219)

    def toned(frame: av.VideoFrame) -> av.VideoFrame:
        wanted = coloured(Image.fromarray(planes(frame)[0]).point(wide))
        for plane, other in zip(planes(frame), planes(wanted), strict=True):
            plane[...] = np.asarray(Image.blend(Image.fromarray(plane), Image.fromarray(other), share))
        return frame

    return toned


def _in(ramp: Ramp, grey: Image.Image) -> Image.Image:
    """A small grey picture in a ramp's colours."""
    image = grey.copy()
    image.putpalette(ramp.tobytes())
    return image.convert("RGB")


def _vivid(image: Image.Image, factor: float, ramp: Ramp, share: float) -> Image.Image:
    """Stronger colours, pulled towards the ramp's."""
    strong = ImageEnhance.Color(image).enhance(factor)
    return Image.blend(strong, _in(ramp, strong.convert("L")), share)


def _strokes(image: Image.Image, radius: int) -> Image.Image:
    """Flat patches with firm borders, as of a brush: each pixel takes the calmest of the four squares it corners."""
    blur = ImageFilter.BoxBlur(radius)
    grey = image.convert("L")
    # What the offset brings in from the other side is never the calmest.
    unrest = _bordered(ImageChops.difference(grey, grey.filter(blur)).filter(blur), radius, 255)
    image = image.filter(blur)
    for step in ((radius, 0), (0, radius)):
        back = (-step[0], -step[1])
        one, other = ImageChops.offset(unrest, *step), ImageChops.offset(unrest, *back)
        calmer = ImageChops.subtract(other, one).point(_ANY)
        image = Image.composite(ImageChops.offset(image, *step), ImageChops.offset(image, *back), calmer)
        unrest = ImageChops.darker(one, other)
    return image


_ANY = [0] + [255] * 255


def _edges(grey: Image.Image) -> Image.Image:
    """How strong the outlines are at each pixel."""
    for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        grey = Image.blend(grey, ImageChops.offset(grey, *step), 0.5)
    across = ImageChops.difference(ImageChops.offset(grey, 1, 0), ImageChops.offset(grey, -1, 0))
    down = ImageChops.difference(ImageChops.offset(grey, 0, 1), ImageChops.offset(grey, 0, -1))
    return _bordered(ImageChops.add(across, down).point(_STEEP), 2, 0)


_STEEP = _table(np.arange(256) * 4.5 - 9)


def _bordered(grey: Image.Image, width: int, value: int) -> Image.Image:
    """The same picture, its border set to a value: a filter of neighbours knows nothing there."""
    ImageDraw.Draw(grey).rectangle((0, 0, grey.width - 1, grey.height - 1), outline=value, width=width)
    return grey


def _paper(chance: np.random.Generator, size: tuple[int, int], depth: float) -> Image.Image:
    """The shadows in the grain of paper or canvas, always the same for one seed."""
    width, height = size
    noise = Image.fromarray(chance.integers(0, 256, (height, width), np.uint8)).filter(ImageFilter.GaussianBlur(0.9))
    return noise.point(_table(depth * (2 * 255 + (np.arange(256) - 128) * 9)))


def _oil(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Broad strokes: flattened colours, lit as if the paint stood out."""
    share, vivid = chance.uniform(0.25, 0.4), chance.uniform(1.4, 1.7)
    canvas, relief = _paper(chance, size, 0.02), _table(128 + (np.arange(256) - 128) * 0.6)

    def look(rgb: RGB) -> av.VideoFrame:
        flat = _strokes(Image.fromarray(rgb).reduce(2), 3)
        lit = _bordered(flat.convert("L").filter(ImageFilter.EMBOSS).point(relief), 1, 128).convert("RGB")
        return _laid(_spread(ImageChops.overlay(_vivid(flat, vivid, ramp, share), lit), size), 16, canvas)

    return look


def _blueprint(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """White outlines on blue, with a draughtsman's grid."""
    step = int(chance.integers(20, 40)) * 2
    lines = np.zeros(size[::-1], np.uint8)
    lines[::step], lines[:, ::step] = 46, 46
    lines[:: step * 4], lines[:, :: step * 4] = 87, 87
    grid, faint = Image.fromarray(lines), _table(np.arange(256) * 0.16)
    ground = tuple(float(chance.integers(*span)) for span in ((8, 30), (50, 80), (120, 160)))
    coloured = _coloured(palettes.ramp([ground, (232, 242, 255)]))

    def look(rgb: RGB) -> av.VideoFrame:
        grey = Image.fromarray(rgb).convert("L")
        return coloured(ImageChops.lighter(_edges(grey), ImageChops.lighter(grid, grey.point(faint))))

    return look


def _comic(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Few colours, black outlines, and dots in the shadows."""
    width, height = size
    pitch, angle = chance.uniform(6.5, 9), chance.uniform(0.3, 1.2)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    turned = (np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x)
    screen = np.cos(turned[0] * (2 * np.pi / pitch)) * np.cos(turned[1] * (2 * np.pi / pitch))
    dots = Image.fromarray(((screen + 1) * 64).astype(np.uint8))
    steps, faint = _table(24 + np.arange(256) // 43 * 46), _table(np.minimum(np.arange(256) * 12, 102))

    def look(rgb: RGB) -> av.VideoFrame:
        image = Image.fromarray(rgb)
        grey = image.convert("L")
        few = ImageEnhance.Color(_strokes(image.reduce(3), 1)).enhance(1.8).point(steps * 3)
        shaded = ImageChops.subtract(dots, grey).point(faint)
        return _laid(_spread(_vivid(few, 1, ramp, 0.35), size), 16, ImageChops.lighter(_edges(grey), shaded))

    return look


def _duotone(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """The whole picture in one ramp of colours, with some more contrast."""
    coloured = _coloured(ramp[_table((np.arange(256) - 128) * chance.uniform(1.15, 1.4) + 128)])
    return lambda rgb: coloured(Image.fromarray(rgb).convert("L"))


def _pencil(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Graphite on paper: the picture divided by its own blur."""
    blur, paper = ImageFilter.GaussianBlur(chance.uniform(3, 5) / 4), _paper(chance, size, 0.03)
    coloured = _coloured(palettes.ramp([(0, 0, 0), (255, 251, 242)]))
    value = np.arange(256)
    # A quotient is a difference of logarithms; 46 of ours are one natural one.
    logarithm, pressed = _table(46 * np.log(value + 4)), _table(255 * np.exp(-2.2 * value / 46))
    shade = _table(175 + 0.31 * value)

    def look(rgb: RGB) -> av.VideoFrame:
        grey = Image.fromarray(rgb).convert("L")
        around = _large(grey.reduce(4).filter(blur), size)
        stroke = ImageChops.subtract(around.point(logarithm), grey.point(logarithm)).point(pressed)
        return _laid(coloured(ImageChops.multiply(stroke, grey.point(shade))), 16, paper)

    return look


def _pixels(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Large square pixels in few colours, with a bevel, as of bricks."""
    width, height = size
    half = max(2, round(max(size) / float(chance.uniform(180, 260))))
    across, down = -(-width // (2 * half)), -(-height // (2 * half))
    tile = np.full((2 * half, 2 * half), 24, np.uint8)
    tile[-1], tile[:, -1], tile[0], tile[:, 0] = 76, 76, 0, 0
    bevel = Image.fromarray(np.tile(tile, (down, across))[:height, :width])

    def look(rgb: RGB) -> av.VideoFrame:
        small = Image.fromarray(rgb).reduce(2 * half)
        flat = _vivid(ImageOps.posterize(_vivid(small, 1.5, ramp, 0), 3), 1, ramp, 0.4)
        tiles = flat.resize((across * half, down * half), Image.Resampling.NEAREST)
        tiles = tiles.crop((0, 0, -(-width // 2), -(-height // 2)))
        return _laid(_spread(tiles, size, Interpolation.POINT), 16, bevel)

    return look


def _neon(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Glowing outlines in the dark."""
    glow = ImageFilter.GaussianBlur(chance.uniform(2.5, 4))
    dark = (ramp * np.float32(0.28)).astype(np.uint8)
    bright = palettes.ramp([tuple(ramp[150]), tuple(ramp[190]), tuple(ramp[235])])
    core = _table(150 * (np.arange(256) / 255) ** 2)

    def look(rgb: RGB) -> av.VideoFrame:
        image = Image.fromarray(rgb)
        line, small = _edges(image.convert("L")), image.reduce(2)
        grey = small.convert("L")
        lit = Image.composite(_in(bright, grey), Image.new("RGB", small.size), line.reduce(2))
        halo = lit.reduce(2).filter(glow).resize(small.size, Image.Resampling.BILINEAR)
        shown = ImageChops.add(ImageChops.add(_in(dark, grey), lit), ImageChops.add(halo, halo, 0.59))
        return _laid(_spread(shown, size), 235, line.point(core))

    return look


def _watercolour(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Washes of thin colour that darken where they end, on rough paper."""
    share, paper = chance.uniform(0.25, 0.4), _paper(chance, size, 0.025)
    wash, rim = _table(255 - (255 - np.arange(256)) * 0.78), _table(255 - np.arange(256) * 0.42)

    def look(rgb: RGB) -> av.VideoFrame:
        flat = _strokes(Image.fromarray(rgb).reduce(2), 3)
        ends = _edges(flat.convert("L")).point(rim).convert("RGB")
        washed = ImageChops.multiply(_vivid(flat, 1.8, ramp, share).point(wash * 3), ends)
        return _laid(_spread(washed, size), 16, paper)

    return look


def _clay(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Rounded, modelled shapes: smooth colours, lit from one side, with soft dark seams."""
    strength = float(chance.uniform(1.6, 2.4)) * 3
    light = ImageFilter.Kernel((3, 3), (0, 0, 0, -1, 2, 0, 0, -1, 0), 1 / strength, 128)
    soft, seam = ImageFilter.GaussianBlur(2), _table(np.arange(256) * 0.35)
    # The light multiplies the height's smallest step, which would draw contour lines on all that rises slowly.
    rise = np.arange(256) - 128
    firm = _table(128 + np.sign(rise) * np.maximum(abs(rise) - strength, 0))

    def look(rgb: RGB) -> av.VideoFrame:
        image = Image.fromarray(rgb)
        flat = _strokes(image.reduce(3), 1)
        lit = _bordered(flat.convert("L").filter(soft).filter(light).point(firm), 1, 128).convert("RGB")
        shown = ImageChops.add(_vivid(flat, 1.6, ramp, 0.22), lit, 1, -128)
        return _laid(_spread(shown, size), 16, _edges(image.convert("L")).point(seam))

    return look


def _thermal(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """A heat camera's false colours."""
    heat = palettes.ramp([(4, 2, 30), (70, 8, 120), (190, 30, 110), (245, 100, 40), (255, 200, 60), (255, 255, 235)])
    coloured = _coloured(heat[_table(255 * (np.arange(256) / 255) ** chance.uniform(0.75, 1.1))])
    blur = ImageFilter.GaussianBlur(0.8)
    return lambda rgb: coloured(_large(Image.fromarray(rgb).convert("L").reduce(2).filter(blur), size))


_LOOKS: tuple[tuple[Maker, tuple[str, ...]], ...] = (
    (_blueprint, ("blueprint", "technical drawing", "schematic", "wireframe", "architect")),
    (_comic, ("comic", "halftone", "pop art", "manga", "cartoon", "anime", "newspaper", "print")),
    (_pencil, ("pencil", "sketch", "drawing", "charcoal", "graphite", "ink")),
    (_pixels, ("pixel", "8 bit", "8-bit", "lego", "minecraft", "mosaic", "voxel", "retro game", "block")),
    (_neon, ("neon", "cyberpunk", "synthwave", "tron", "hologram", "glow", "glowing", "futuristic", "laser")),
    (_watercolour, ("watercolor", "watercolour", "aquarelle", "gouache", "wash")),
    (_clay, ("clay", "claymation", "plasticine", "stop motion", "3d", "pixar", "toy", "plush")),
    (_thermal, ("thermal", "infrared", "heat", "predator", "heatmap")),
    (_oil, ("oil", "painting", "paint", "van gogh", "impressionist", "monet", "acrylic", "brush", "canvas")),
    (_duotone, ("duotone", "noir", "black and white", "monochrome", "sepia", "poster", "gradient", "tint")),
)
