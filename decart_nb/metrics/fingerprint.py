"""Perceptual hashes of clips, and which clips are near-duplicates of each other by them.

The hash of a frame has 64 bits, a bit for each of the lowest frequencies of its luma: whether it is above their median
(pHash). Its mean colours are kept beside it, since clips that are made from one input often differ in nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import av
import numpy as np
from numpy.typing import NDArray

from .reducing import Metadata

_SIDE = 32
_FREQUENCIES = 8
_HASH_BYTES, _COLOUR_BYTES = 8, 3
_FRAME_BYTES = _HASH_BYTES + _COLOUR_BYTES
#: Mean colours so far apart, of 255 levels, are as different as hashes that have no bit in common.
_LEVELS = 128.0


class Fingerprint:
    """A reducer: the hashes and the mean colours of some frames of 32×32 pixels in YUV 4:4:4, as text."""

    def __init__(self) -> None:
        self._frames: list[str] = []

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Take the next frame."""
        assert isinstance(frame, av.VideoFrame)
        planes = frame.to_ndarray(channel_last=False)
        colours = bytes(np.round(planes.mean(axis=(1, 2))).astype(np.uint8))
        self._frames.append((_hash(planes[0].astype(np.float64)) + colours).hex())

    def value(self, length: float) -> str:
        """The text."""
        return ".".join(self._frames)


def groups(fingerprints: Sequence[str | None], threshold: float) -> list[int | None]:
    """The groups of near-duplicates, numbered from 0 in the order of their first clips.

    Args:
        fingerprints: of the clips; ``None`` where there is none.
        threshold: how much near-duplicates differ at most: the share of the bits of their hashes, plus the difference
            of their mean colours in 128ths, as a mean over their frames.

    Returns:
        The number of each clip's group; ``None`` of a clip that is like no other one.
    """
    first = list(range(len(fingerprints)))

    def root(number: int) -> int:
        while first[number] != number:
            first[number] = first[first[number]]
            number = first[number]
        return number

    for members in _of_one_length(fingerprints).values():
        hashes, colours = _decoded([fingerprints[number] or "" for number in members])
        for one, number in enumerate(members):
            near = _distances(hashes[one], colours[one], hashes[:one], colours[:one]) <= threshold
            for other in np.flatnonzero(near):
                low, high = sorted((root(members[int(other)]), root(number)))
                first[high] = low
    roots = [root(number) for number in range(len(first))]
    sizes = Counter(roots)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(one, len(numbers)) if sizes[one] > 1 else None for one in roots]


def _of_one_length(fingerprints: Sequence[str | None]) -> dict[int, list[int]]:
    """The numbers of the clips by how many frames were looked at; only clips of one length can be alike."""
    lengths: dict[int, list[int]] = {}
    for number, fingerprint in enumerate(fingerprints):
        if fingerprint:
            lengths.setdefault(fingerprint.count(".") + 1, []).append(number)
    return lengths


def _decoded(fingerprints: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The bits of the hashes, clips × frames × 8 bytes, and the mean colours, clips × frames × 3."""
    data = [np.frombuffer(bytes.fromhex(one.replace(".", "")), np.uint8) for one in fingerprints]
    frames = np.stack(data).reshape(len(data), -1, _FRAME_BYTES)
    return frames[..., :_HASH_BYTES], frames[..., _HASH_BYTES:].astype(np.float64)


def _distances(
    hashes: NDArray[np.uint8],
    colours: NDArray[np.float64],
    other_hashes: NDArray[np.uint8],
    other_colours: NDArray[np.float64],
) -> NDArray[np.float64]:
    """How much a clip differs from each of some others."""
    bits = np.unpackbits(hashes ^ other_hashes, axis=2).mean(axis=(1, 2))
    return np.asarray(bits + np.abs(colours - other_colours).mean(axis=(1, 2)) / _LEVELS, np.float64)


def _hash(luma: NDArray[np.float64]) -> bytes:
    """The perceptual hash of a luma plane of 32×32."""
    cosines = _cosines()
    spectrum = (cosines @ luma @ cosines.T).ravel()
    return np.packbits(spectrum > np.median(spectrum)).tobytes()


@cache
def _cosines() -> NDArray[np.float64]:
    """The lowest frequencies of the discrete cosine transform (DCT-II)."""
    frequency = np.arange(_FREQUENCIES)[:, None]
    place = np.arange(_SIDE)[None, :]
    return np.asarray(np.cos(np.pi * frequency * (2 * place + 1) / (2 * _SIDE)), np.float64)
