"""What a prompt says to the renderer: a few words it knows, and stable dice for everything else."""

from __future__ import annotations

import hashlib
import re

import numpy as np

_ENDINGS = ("", "s", "es", "y", "ing", "ed")


def dice(*parts: object) -> np.random.Generator:
    """Random numbers that follow from these parts alone: the same in every process."""
    text = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:16], "big"))


def mentions(prompt: str, *words: str) -> bool:
    """Whether a prompt has one of these words, also as ``waves`` or ``rainy``; a phrase counts as it is."""
    text = prompt.casefold()
    tokens = set(re.findall(r"\w+", text))
    return any(word in text if " " in word else any(word + ending in tokens for ending in _ENDINGS) for word in words)
