"""Measuring many clips: a value that the store does not have is computed, once for each content, and stored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util.text import printable
from .._util.work_units import check_client, run_units, unit_key
from ..store.measurements import StoredMeasurement
from .metric import Metric, PluginMetric

if TYPE_CHECKING:
    from ..store.store import Store
    from .feeds import Measurement

#: Why a clip has no value of a metric that compares it with another video.
NO_REFERENCE = "there is no video to compare it with: name a column of videos, against=…"
_MAX_ERROR_LENGTH = 500


@dataclass(frozen=True)
class Video:
    """A video file.

    Attributes:
        path: where it lies. It is opened only if something is not known of it yet.
        sha256: its digest; empty of a file that cannot be read, of which nothing is kept.
    """

    path: Path
    sha256: str

    @property
    def identity(self) -> str:
        """What tells it from other videos: its digest, or its path."""
        return self.sha256 or str(self.path)


@dataclass
class Values:
    """What is known of some clips.

    Attributes:
        columns: the values by the metrics' names, one for each clip; NaN where there is none.
        errors: of each clip, why it has no value of some metrics, by their names.
    """

    columns: dict[str, list[float | str]] = field(default_factory=dict)
    errors: list[dict[str, str]] = field(default_factory=list)


def measure_clips(
    clips: Sequence[Video | None],
    references: Sequence[Video | None],
    metrics: Sequence[Metric],
    *,
    store: Store | None,
    client: Any = None,
) -> Values:
    """Measure clips by metrics, each decoded at most once, on the cores of this machine or on a cluster.

    Each value is stored as it comes, so that an interrupted call goes on where it was.

    Args:
        clips: the clips; ``None`` where there is none.
        references: what each is compared with; ``None`` where there is nothing.
        metrics: what is measured.
        store: has and keeps the values.
        client: of a Dask cluster.

    Raises:
        InvalidInputError: the client is no Dask client.
        StoreError: the values cannot be read or written.
    """
    check_client(client)
    known = _stored(clips, metrics, store)
    units = _units(clips, references, metrics, known)
    for key, result in run_units(_measure, {key: unit.arguments for key, unit in units.items()}, client=client):
        found = units[key].rows(result)
        if store is not None:
            store.measurements.write(row for row, is_kept in found if is_kept)
        known |= {row[:4]: row for row, _ in found}
    values = Values({metric.name: [math.nan] * len(clips) for metric in metrics}, [{} for _ in clips])
    for number, (clip, reference) in enumerate(zip(clips, references, strict=True)):
        for metric in metrics if clip is not None else ():
            if metric.needs_reference and reference is None:
                values.errors[number][metric.name] = NO_REFERENCE
                continue
            row = known[_key(clip, reference, metric)]
            values.columns[metric.name][number] = row.value
            if row.error:
                values.errors[number][metric.name] = row.error
    return values


_Key = tuple[str, str, str, int]


def _key(clip: Video | None, reference: Video | None, metric: Metric) -> _Key:
    assert clip is not None
    beside = reference.identity if metric.needs_reference and reference is not None else ""
    return clip.identity, beside, metric.name, metric.version


@dataclass
class _Unit:
    """What is measured of one clip, and of one reference beside it.

    Attributes:
        clip: the clip.
        reference: what it is compared with.
        metrics: what is measured.
    """

    clip: Video
    reference: Video | None
    metrics: dict[str, Metric] = field(default_factory=dict)

    @property
    def arguments(self) -> tuple[Path, Path | None, tuple[str | PluginMetric, ...]]:
        """Those of :func:`decart_nb.metrics.measuring.measure_clip`."""
        reference = None if self.reference is None else self.reference.path
        metrics = [one if isinstance(one, PluginMetric) else one.name for one in self.metrics.values()]
        return self.clip.path, reference, tuple(metrics)

    @property
    def key(self) -> str:
        """The unit's key, under which a cluster may compute it once for several callers."""
        versions = [(metric.name, metric.version) for metric in self.metrics.values()]
        return unit_key(self.clip.identity, self.reference and self.reference.identity, versions)

    def rows(self, result: dict[str, Measurement] | Exception) -> list[tuple[StoredMeasurement, bool]]:
        """What was measured, or what went wrong, as rows of the store, and whether they are to be kept."""
        if isinstance(result, Exception):
            text = printable(getattr(result, "message", f"{type(result).__name__}: {result}"), limit=_MAX_ERROR_LENGTH)
            keys = [_key(self.clip, self.reference, metric) for metric in self.metrics.values()]
            return [(StoredMeasurement(*key, math.nan, text), False) for key in keys]
        rows = []
        for name, found in result.items():
            metric = self.metrics[name]
            error = printable(found.error, limit=_MAX_ERROR_LENGTH)
            videos = [self.clip, self.reference] if metric.needs_reference else [self.clip]
            is_kept = found.is_final and all(video is not None and video.sha256 for video in videos)
            key = _key(self.clip, self.reference, metric)
            rows.append((StoredMeasurement(*key, found.value, error), is_kept))
        return rows


def _stored(
    clips: Iterable[Video | None], metrics: Sequence[Metric], store: Store | None
) -> dict[_Key, StoredMeasurement]:
    if store is None:
        return {}
    digests = {clip.sha256 for clip in clips if clip is not None and clip.sha256}
    rows = store.measurements.read(digests, {(metric.name, metric.version) for metric in metrics})
    return {row[:4]: row for row in rows}


def _units(
    clips: Sequence[Video | None],
    references: Sequence[Video | None],
    metrics: Sequence[Metric],
    known: dict[_Key, StoredMeasurement],
) -> dict[str, _Unit]:
    """What is not known yet, by the units' keys."""
    units: dict[str, _Unit] = {}
    begun: set[_Key] = set()
    for clip, reference in zip(clips, references, strict=True):
        for metric in metrics if clip is not None else ():
            if clip is None or (metric.needs_reference and reference is None):
                continue
            key = _key(clip, reference, metric)
            if key not in known and key not in begun:
                begun.add(key)
                beside = "" if reference is None else reference.identity
                unit = units.setdefault(f"{clip.identity} {beside}", _Unit(clip, reference))
                unit.metrics[metric.name] = metric
    return {unit.key: unit for unit in units.values()}


def _measure(clip: Path, reference: Path | None, metrics: tuple[str | PluginMetric, ...]) -> dict[str, Measurement]:
    from .measuring import measure_clip  # which loads PyAV and NumPy

    return measure_clip(clip, reference, metrics)
