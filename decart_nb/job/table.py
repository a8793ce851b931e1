"""Tables of jobs and of a sweep's results, in pandas: typed columns that survive Parquet and CSV."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

from .._util.paths import relative_path
from .._util.text import short_repr
from ..errors import InvalidInputError, StoreError
from ..store.files import StoreFiles
from ..store.job_row import JUDGED, Record
from .clip import asked_inputs
from .input_pictures import MAX_PICTURES, Picture, stored_picture

if TYPE_CHECKING:
    import pandas as pd

#: What a job says of itself, and of which type that is. Every other column is an input, or the caller's own.
JOB_COLUMNS = {
    "model": "string",
    "take": "Int64",
    "drawn_seed": "Int64",
    "status": "string",
    "job_id": "string",
    "path": "string",
    "error": "string",
    "reused": "boolean",
    "submitted_at": "datetime64[ns, UTC]",
    "waited": "Float64",
    "made": "Float64",
    "cost": "Float64",
    "width": "Int64",
    "height": "Int64",
    "fps": "Float64",
    "duration": "Float64",
    "backend": "string",
    "size_bytes": "Int64",
    "sha256": "string",
    "rating": "Int64",
    "note": "string",
}
#: Those, and what earlier versions have written in their place: the seconds from the submission to the stored file.
OWN_COLUMNS = {**JOB_COLUMNS, "seconds": "Float64"}
#: What measuring adds to a table beside its metrics: why a row has no values, and which clips look alike.
MEASURE_ERROR, DUPLICATE_GROUP = "measure_error", "duplicate_group"
_TRUTH = {"True": True, "true": True, "1": True, "False": False, "false": False, "0": False}
#: Of what a store can hold, Arrow itself refuses what is of another type than these: nobody else needs to look first.
_AT_ONCE = ("string", "boolean", "Float64")
_PLAIN = {str, int, float, bool, NoneType}


@contextlib.contextmanager
def gc_paused() -> Iterator[None]:
    """Lets Python's collector rest while a large table is made.

    All of its hundreds of thousands of values live, and to walk them again and again takes a fifth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def frame(records: Sequence[Record], folder: Path) -> pd.DataFrame:
    """A row a job, with a column for each input that any of them has. None of them is ``reused``: each was made.

    Args:
        records: the jobs.
        folder: the store's.
    """
    shown = Path(relative_path(folder))
    given = [asked_inputs(record) for record in records]
    names = column_names(name for inputs in given for name in inputs)
    own = {name: [getattr(record, name, None) for record in records] for name in JOB_COLUMNS}
    own["path"] = [record.path and str(shown / record.path) for record in records]
    own["reused"] = [False] * len(records)
    del own["model"]
    from .results_frame import ResultsFrame

    table = typed(
        {
            "model": [record.asked_model for record in records],
            **{column: [inputs.get(name) for inputs in given] for name, column in names.items()},
            **own,
        }
    )
    return ResultsFrame(table).with_pictures(_pictures(records, names, StoreFiles(folder)))


def _pictures(
    records: Sequence[Record], columns: Mapping[str, str], files: StoreFiles
) -> dict[tuple[str, str], Picture]:
    """How the pictures of input files are had, by column and file name; not those of two files of one name."""
    found: dict[tuple[str, str], Mapping[str, Any] | None] = {}
    for record in records:
        for name, file in record.files.items():
            key = columns[name], str(file["filename"])
            known = found.setdefault(key, file)
            if known is not None and known.get("sha256") != file.get("sha256"):
                found[key] = None
    pictures = {}
    for key, single in itertools.islice(found.items(), MAX_PICTURES):
        with contextlib.suppress(StoreError):
            if single is not None:
                pictures[key] = stored_picture(files.input(single), str(single["sha256"]))
    return pictures


def column_names(inputs: Iterable[str], more: Collection[str] = ()) -> dict[str, str]:
    """The column of each input. One that is called like a job's own column is kept beside it, as ``input_status``.

    Args:
        inputs: by their names.
        more: what a table has besides a job's own columns.
    """
    own = {*OWN_COLUMNS, *more}
    taken = {*own, *(inputs := dict.fromkeys(inputs))}
    names = {}
    for name in inputs:
        column = name
        while column in own or (column != name and column in taken):
            column = f"input_{column}"
        taken.add(column)
        names[name] = column
    return names


