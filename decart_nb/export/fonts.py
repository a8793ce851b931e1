"""Text for pictures: a font of this machine that has its letters, and lines that fit a width."""

from __future__ import annotations

import os
import sys
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from .._util.text import printable

Font = ImageFont.FreeTypeFont
#: Sans-serif fonts by the beginnings of their files' names, in the order in which they are tried.
_PREFERRED = (
    *("notosans-regular", "segoeui.", "helveticaneue", "arial.", "liberationsans-regular", "dejavusans."),
    *("notosanscjk", "sourcehansans", "pingfang", "hiragino", "msyh", "yugoth", "malgun", "wqy", "droidsansfallback"),
    *("arialunicode", "arial unicode", "notosans", "nirmala", "leelawadee", "freesans.", "unifont", "notoemoji"),
)
_MAX_FILES = 20_000
_MAX_FONTS = 120
_MAX_TEXT_LENGTH = 2000
_PROBE_SIZE = 16
#: Drawn where no font has the letter: in the font's own box for what is missing.
_NO_LETTER = "\uffff"
_PLAINER = {"×": "x", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"', "…": "..."}
_SKIN_TONES = range(0x1F3FB, 0x1F400)


@dataclass(frozen=True)
class Text:
    """Lines of text in the font that they are drawn in.

    Attributes:
        lines: at least one, which may be empty.
        font: has the letters of all lines.
        leading: from one line to the next, in pixels.
    """

    lines: list[str]
    font: Font
    leading: int

    @property
    def width(self) -> int:
        """Of the longest line, in pixels."""
        return int(max(self.font.getlength(line) for line in self.lines)) + 1

    @property
    def height(self) -> int:
        """Of all lines, in pixels."""
        return self.leading * len(self.lines)


def text_within(text: str, size: int, width: float, lines: int) -> Text:
    """Break a text into lines that fit a width. What does not fit into the lines is cut and ends with ``…``.

    Args:
        text: any text, in any script. Letters that no font of the machine has become boxes.
        size: of the font, in pixels.
        width: of a line, in pixels.
        lines: the most lines.
    """
    text, source = _drawable(printable(text, limit=_MAX_TEXT_LENGTH))
    font = _font(source, size)
    return Text(_broken(text, font, width, lines), font, round(1.32 * size))


def _broken(text: str, font: Font, width: float, most: int) -> list[str]:
    lines: list[str] = []
    while len(lines) < most - 1 and font.getlength(text) > width:
        fits = _fitting(text, font, width)
        space = text.rfind(" ", 1, fits + 1)
        cut = space if space > 0 else fits
        lines.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    if font.getlength(text) > width:
        ellipsis = "…" if _has(font, "…") else "..."
        fits = _fitting(text, font, width - font.getlength(ellipsis))
        text = f"{text[:fits].rstrip()}{ellipsis}"
    return [*lines, text]


def _fitting(text: str, font: Font, width: float) -> int:
    """How many letters fit a width, and at least one."""
    # A line holds no more letters than that, so that a long text is not measured again and again.
    most = min(len(text), 16 + int(8 * width / font.size))
    return max(1, bisect_right(range(1, most + 1), width, key=lambda count: font.getlength(text[:count])))


def _drawable(text: str) -> tuple[str, str]:
    """A text with what can be drawn in place of missing letters, and the file of its font."""
    letters = set(text) - {" "}
    best, most = "", -1
    for source in (*_files(), ""):  # the last is the font that Pillow brings
        covered = sum(_covers(source, letter) for letter in letters)
        if covered > most:
            best, most = source, covered
        if covered == len(letters):
            return text, best
    return "".join(letter if letter == " " else _replaced(best, letter) for letter in text), best


def _replaced(source: str, letter: str) -> str:
    if _covers(source, letter):
        return letter
    for plainer in (_PLAINER.get(letter, ""), unicodedata.normalize("NFKD", letter)[:1]):
        if plainer and plainer != letter and all(_covers(source, part) for part in plainer):
            return plainer
    # Marks, joiners and skin tones belong to a letter before them, which is missing as well.
    if unicodedata.category(letter) in ("Mn", "Me", "Cf") or ord(letter) in _SKIN_TONES:
        return ""
    return _NO_LETTER


@lru_cache(maxsize=2**16)
def _covers(source: str, letter: str) -> bool:
    return _has(_probe(source), letter)


def _has(font: Font, letter: str) -> bool:
    try:
        return bytes(font.getmask(letter)) != bytes(font.getmask(_NO_LETTER))
    except (OSError, ValueError):
        return False


@lru_cache(maxsize=_MAX_FONTS)
def _probe(source: str) -> Font:
    return _font(source, _PROBE_SIZE).font_variant(layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=256)
def _font(source: str, size: int) -> Font:
    if source:
        return ImageFont.truetype(source, size)
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # it is, where a size is given
    return font


@lru_cache(maxsize=1)
def _files() -> tuple[str, ...]:
    """The files of the machine's fonts that can be used, the preferred ones first."""
    found: list[tuple[int, str, str]] = []
    seen = 0
    for folder in _folders():
        for parent, _, names in os.walk(folder):
            seen += len(names)
            if seen > _MAX_FILES:
                break
            for name in names:
                lower = name.lower()
                if lower.endswith((".ttf", ".otf", ".ttc")):
                    found += [
                        (rank, lower, str(Path(parent, name)))
                        for rank, start in enumerate(_PREFERRED)
                        if lower.startswith(start)
                    ]
    return tuple(dict.fromkeys(source for _, _, source in sorted(found) if _opens(source)))[:_MAX_FONTS]


def _opens(source: str) -> bool:
    try:
        ImageFont.truetype(source, _PROBE_SIZE)
    except (OSError, ValueError):
        return False
    return True


def _folders() -> list[Path]:
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts")]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts")]
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [Path(folder, "fonts") for folder in (*shared.split(":"), os.environ.get("XDG_DATA_HOME", "")) if folder]
