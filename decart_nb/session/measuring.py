"""Measuring of clips and of tables of results: the session's store keeps the values by the clips' digests."""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._util.console import say
from .._util.public import public
from .._util.text import counted, did_you_mean, listing, printable, short_repr
from ..errors import InvalidInputError, MediaError
from ..job.clip import Clip
from ..job.job import Job
from ..job.table import DUPLICATE_GROUP, MEASURE_ERROR, metrics_of
from ..media.files import open_file
from ..media.numbers import finite_number
from ..metrics.builtin import DEFAULT, FINGERPRINT
from ..metrics.columns import Values, Video, measure_clips
from ..metrics.metric import PluginMetric
from ..metrics.registry import find
from ..store.job_row import Record
from ..sweeps.clips import clips_of, column_values, records_of
from .functions import open_store

if TYPE_CHECKING:
    from ..store.store import Store

#: The input that a video model takes its video by, and the column of it.
_DATA = "data"
_MAX_FLASHES = 3


@public
def measure(
    video: Clip | Job | str | os.PathLike[str],
    names: Iterable[str] | str | None = None,
    *,
    against: Clip | Job | str | os.PathLike[str] | None = None,
) -> dict[str, float]:
    """Measures a video by metrics; it is decoded once for all of them.

    With a session, values are kept in its store by the video's digest and the metric's version, and not measured again.

    Args:
        video: a clip, a finished job, or the path of a video.
        names: of metrics, built-in or of your own (see :func:`decart_nb.metric`); all that need no other video unless
            given. The manual lists them.
        against: the video that ``kept_…`` metrics compare it with; of a clip, the video that it was made from unless
            given.

    Returns:
        The values by the metrics' names; NaN where a video has none, such as the loudness of one without sound.

    Raises:
        InvalidInputError: there is no such metric, there is nothing to compare with, or a plug-in has failed.
        MediaError: the video cannot be decoded.

    Examples:
        >>> import decart_nb as dnb
        >>> dnb.measure(dnb.sample(), ["cuts", "freezes"])
        {'cuts': 0.0, 'freezes': 0.0}
        >>> dnb.measure(dnb.sample(), "kept_psnr", against=dnb.sample())
        {'kept_psnr': inf}
    """
    return measure_video(video, names, against, open_store())


def measure_video(video: Any, names: Iterable[str] | str | None, against: Any, store: Store | None) -> dict[str, float]:
    """As :func:`measure`, with a store, if there is one."""
    metrics = find(DEFAULT if names is None else names)
    clip = _video(video, store)
    reference = None
    if any(metric.needs_reference for metric in metrics):
        reference = _input_of(clip.sha256, store) if against is None else _video(against, store)
        if reference is None:
            raise InvalidInputError("There is no video to compare this one with: give it, against=….")
    values = measure_clips([clip], [reference], metrics, store=store)
    for metric in metrics:
        if reason := values.errors[0].get(metric.name):
            kind = InvalidInputError if isinstance(metric, PluginMetric) else MediaError
            raise kind(reason, {"metric": metric.name})
    return {name: float(column[0]) for name, column in values.columns.items()}


def measure_table(frame: pd.DataFrame, names: Iterable[str] | str | None, against: Any, client: Any) -> pd.DataFrame:
    """A copy of a table of results with a column for each metric; see ``df.decart.measure``.

    Raises:
        InvalidInputError: there is no such metric or column, or the table has a column of texts of a metric's name.
    """
    metrics, store = find(DEFAULT if names is None else names), open_store()
    before = metrics_of(frame)
    there = [metric.name for metric in metrics if metric.name in frame.columns and metric.name not in before]
    # Numbers are those of an earlier measure, of a table that was read back.
    if taken := [name for name in there if not pd.api.types.is_numeric_dtype(frame[name])]:
        raise InvalidInputError(f"The table has a column {listing(taken)} of its own: rename it before it is measured.")
    records = records_of(frame, store)
    clips = _videos(frame, records, store)
    references: list[Video | None] = [None] * len(clips)
    if any(metric.needs_reference for metric in metrics):
        references = _references(frame, records, against, store)
    values = measure_clips(clips, references, metrics, store=store, client=client)
    if others := [name for name in there if not _are_the_same(frame[name], values.columns[name])]:
        raise InvalidInputError(
            f"The table has a column {listing(others)} with other numbers than those that were measured: rename it, or "
            "drop it, before the table is measured."
        )
    made = frame.copy()
    for name, column in values.columns.items():
        made[name] = np.array(column, np.float64)
    made.attrs = {**made.attrs, "metrics": list(dict.fromkeys([*before, *values.columns]))}
    _add_errors(made, values)
    _warn_of_flashes(values.columns.get("flashes", ()))
    return made


def group_duplicates(frame: pd.DataFrame, threshold: float, client: Any) -> pd.DataFrame:
    """A copy of a table of results with a column of the groups of near-duplicates; see ``df.decart.duplicates``.

    Raises:
        InvalidInputError: the threshold is no number from 0 to 1.
    """
    from ..metrics.fingerprint import groups

    threshold = finite_number("threshold", threshold, at_least=0, at_most=1)
    store = open_store()
    clips = _videos(frame, records_of(frame, store), store)
    values = measure_clips(clips, [None] * len(clips), [FINGERPRINT], store=store, client=client)
    fingerprints = [one if isinstance(one, str) else None for one in values.columns[FINGERPRINT.name]]
    made = frame.copy()
    made[DUPLICATE_GROUP] = pd.array(groups(fingerprints, threshold), dtype="Int64")
    if failed := sum(map(bool, values.errors)):
        say(f"{counted(failed, 'clip')} could not be decoded, and {'is' if failed == 1 else 'are'} in no group.")
    return made


