"""Tables of results with clips whose videos nobody opens."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from decart_nb.job.clip import Clip
from decart_nb.rating.rating import Rating, rate
from decart_nb.store.store import Store


def results(**axes: Iterable[Any]) -> pd.DataFrame:
    """A completed row for each combination of values, with a digest of its own."""
    rows = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    table = pd.DataFrame(rows)
    table["status"] = "completed"
    table["job_id"] = [f"job_{number}" for number in range(len(table))]
    table["path"] = [f"runs/{number}.mp4" for number in range(len(table))]
    table["sha256"] = [hashlib.sha256(str(row).encode()).hexdigest() for row in rows]
    table["made"] = range(len(table))
    return table


def clips_of(table: pd.DataFrame) -> list[Clip | None]:
    """The clip of each completed row."""
    return [
        Clip(Path(row.path), row.job_id, "", {}, 64, 48, 10.0, 1.0, 1000, row.sha256, "local")
        if row.status == "completed"
        else None
        for row in table.itertuples()
    ]


def rating(table: pd.DataFrame, store: Store, *, by: str = "model", rater: str = "me", seed: int = 1) -> Rating:
    """A rating of a table."""
    return rate(table, clips_of(table), by=by, rater=rater, store=store, seed=seed)
