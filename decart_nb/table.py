"""The table of jobs, in pandas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .clip import inputs_of
from .records import Record

if TYPE_CHECKING:
    import pandas as pd

_TYPES = {
    "model": "string",
    "take": "Int64",
    "status": "string",
    "job_id": "string",
    "path": "string",
    "error": "string",
    "submitted_at": "datetime64[ns, UTC]",
    "seconds": "Float64",
    "cost": "Float64",
    "width": "Int64",
    "height": "Int64",
    "fps": "Float64",
    "duration": "Float64",
    "backend": "string",
}


def frame(records: Sequence[Record], folder: Path) -> pd.DataFrame:
    """A row a job, with a column for each input that any of them has.

    Args:
        records: the jobs.
        folder: the store's.
    """
    import pandas as pd

    columns = {name: pd.Series([getattr(record, name) for record in records], dtype="object") for name in _TYPES}
    columns["model"] = pd.Series([record.asked_model for record in records], dtype="object")
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    columns["path"] = pd.Series([record.path and str(shown / record.path) for record in records], dtype="object")
    columns["submitted_at"] = pd.to_datetime(columns["submitted_at"].astype("Float64"), unit="s", utc=True)
    given = [inputs_of(record) for record in records]
    names = dict.fromkeys(name for inputs in given for name in inputs)
    asked = {name: pd.Series([inputs.get(name) for inputs in given], dtype="object") for name in names}
    model = {"model": columns.pop("model").astype("string")}
    return pd.DataFrame({**model, **asked, **{name: column.astype(_TYPES[name]) for name, column in columns.items()}})
