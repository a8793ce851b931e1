"""The label in each frame: that it is a local preview, and of which model, seed and prompt."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..._util.text import printable
from .compositing import Layer

MARK = "local preview"
_MAX_TEXT_LENGTH = 200
_LATIN = re.compile(r"LATIN (SMALL|CAPITAL) LETTER ([A-Z]) WITH ")


class Label(Layer):
    """White text on a dark plate in the bottom left corner: the mark, the model, the seed, and under them the prompt.

    The plate is opaque and has one size for all requests, so that it covers the label of an input that is a preview
    itself. It takes at most a quarter of the height: tiny frames have the mark alone.

    Args:
        model, prompt: of the request; foreign text, which is cut where it is too long.
        seed: of the request, or the one that was drawn for it.
        size: width and height of the frames, in pixels.
    """

    def __init__(self, model: str, prompt: str, seed: int, size: tuple[int, int]) -> None:
        width, height = size
        em = max(8.0, 0.03 * min(size))
        em = max(1.0, min(em, em * 0.8 * width / _font(em).getlength(MARK)))
        font, leading, gap = _font(em), 1.35 * em, round(0.6 * em)
        plate_width = round(min(width - 2 * gap, 30 * em)) // 2 * 2
        texts = f"{MARK} · {model} · seed {seed}", prompt or "no prompt"
        lines = [
            _cut(drawable(printable(text, limit=_MAX_TEXT_LENGTH), font), font, plate_width - em) for text in texts
        ]
        if 2 * leading + 0.5 * em > 0.25 * height:
            lines = [MARK]
        plate_height = round(leading * len(lines) + 0.5 * em + 1) // 2 * 2
        image = Image.new("RGBA", (max(2, plate_width), plate_height))
        draw = ImageDraw.Draw(image)
        draw.rounded_rectangle((0, 0, image.width - 1, image.height - 1), em / 3, fill=(12, 14, 18, 255))
        for number, line in enumerate(lines):
            draw.text((em / 2, 0.25 * em + leading * (number + 0.5)), line, (255, 255, 255, 255), font, anchor="lm")
        super().__init__(np.asarray(image))
        self.x, self.y = gap // 2 * 2, (height - plate_height - gap) // 2 * 2


def _font(em: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(em)
    assert isinstance(font, ImageFont.FreeTypeFont)  # it is, where a size is given
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)  # another one is not installed everywhere


def _cut(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    end = len(text)
    while end and font.getlength(text if end == len(text) else f"{text[:end].rstrip()}…") > width:
        end -= 1
    return text if end == len(text) else f"{text[:end].rstrip()}…"


def drawable(text: str, font: ImageFont.FreeTypeFont) -> str:
    """Return a text of which the font has every letter.

    Letters lose their accents where it lacks them, and a run of other letters that it lacks becomes ``…``.
    """
    missing = bytes(font.getmask("\uffff"))
    letters = "".join(map(_without_accent, unicodedata.normalize("NFKD", text)))
    shown = "".join(letter if bytes(font.getmask(letter)) != missing else "\uffff" for letter in letters)
    return re.sub("\uffff[\uffff ]*\uffff|\uffff", "…", shown)


def _without_accent(letter: str) -> str:
    if unicodedata.category(letter) in ("Mn", "Me"):
        return ""
    named = _LATIN.match(unicodedata.name(letter, ""))
    if named is None:
        return {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}.get(letter, letter)
    return named[2].lower() if named[1] == "SMALL" else named[2]
