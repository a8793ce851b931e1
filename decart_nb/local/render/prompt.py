"""Keywords of a prompt, and random numbers that follow from a request alone."""

from __future__ import annotations

import hashlib
import re

import numpy as np

_ENDINGS = ("", "s", "es", "y", "ing", "ed")


def rng(*parts: object) -> np.random.Generator:
    """Return a random generator that is seeded by these parts alone, and so is the same in every process."""
    text = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:16], "big"))


def mentions(prompt: str, *words: str) -> bool:
    """Return whether a prompt has one of these words, also inflected (``waves``, ``rainy``); a phrase must match."""
    text = prompt.casefold()
    tokens = set(re.findall(r"\w+", text))
    return any(word in text if " " in word else any(word + ending in tokens for ending in _ENDINGS) for word in words)
