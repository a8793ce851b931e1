"""What a video is drawn from, whatever its kind: a prompt, random numbers, a size and a length."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

_Option = TypeVar("_Option")
_ENDINGS = ("", "s", "es", "y", "ing", "ed")


@dataclass(frozen=True, slots=True)
class Shot:
    """A video to draw.

    Attributes:
        prompt: the request's; a few of its words are known.
        rng: random numbers that follow from model, prompt and seed.
        size: width and height in pixels.
        count: how many frames, where no input says.
    """

    prompt: str
    rng: np.random.Generator
    size: tuple[int, int]
    count: int

    def mentions(self, *words: str) -> bool:
        """Return whether the prompt has one of these words, also inflected (``waves``, ``rainy``), or phrases."""
        text = self.prompt.casefold()
        tokens = set(re.findall(r"\w+", text))
        return any(
            word in text if " " in word else any(word + ending in tokens for ending in _ENDINGS) for word in words
        )

    def choose(self, options: Iterable[tuple[_Option, Iterable[str]]], default: _Option) -> _Option:
        """Return the first option of which the prompt mentions a word, or the default.

        Args:
            options: each option with its words, as :meth:`mentions` takes them.
            default: what is returned if the prompt mentions none of them.
        """
        return next((option for option, words in options if self.mentions(*words)), default)


def seeded(*parts: object) -> np.random.Generator:
    """Return a random generator that is seeded by these parts alone, and so is the same in every process."""
    text = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:16], "big"))
