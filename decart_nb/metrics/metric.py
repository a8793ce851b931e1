"""What a metric is: a number that is computed from a video, or from a video and a reference beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .reducing import Reducer


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric, with what its values are kept and shown by.

    Attributes:
        name: of its column.
        version: a whole number. A metric that computes something else gets another one, and its values are measured
            again.
        unit: of its values; empty for a plain number.
        about: what it measures, in a few words.
        needs_reference: whether it compares the clip with another video.
    """

    name: str
    version: int = 1
    unit: str = ""
    about: str = ""
    needs_reference: bool = False


@dataclass(frozen=True, kw_only=True)
class Branch:
    """Which frames a group of filters gets, and what is done to them first.

    Attributes:
        is_sampled: whether the filters get a frame every two seconds, and at least three, instead of all.
        prefix: the filters that come first, by name and arguments.
    """

    is_sampled: bool = False
    prefix: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class FilterMetric(Metric):
    """A metric that a filter of FFmpeg computes, which writes it into the metadata of frames.

    Attributes:
        filter: its name and its arguments.
        branch: the frames that it gets; ``None`` for a filter of sound.
        reduce: makes what turns the metadata of all frames into one value.
    """

    filter: tuple[str, str]
    branch: Branch | None
    reduce: Callable[[], Reducer] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PluginMetric(Metric):
    """A metric that somebody else's function computes from RGB frames.

    Attributes:
        function: called with an iterator of the clip's frames and, if it needs one, an iterator of the reference's.
        fps: how many frames a second it gets; ``None`` for all.
    """

    function: Callable[..., Any] = field(repr=False)
    fps: float | None = None