def typed(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """A table of typed columns: a job's own as in :data:`OWN_COLUMNS`, any other of the type that fits all values.

    Such are text, whole numbers, numbers, truth values and times, each with room for what is missing. Whatever else
    there is becomes text, which is JSON for lists and dicts, so that Parquet takes every column.

    Args:
        columns: lists, Series or arrays of one length. ``submitted_at`` is in seconds since the epoch.

    Raises:
        InvalidInputError: one of the job's own columns holds what cannot be of its type.
    """
    import pandas as pd

    return pd.DataFrame({name: _typed(name, values) for name, values in columns.items()}, copy=False)


def as_results(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table with its types again, which ``pd.read_csv`` cannot know.

    A CSV does not tell a missing text from an empty one, nor whole numbers from others where some are missing: then
    they are taken for whole ones.

    Args:
        frame: as it was read.

    Raises:
        InvalidInputError: a column is there twice, or a job's own column holds what cannot be of its type.
    """
    if not frame.columns.is_unique:
        twice = ", ".join(map(str, dict.fromkeys(frame.columns[frame.columns.duplicated()])))
        raise InvalidInputError(f"The table has more than one column of the name {twice}; rename one.")
    restored = typed({name: values if name in OWN_COLUMNS else _whole(values) for name, values in frame.items()})
    restored.index = frame.index
    restored.attrs = dict(frame.attrs)
    return restored


def metrics_of(table: pd.DataFrame) -> list[str]:
    """The columns of a table that are metrics, of which its attribute ``metrics`` has the names."""
    named = table.attrs.get("metrics")
    texts = [name for name in named if isinstance(name, str)] if isinstance(named, (list, tuple)) else []
    return [name for name in dict.fromkeys(texts) if name in table.columns]


def measured_columns(table: pd.DataFrame) -> list[str]:
    """The columns of a table that measuring has added: they are no inputs, and say nothing of what was asked for."""
    return [*metrics_of(table), *(name for name in (MEASURE_ERROR, DUPLICATE_GROUP) if name in table.columns)]


def _whole(series: pd.Series) -> pd.Series:
    """Whole numbers, where a gap among them has made a CSV's reader take them for others."""
    if series.dtype.kind != "f" or not series.hasnans:
        return series
    known = series.dropna()
    if known.empty:
        return series.astype("string")
    return series.astype("Int64") if (known % 1 == 0).all() and known.abs().max() < 2**53 else series


def _typed(name: str, values: Any) -> Any:
    """A column as pandas' array of its type."""
    import pandas as pd

    dtype = getattr(values, "dtype", None)
    if getattr(dtype, "storage", None) == "pyarrow" and OWN_COLUMNS.get(name, "string") == "string":
        return pd.array(values, dtype="string")  # which holds no halves of characters
    if (
        dtype is None
        and OWN_COLUMNS.get(name) in _AT_ONCE
        and (array := _by_arrow(values, OWN_COLUMNS[name])) is not None
    ):
        return array
    if dtype is None or pd.api.types.is_string_dtype(dtype):
        values, kinds = _listed(values)
        if not kinds:
            return pd.Series(
                pd.NaT if name == "submitted_at" else pd.NA, range(len(values)), OWN_COLUMNS.get(name, "string")
            ).array
        return _own(name, values, kinds) if name in OWN_COLUMNS else _fitting(values, kinds)
    if name in OWN_COLUMNS:
        if dtype == OWN_COLUMNS[name]:
            return pd.array(values)
        return _own(name, *_listed(pd.Series(values).convert_dtypes() if OWN_COLUMNS[name] == "string" else values))
    fits = {"i": "Int64", "u": "Int64", "f": "Float64", "b": "boolean"}.get(dtype.kind)
    try:
        return pd.array(values, dtype=fits or dtype)
    except (TypeError, ValueError, OverflowError):  # 64 bits without a sign
        return pd.array(values, dtype=dtype)


def _listed(column: Any) -> tuple[list[Any], set[type]]:
    """A column as a list, in which whatever pandas takes for missing is ``None``, and the types of what is there."""
    import pandas as pd

    values: list[Any] = list(column)
    kinds = set(map(type, values))
    if not kinds <= _PLAIN or (float in kinds and kinds & {str, bool}):
        missing = pd.Series(values, dtype=object).isna()
        values = [None if gone else value for value, gone in zip(values, missing, strict=True)]
        kinds = set(map(type, values))
    return values, kinds - {NoneType}


def _own(name: str, values: list[Any], kinds: set[type]) -> Any:
    """One of the job's own columns."""
    dtype = OWN_COLUMNS[name]
    try:
        if dtype == "string":
            return _texts(values, kinds)
        if name == "submitted_at":
            return _times(values, kinds)
        if dtype == "boolean":
            truths = [None if value is None else _TRUTH[str(value)] for value in values]
            return _array(truths, dtype)
        if str in kinds:
            return _texts(values, kinds).astype("Float64").astype(dtype)
        if dtype == "Int64" and kinds != {int}:
            return _by_pandas(values, dtype)  # which refuses a fraction; Arrow would cut it off
        return _array(values, dtype)
    except (TypeError, ValueError, OverflowError, KeyError) as cause:
        if name in JUDGED:  # of a table that is older than ratings: the caller's own
            return _texts(values, kinds)
        wanted = dtype.partition("[")[0].rstrip("64").lower()
        raise InvalidInputError(
            f"The column {name} should be of type {wanted}, and is not: {cause}", {}, cause
        ) from None


def _fitting(values: list[Any], kinds: set[type]) -> Any:
    """A column of the type that fits all values."""
    import numpy as np
    import pandas as pd

    fits = {
        (str,): "string",
        (bool, np.bool_): "boolean",
        (int, np.integer): "Int64",
        (int, float, np.integer, np.floating): "Float64",
    }
    for those, dtype in fits.items():
        if all(issubclass(kind, those) and (kind is not bool or bool in those) for kind in kinds):
            try:
                return _texts(values, kinds) if dtype == "string" else _array(values, dtype)
            except (OverflowError, TypeError, ValueError):  # such as 64 bits without a sign
                return _texts(values, kinds)
    if pd.api.types.infer_dtype(values, skipna=True) in ("datetime", "datetime64", "timedelta", "timedelta64"):
        return pd.Series(values).array
    return _texts(values, kinds)


def _array(values: list[Any], dtype: str) -> Any:
    """``pd.array``, in less time.

    Raises:
        TypeError, ValueError, OverflowError: the values are not of that type.
    """
    array = _by_arrow(values, dtype)
    return _by_pandas(values, dtype) if array is None else array


def _by_pandas(values: list[Any], dtype: str) -> Any:
    """``pd.array``, without NumPy's warning of a number that does not fit: that is an error already."""
    import numpy as np
    import pandas as pd

    with np.errstate(invalid="ignore"):
        return pd.array(values, dtype=dtype)


def _by_arrow(values: list[Any], dtype: str) -> Any:
    """What ``pd.array`` gives, in half of the time, or in a tenth where some are missing; ``None`` without Arrow.

    It is also ``None`` where Arrow does not take the values, which pandas may.
    """
    import pandas as pd

    try:
        import pyarrow as pa

        kind = {"string": pa.large_string, "boolean": pa.bool_, "Int64": pa.int64, "Float64": pa.float64}[dtype]
        return pd.api.types.pandas_dtype(dtype).__from_arrow__(pa.array(values, kind(), from_pandas=True))
    except (ImportError, TypeError, ValueError, OverflowError, NotImplementedError):
        return None


def _texts(values: list[Any], kinds: set[type]) -> Any:
    """A column of texts that UTF-8 can hold."""
    import pandas as pd

    if kinds == {str}:
        if (array := _by_arrow(values, "string")) is not None:
            return array
        with contextlib.suppress(UnicodeError):
            "".join(filter(None, values)).encode()
            return pd.array(values, dtype="string")
    # A sweep's rows share what they hold: each such thing is written once.
    texts = {key: as_text(value) for key, value in {id(value): value for value in values}.items()}
    return pd.array([None if value is None else texts[id(value)] for value in values], dtype="string")


def as_text(value: Any) -> str:
    """What stands in a column of texts for a value, whatever it is: JSON for lists and dicts."""
    try:
        text = _json(value) if isinstance(value, (list, tuple, dict)) or hasattr(value, "tolist") else None
        if text is None:
            text = os.fsdecode(value) if isinstance(value, os.PathLike) else str(value)
    except Exception:  # noqa: BLE001 - a number with too many digits has no text, and somebody's own may break
        text = short_repr(value)
    # Halves of a character that belong together become one, and what is left of them a question mark in a diamond.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _json(value: Any) -> str | None:
    try:
        return json.dumps(value, default=lambda thing: thing.tolist(), ensure_ascii=False)
    except (AttributeError, TypeError, ValueError, RecursionError):
        return None


def _times(values: list[Any], kinds: set[type]) -> Any:
    """Times in UTC, of seconds since the epoch, of times, or of what a CSV says in their place."""
    import numpy as np
    import pandas as pd

    if kinds <= {int, float}:
        seconds = np.array(values, dtype=np.float64)
        microseconds = np.where(np.isnan(seconds), np.iinfo(np.int64).min, np.rint(np.nan_to_num(seconds) * 1e6))
        times = microseconds.astype(np.int64).view("datetime64[us]").astype("datetime64[ns]")
        return pd.Series(times).dt.tz_localize("UTC").array
    times = pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="ISO8601")
    return times.astype(OWN_COLUMNS["submitted_at"]).array
