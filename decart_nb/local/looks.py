"""What becomes of a given video: a look, chosen by the prompt's words or by chance, in the colours of a ramp.

A look takes one frame and gives one; everything it needs is prepared when it is chosen, and nothing is
carried from frame to frame, so that what stands still in the video stands still in the result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from . import palettes
from .canvas import RGB
from .palettes import Ramp
from .words import dice, mentions

Look = Callable[[RGB], RGB]
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
    tint = _tinted(ramp, 0.75)
    return lambda rgb: tint(look(rgb))


def restyled(prompt: str, seed: int, reference: RGB | None) -> Look:
    """The same video in other colours: those of the prompt, or those of the reference picture."""
    chance = dice("restyle", prompt, seed)
    ramp = palettes.taken(reference) if reference is not None else palettes.named(prompt)
    if ramp is None:
        ramp = palettes.invented(prompt)
    tint = _tinted(ramp, chance.uniform(0.72, 0.88))
    bend = chance.uniform(0.85, 1.15)
    curve = (255 * (np.arange(256) / 255) ** bend).round().astype(np.uint8)

    def look(rgb: RGB) -> RGB:
        # Half the size is enough for flat, painted areas; the outlines come back from the full size.
        half = _strokes(_half(rgb), 1).resize(rgb.shape[1::-1], Image.Resampling.BICUBIC)
        painted = Image.blend(Image.fromarray(rgb), half, 0.7)
        return tint(curve[np.asarray(painted)])

    return look


def _tinted(ramp: Ramp, share: float) -> Look:
    """Each pixel pulled towards the ramp's colour for its brightness."""
    table = (ramp * np.float32(share)).astype(np.uint8)
    rest = ((1 - share) * np.arange(256)).astype(np.uint8)
    return lambda rgb: table[palettes.brightness(rgb)] + rest[rgb]


def _bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values as a picture's, cut off at 0 and 255."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _half(rgb: RGB) -> Image.Image:
    return Image.fromarray(rgb).reduce(2)


def _strokes(image: Image.Image, radius: int) -> Image.Image:
    """Flat patches with firm borders, as of a brush: each pixel takes the calmest of the four squares it corners."""
    blur = ImageFilter.BoxBlur(radius)
    grey = image.convert("L")
    unrest = np.asarray(ImageChops.difference(grey, grey.filter(blur)).filter(blur))
    mean = np.asarray(image.filter(blur))
    steps = [(down, across) for down in (-radius, radius) for across in (-radius, radius)]
    calm = np.argmin([np.roll(unrest, step, (0, 1)) for step in steps], axis=0)
    rows, columns = np.indices(calm.shape, sparse=True)
    down, across = np.array(steps).T
    height, width = calm.shape
    return Image.fromarray(mean[(rows - down[calm]) % height, (columns - across[calm]) % width])


