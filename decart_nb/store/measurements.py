"""The measurements table of the store's database: what metrics have measured of videos."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Iterable
from typing import NamedTuple

from .database import Database


class StoredMeasurement(NamedTuple):
    """What a metric has measured of a video.

    Attributes:
        clip: the digest of the video.
        reference: the digest of the video that it was compared with; empty where there was none.
        name: of the metric.
        version: of the metric.
        value: the number, or a text; NaN where the video has no such value.
        error: why there is no value; empty where there is one.
    """

    clip: str
    reference: str
    name: str
    version: int
    value: float | str
    error: str = ""


class MeasurementTable:
    """Access to the measurements table, which knows videos by their digests, and no jobs.

    Args:
        database: where it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, clips: Collection[str], metrics: Collection[tuple[str, int]]) -> list[StoredMeasurement]:
        """What is known of videos, without and with any reference.

        Args:
            clips: their digests.
            metrics: the names and versions of metrics.
        """
        with self._database.connection() as database:
            rows = database.execute(
                "SELECT clip, reference, name, version, value, error FROM measurements WHERE clip IN "
                "(SELECT value FROM json_each(?)) AND (name, version) IN "
                "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))",
                [json.dumps(sorted(clips)), json.dumps(sorted(metrics))],
            ).fetchall()
        return [
            StoredMeasurement(clip, reference, name, version, math.nan if value is None else value, error)
            for clip, reference, name, version, value, error in rows
        ]

    def write(self, measurements: Iterable[StoredMeasurement]) -> None:
        """Store measurements, in one transaction."""
        now = time.time()
        rows = [(*one, now) for one in measurements]  # SQLite stores a NaN as NULL
        with self._database.transaction() as database:
            database.executemany("INSERT OR REPLACE INTO measurements VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
