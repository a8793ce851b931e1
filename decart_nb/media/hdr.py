"""Tone mapping: pictures of HDR video (HLG or PQ, BT.2020) as SDR pictures in BT.709.

What is as bright as paper stays as it is; what is brighter is compressed, and not cut off. FFmpeg's filter ``lut3d``
applies a table that is computed here.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from .images import RGB

#: Transfer characteristics by ITU-T H.273: SMPTE ST 2084 (PQ), and ARIB STD-B67 (HLG).
_PQ, _HLG = 16, 18
#: Points of the table along each axis.
_POINTS = 33
#: Candelas a square metre: of paper in a picture (ITU-R BT.2408), and of the brightest light that is told apart.
_WHITE, _PEAK = 203.0, 1000.0
#: Relative to paper, from where on light is compressed.
_KNEE = 0.7
_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593])


def is_hdr(frame: av.VideoFrame) -> bool:
    """Whether a frame's brightness is coded as HLG or PQ."""
    return frame.color_trc in (_PQ, _HLG)


class ToneMapper:
    """Converts the frames of one HDR video to RGB arrays. Made by :func:`tone_mapper`.

    Args:
        table: the path of the table.
    """

    def __init__(self, table: Path) -> None:
        self._table = table
        self._graph: Graph | None = None
        self._key: tuple[object, ...] = ()

    def convert(self, frame: av.VideoFrame, width: int, height: int) -> RGB:
        """An RGB array of a frame, scaled, and not turned.

        Args:
            frame: the frame.
            width, height: of the array, in pixels.
        """
        key = (frame.width, frame.height, frame.format.name, width, height)
        if self._graph is None or key != self._key:
            self._graph, self._key = self._made(frame, width, height), key
        self._graph.push(frame)
        converted = cast(av.VideoFrame, self._graph.pull())
        return cast(RGB, converted.to_ndarray(format="rgb24"))

    def _made(self, frame: av.VideoFrame, width: int, height: int) -> Graph:
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        scaled = f"{width}:{height}:in_color_matrix=bt2020:flags=area+accurate_rnd+full_chroma_int"
        nodes = [
            source,
            graph.add("scale", scaled),
            graph.add("format", "gbrp10le"),
            graph.add("lut3d", file=str(self._table)),
            graph.add("format", "rgb24"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph


@contextmanager
def tone_mapper(frame: av.VideoFrame) -> Iterator[ToneMapper]:
    """Give the tone mapper for a video.

    Args:
        frame: a frame of it.
    """
    with tempfile.TemporaryDirectory(prefix="decart_nb-") as folder:
        table = Path(folder, "table.cube")
        table.write_text(_table(frame.color_trc), encoding="ascii")
        yield ToneMapper(table)


@functools.cache
def _table(transfer: int) -> str:
    """The table as a ``.cube`` file: red changes fastest."""
    axis = np.linspace(0.0, 1.0, _POINTS)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    coded = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    light = _compressed((_from_pq(coded) if transfer == _PQ else _from_hlg(coded)) / _WHITE)
    shown = np.clip(light @ _TO_BT709.T, 0.0, 1.0) ** (1 / 2.4)
    lines = "".join(f"{r:.6f} {g:.6f} {b:.6f}\n" for r, g, b in shown)
    return f"LUT_3D_SIZE {_POINTS}\n{lines}"


def _from_pq(coded: NDArray[np.float64]) -> NDArray[np.float64]:
    """The light of PQ, in candelas a square metre (SMPTE ST 2084)."""
    root = coded ** (1 / 78.84375)
    light = np.maximum(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)
    return 10000.0 * light ** (1 / 0.1593017578125)


def _from_hlg(coded: NDArray[np.float64]) -> NDArray[np.float64]:
    """The light of HLG on a display of 1000 candelas a square metre (ITU-R BT.2100)."""
    high = (np.exp((coded - 0.55991073) / 0.17883277) + 0.28466892) / 12
    scene = np.where(coded <= 0.5, coded**2 / 3, high)
    light: NDArray[np.float64] = _PEAK * (scene @ _LUMINANCE)[:, None] ** 0.2 * scene
    return light


def _compressed(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light, 1 being paper's, in 0 to 1: the same up to the knee, and a curve from there. Colours keep their hue."""
    peak = _PEAK / _WHITE
    brightest = np.minimum(light.max(axis=1, keepdims=True), peak)
    over = np.maximum(brightest - _KNEE, 0.0) / (peak - _KNEE)
    bend = (1 - _KNEE) / (peak - 1)
    curve = np.where(brightest <= _KNEE, brightest, _KNEE + (1 - _KNEE) * (1 + bend) * over / (over + bend))
    compressed: NDArray[np.float64] = np.minimum(light, peak) * curve / np.maximum(brightest, 1e-9)
    return compressed