def _edges(image: Image.Image) -> NDArray[np.float32]:
    """How strong the outlines are at each pixel, from 0 to 1."""
    grey = np.asarray(image.convert("L").filter(ImageFilter.GaussianBlur(1.2)), np.int16)
    across, down = np.zeros_like(grey), np.zeros_like(grey)
    across[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    down[1:-1] = grey[2:] - grey[:-2]
    strength = np.abs(across) + np.abs(down)
    return np.minimum(strength.astype(np.float32) / 56, 1)


def _paper(chance: np.random.Generator, size: tuple[int, int], depth: float) -> NDArray[np.float32]:
    """The grain of paper or canvas around 1, height × width × 1, always the same for one seed."""
    width, height = size
    noise = _bytes(chance.normal(128, 40, (height, width)))
    image = np.asarray(Image.fromarray(noise).filter(_SOFT), np.float32)
    grain = (image - image.mean()) / max(1.0, float(image.std()))
    return np.asarray(1 + depth * grain, np.float32)[..., None]


_SOFT = ImageFilter.GaussianBlur(0.9)


def _oil(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Broad strokes: flattened colours, lit as if the paint stood out."""
    tint, vivid = _tinted(ramp, chance.uniform(0.25, 0.4)), chance.uniform(1.4, 1.7)
    canvas = _paper(chance, size, 0.02)

    def look(rgb: RGB) -> RGB:
        flat = _strokes(_half(rgb), 3)
        large = ImageEnhance.Color(flat.resize(rgb.shape[1::-1], Image.Resampling.BICUBIC)).enhance(vivid)
        relief = np.asarray(large.convert("L").filter(ImageFilter.EMBOSS), np.float32)[..., None] - 128
        return _bytes(tint(np.asarray(large)) * canvas + relief * 0.35)

    return look


def _blueprint(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """White outlines on blue, with a draughtsman's grid."""
    width, height = size
    step = int(chance.integers(20, 40)) * 2
    grid = np.zeros((height, width), np.float32)
    grid[::step], grid[:, ::step] = 0.18, 0.18
    grid[:: step * 4], grid[:, :: step * 4] = 0.34, 0.34
    ground = np.array([chance.integers(8, 30), chance.integers(50, 80), chance.integers(120, 160)], np.float32)
    ink = np.array([232, 242, 255], np.float32)
    table = ground + np.linspace(0, 1, 256, dtype=np.float32)[:, None] * (ink - ground)

    def look(rgb: RGB) -> RGB:
        image = Image.fromarray(rgb)
        shade = np.asarray(image.convert("L"), np.float32) / 255
        line = np.maximum(_edges(image), np.maximum(grid, 0.16 * shade))
        return table[(line * 255).astype(np.uint8)].astype(np.uint8)

    return look


def _comic(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Few colours, black outlines, and dots in the shadows."""
    width, height = size
    pitch, angle = chance.uniform(6.5, 9), chance.uniform(0.3, 1.2)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    turned = (np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x)
    screen = np.cos(turned[0] * (2 * np.pi / pitch)) * np.cos(turned[1] * (2 * np.pi / pitch))
    dots = ((screen + 1) * 64).astype(np.uint8)
    tint = _tinted(ramp, 0.35)
    steps = (24 + np.arange(256) // 43 * 46).clip(0, 255).astype(np.uint8)

    def look(rgb: RGB) -> RGB:
        image = Image.fromarray(rgb)
        flat = _strokes(_half(rgb), 2).resize(image.size, Image.Resampling.BICUBIC)
        colours = tint(steps[np.asarray(ImageEnhance.Color(flat).enhance(1.8))])
        shaded = palettes.brightness(np.asarray(flat)) < dots
        ink = 1 - np.maximum(_edges(image) ** 1.5, 0.4 * shaded)
        return _bytes(colours * ink[..., None])

    return look


def _duotone(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """The whole picture in one ramp of colours, with some more contrast."""
    gain = chance.uniform(1.15, 1.4)
    curve = ((np.arange(256) - 128) * gain + 128).clip(0, 255).astype(np.uint8)
    table = ramp[curve]
    return lambda rgb: table[palettes.brightness(rgb)]


def _pencil(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Graphite on paper: the picture divided by its own blur."""
    blur, paper = ImageFilter.GaussianBlur(chance.uniform(3, 5)), _paper(chance, size, 0.03)
    warm = np.array([1.0, 0.985, 0.95], np.float32)

    def look(rgb: RGB) -> RGB:
        grey = Image.fromarray(rgb).convert("L")
        around = np.asarray(grey.filter(blur), np.float32) + 4
        value = np.asarray(grey, np.float32)
        stroke = np.minimum((value + 4) / around, 1) ** 2.2 * (150 + 0.41 * value)
        return _bytes(stroke[..., None] * paper * warm)

    return look


def _pixels(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Large square pixels in few colours, with a bevel, as of bricks."""
    width, height = size
    step = max(4, round(max(size) / float(chance.uniform(90, 130))))
    across, down = -(-width // step), -(-height // step)
    tint = _tinted(ramp, 0.4)
    tile = np.ones((step, step), np.float32)
    tile[0], tile[:, 0], tile[-1], tile[:, -1] = 1.14, 1.14, 0.8, 0.8
    bevel = np.tile(tile, (down, across))[:height, :width, None]

    def look(rgb: RGB) -> RGB:
        small = ImageEnhance.Color(Image.fromarray(rgb).resize((across, down), Image.Resampling.BOX)).enhance(1.5)
        flat = tint(np.asarray(ImageOps.posterize(small, 3)))
        large = flat.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]
        return _bytes(large * bevel)

    return look


def _neon(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Glowing outlines in the dark."""
    glow = ImageFilter.GaussianBlur(chance.uniform(2.5, 4))
    dark = (ramp * np.float32(0.28)).astype(np.uint8)
    bright = palettes.ramp([tuple(ramp[150]), tuple(ramp[190]), tuple(ramp[235])])

    def look(rgb: RGB) -> RGB:
        image = Image.fromarray(rgb)
        line = (_edges(image) * 255).astype(np.uint8)
        value = palettes.brightness(rgb)
        lit = Image.fromarray((bright[value] * (line[..., None] / np.float32(255))).astype(np.uint8))
        halo = lit.reduce(4).filter(glow).resize(image.size, Image.Resampling.BILINEAR)
        halo = ImageEnhance.Brightness(halo).enhance(1.7)
        return np.asarray(ImageChops.add(ImageChops.add(Image.fromarray(dark[value]), lit), halo))

    return look


def _watercolour(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Washes of thin colour that darken where they end, on rough paper."""
    tint, paper = _tinted(ramp, chance.uniform(0.25, 0.4)), _paper(chance, size, 0.025)
    wash = np.asarray([255 - (255 - value) * 0.78 for value in range(256)]).astype(np.uint8)

    def look(rgb: RGB) -> RGB:
        image = Image.fromarray(rgb)
        flat = _strokes(_half(rgb), 3).resize(image.size, Image.Resampling.BICUBIC)
        rim = 1 - 0.42 * _edges(flat)[..., None]
        colours = wash[tint(np.asarray(ImageEnhance.Color(flat).enhance(1.8)))]
        return _bytes(colours * rim * paper)

    return look


def _clay(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """Rounded, modelled shapes: smooth colours, lit from one side, with soft dark seams."""
    tint, strength = _tinted(ramp, 0.22), float(chance.uniform(1.6, 2.4))
    soft = ImageFilter.GaussianBlur(3)

    def look(rgb: RGB) -> RGB:
        image = Image.fromarray(rgb)
        flat = _strokes(_half(rgb), 2)
        height = np.asarray(flat.convert("L").filter(soft), np.float32)
        light = np.zeros_like(height)
        light[1:-1, 1:-1] = height[1:-1, 1:-1] * 2 - height[:-2, 1:-1] - height[1:-1, :-2]
        lit = _bytes(tint(np.asarray(ImageEnhance.Color(flat).enhance(1.6))) + strength * 4 * light[..., None])
        large = Image.fromarray(lit).resize(image.size, Image.Resampling.BICUBIC)
        return _bytes(np.asarray(large) * (1 - 0.35 * _edges(image)[..., None]))

    return look


def _thermal(ramp: Ramp, chance: np.random.Generator, size: tuple[int, int]) -> Look:
    """A heat camera's false colours."""
    heat = palettes.ramp([(4, 2, 30), (70, 8, 120), (190, 30, 110), (245, 100, 40), (255, 200, 60), (255, 255, 235)])
    table = heat[((np.arange(256) / 255) ** chance.uniform(0.75, 1.1) * 255).astype(np.uint8)]
    blur = ImageFilter.GaussianBlur(1.6)
    return lambda rgb: table[np.asarray(Image.fromarray(rgb).convert("L").filter(blur))]


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