def _are_the_same(column: pd.Series, measured: Sequence[float | str]) -> bool:
    """Whether a column has no other numbers than these. It may lack some."""
    numbers = column.astype("Float64").to_numpy(np.float64, na_value=np.nan)
    return bool(np.all(np.isnan(numbers) | np.isclose(numbers, np.array(measured, np.float64))))


def _videos(frame: pd.DataFrame, records: Sequence[Record | None], store: Store | None) -> list[Video | None]:
    """The clips of a table as files with digests."""
    return [
        None if clip is None else _of_clip(clip, record, store)
        for clip, record in zip(clips_of(frame, records, store), records, strict=True)
    ]


def _of_clip(clip: Clip, record: Record | None, store: Store | None) -> Video:
    """A clip as a file with its digest.

    That of a video of the store is known. Of any other file it is computed: a table may name another file beside the
    digest, and what is measured of that must not be kept as a value of this one. Only where the file is gone, the
    clip's own digest tells which values are its own.
    """
    if store is not None and record is not None and record.sha256 and store.video(record) == clip.path:
        return Video(clip.path, record.sha256)
    return _of_path(clip.path, clip.sha256)


def _of_path(path: Path, otherwise: str = "") -> Video:
    """A file with its digest, and one that cannot be read with another or none: whoever opens it says why."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return Video(path, "")
        return Video(path, _digest(path, found.st_size, found.st_mtime_ns))
    except (OSError, ValueError, MediaError):
        return Video(path, otherwise)


@functools.lru_cache(4096)
def _digest(path: Path, size: int, changed: int) -> str:
    """The digest of a file as it is now, by its path, size and time of change."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _video(value: Any, store: Store | None) -> Video:
    """What a person gives as a video.

    Raises:
        InvalidInputError: it is none.
    """
    if isinstance(value, Job):
        if value.clip is None:
            raise InvalidInputError(f"The job {value.id or ''} has no video yet: give job.result().")
        value = value.clip
    if not isinstance(value, Clip | str | os.PathLike):
        raise InvalidInputError(f"A clip or the path of a video is measured, not {short_repr(value)}.")
    video = _of_value(value, store)
    if video is None:
        raise InvalidInputError(f"There is no video {printable(Path(value).name)}.")
    return video


def _input_of(clip_sha256: str, store: Store | None) -> Video | None:
    """The video that a clip was made from."""
    records = store.find(sha256=clip_sha256) if store is not None and clip_sha256 else []
    return _stored_input(records[-1], store) if records else None


def _stored_input(record: Record | None, store: Store | None) -> Video | None:
    file = record.files.get(_DATA) if record is not None else None
    if store is None or not isinstance(file, Mapping) or not file.get("sha256"):
        return None
    return Video(store.files.input(file), str(file["sha256"]))


def _references(
    frame: pd.DataFrame, records: Sequence[Record | None], against: Any, store: Store | None
) -> list[Video | None]:
    """What the clip of each row is compared with."""
    is_path = isinstance(against, str) and against not in frame.columns and os.path.isfile(against)  # noqa: PTH113
    if is_path or isinstance(against, Clip | Job | os.PathLike):
        return [_video(against, store)] * len(frame)
    name = _DATA if against is None else against
    if name in frame.columns:
        values = column_values(frame[name])
    elif against is None:
        values = [None] * len(frame)
    else:
        meant = did_you_mean(str(name), map(str, frame.columns))
        raise InvalidInputError(
            f"against must be a video, or name a column of videos: there is none called {name}.{meant}"
        )
    inputs = [_stored_input(record, store) if name == _DATA else None for record in records]
    return [made_from or _of_value(value, store) for made_from, value in zip(inputs, values, strict=True)]


def _of_value(value: Any, store: Store | None) -> Video | None:
    """The video that a value stands for, such as one in a cell of a table; ``None`` where there is none."""
    if isinstance(value, Job):
        value = value.clip
    if isinstance(value, Clip):
        records = store.find(sha256=value.sha256) if store is not None and value.sha256 else []
        return _of_clip(value, records[0] if records else None, store)
    # Unlike Path.is_file, this takes any text, such as one that is too long for a name.
    if isinstance(value, str | os.PathLike) and os.path.isfile(value):  # noqa: PTH113
        return _of_path(Path(value))
    return None


def _add_errors(made: pd.DataFrame, values: Values) -> None:
    """Add the column that says why rows have no values, or bring it up to date, and say once that there are some."""
    asked = tuple(values.columns)
    old = column_values(made[MEASURE_ERROR]) if MEASURE_ERROR in made else [None] * len(made)
    texts = []
    for before, errors in zip(old, values.errors, strict=True):
        lines = [line for line in str(before or "").split("\n") if line and line.partition(": ")[0] not in asked]
        lines += [f"{name}: {reason}" for name, reason in errors.items()]
        texts.append("\n".join(lines) or None)
    if any(texts):
        made[MEASURE_ERROR] = pd.array(texts, dtype="string")
    elif MEASURE_ERROR in made:
        del made[MEASURE_ERROR]
    failed = [errors for errors in values.errors if errors]
    if failed:
        name, reason = next(iter(failed[0].items()))
        say(
            f"{len(failed):,} of {counted(len(made), 'row')} could not be measured by all metrics: the column "
            f"{MEASURE_ERROR} has why. The first is {name}: {printable(reason, limit=200)}"
        )


def _warn_of_flashes(values: Iterable[float | str]) -> None:
    if found := sum(isinstance(value, float) and value > _MAX_FLASHES for value in values):
        say(
            f"Warning: {counted(found, 'clip')} with more than {_MAX_FLASHES} flashes in a second, which may harm "
            "people with photosensitive epilepsy: the column flashes has how many."
        )
