"""Tables as input of a sweep: files, DataFrames of any library, and results that were saved and read back."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .._util.addresses import file_name, is_redacted
from .._util.plain_values import is_missing
from .._util.text import one_line, printable, safe_str
from ..errors import InvalidInputError
from ..job.ingest import seconds_of
from ..job.spreadsheets import as_written
from ..job.table import OWN_COLUMNS, measured_columns
from ..request.locations import is_remote, is_url
from ..request.models import FILE_TYPES
from ..request.uploads import Upload
from ..store.job_row import JUDGED, Record
from ..store.store import Store
from .axes import Axis
from .rows import PROMPT, InputFile
from .table_files import USUAL, as_cell_text, read_table, usual_name
from .template import escape

if TYPE_CHECKING:
    import pandas as pd

#: The columns of a results table that are no inputs; a sweep of such a table leaves them out.
_OUTCOME = frozenset(OWN_COLUMNS) - {"model", "take"}
#: The columns by which a table of results is recognised.
_OF_RESULTS = frozenset({"status", "job_id"})
_DIGEST = re.compile(r"[0-9a-f]{64}")
#: From so many jobs on, it is faster to read them all than to look up each.
_MANY = 200
#: Texts that pandas reads as missing, unless it is told not to.
_NOTHINGS = {
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
    *("NULL", "NaN", "None", "n/a", "nan", "null"),
}


def sweep_table(given: Any, store: Store) -> Any:
    """The table that a value stands for, with a column for each input; a value that is no table is returned as it is.

    Args:
        given: a DataFrame of any library, or the path of a file.
        store: has the jobs of a table of results.

    Raises:
        InvalidInputError: it cannot be read, or two columns are the same input.
    """
    if isinstance(given, Axis):
        return given
    frame = read_table(given) if isinstance(given, (str, os.PathLike)) else _frame(given)
    if frame is None:
        return given
    names = [usual_name(name) for name in frame.columns]
    for name, count in Counter(names).items():
        if count > 1:
            twice = [str(one) for one, meant in zip(frame.columns, names, strict=True) if meant == name]
            raise InvalidInputError(
                f"The table has more than one column {name}: {', '.join(map(repr, twice))}; rename or drop one."
            )
    if names != [*frame.columns]:
        frame = frame.set_axis(names, axis=1)
    outcome = [name for name in _OUTCOME | {*measured_columns(frame)} if name in names]
    if not {*names} >= _OF_RESULTS:
        # A rating or a note in a table that holds no results is the caller's own.
        return frame.drop(columns=[name for name in outcome if name not in JUDGED])
    inputs = _exact(frame, store).drop(columns=outcome)
    return inputs.rename(columns={name: _input_name(name) for name in inputs.columns})


def _frame(given: Any) -> pd.DataFrame | None:
    """A table of any library as a pandas DataFrame; ``None`` if it is no table."""
    import pandas as pd

    if isinstance(given, pd.DataFrame):
        return given
    errors = []
    for name, way in () if isinstance(given, (type, pd.Series)) else _INTERCHANGE.items():
        if hasattr(given, name):
            try:
                frame = way(given)
            except Exception as error:  # noqa: BLE001 - whatever another library raises
                errors.append(error)
                continue
            if isinstance(frame, pd.DataFrame):
                return frame
    if not errors:
        return None
    raise InvalidInputError(
        f"The table, a {type(given).__name__}, cannot be read "
        f"({printable(safe_str(errors[0]), limit=200).rstrip('.')}); make it a pandas DataFrame first.",
        cause=errors[0],
    )


def _of_arrow(given: Any) -> Any:
    import pyarrow as pa

    return pa.table(given).to_pandas()


def _of_interchange(given: Any) -> Any:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a newer pandas prefers Arrow's way, which this library may not offer
        return pd.api.interchange.from_dataframe(given)


#: How libraries hand a table over, the best way first.
_INTERCHANGE: dict[str, Callable[[Any], Any]] = {
    "to_pandas": methodcaller("to_pandas"),
    "__arrow_c_stream__": _of_arrow,
    "__dataframe__": _of_interchange,
}


# Results that were kept and read back.


def _exact(frame: pd.DataFrame, store: Store) -> pd.DataFrame:
    """The inputs of results as they were sent, whatever a CSV or a sheet has made of them.

    A text is what the job was asked for where pandas has read it as a number, a truth value, or as missing. A file is
    taken from the store where none lies at its path any more.
    """
    frame = frame.copy(deep=False)
    rows = [*zip(_values(frame["status"]), jobs_of(frame["job_id"], store), strict=True)]
    for name in [name for name in frame.columns if name not in _OUTCOME]:
        asked, values = _input_name(name), _values(frame[name])
        read = [
            one if status is None else _read_back(asked, one, status, job, store)  # without one, it is no result
            for one, (status, job) in zip(values, rows, strict=True)
        ]
        if any(now is not one for now, one in zip(read, values, strict=True)):
            import pandas as pd

            frame[name] = pd.Series(read, index=frame.index, dtype=object)
    return frame


def jobs_of(ids: Iterable[Any], store: Store) -> list[Record | None]:
    """The jobs in the store with these ids; ``None`` for an id that is not there."""
    ids = [*ids]
    wanted = {one for one in ids if isinstance(one, str) and one}
    found = store.find() if len(wanted) > _MANY else [record for one in wanted for record in store.find(job_id=one)]
    known = {record.job_id: record for record in found}
    return [known.get(one) if isinstance(one, str) else None for one in ids]


def _values(column: pd.Series) -> list[Any]:
    return [None if is_missing(one) else one for one in column.tolist()]


def _read_back(name: str, value: Any, status: str, job: Record | None, store: Store) -> Any:
    exact = job.inputs.get(name) if job else None
    if isinstance(exact, str):
        value = exact if _is_misread(value, exact) else value
    elif name == PROMPT:
        value = as_written(as_cell_text(value))
    if name == PROMPT and isinstance(value, str):
        return value if status == "invalid" else escape(value)  # else it was filled already
    if isinstance(value, str) and (name not in USUAL or USUAL[name].type in FILE_TYPES):
        return _stored(name, value, job, store) or _beside_store(value, store) or value
    return value


def _beside_store(value: str, store: Store) -> str | None:
    """A path that leads to a file from the store's folder alone: the table was made there."""
    if is_remote(value) or os.path.isabs(value) or os.path.lexists(value):  # noqa: PTH117 - a text may be no path at all
        return None
    path = os.path.join(store.folder.parent, value)  # noqa: PTH118
    return path if os.path.lexists(path) else None


def _is_misread(value: Any, exact: str) -> bool:
    """Whether a value may be a text that a reader of CSV files or spreadsheets has converted."""
    if value is None:
        return exact in _NOTHINGS
    if isinstance(value, str):
        return value != exact and as_written(value) == exact
    if isinstance(value, bool):
        return exact.strip().lower() == str(value).lower()
    try:
        return isinstance(value, (int, float)) and float(exact) == value
    except ValueError:
        return False


def _stored(name: str, value: str, job: Record | None, store: Store) -> InputFile | None:
    """The input file of a job in the store, if there is no file at its path any more."""
    file = job.files.get(name) if job else None
    path = Path(value)
    if is_remote(value):
        name_there = unquote(file_name(value)) if is_url(value) else file_name(value)
        called = one_line(name_there) if is_redacted(value) else None
    else:
        called = None if os.path.lexists(path) else one_line(path.name)
    if file is None or called is None or not (called == file["filename"] or path.stem == file["sha256"]):
        return None
    if not store.files.has_input(file):
        return None
    upload = Upload(file["filename"], store.files.input(file))
    return InputFile(upload, value, file["sha256"], seconds_of(upload))


def _input_name(column: str) -> str:
    """The input that a column has: one that is called like a column of jobs is shown as ``input_status``."""
    name = column
    while isinstance(name, str) and name.startswith("input_"):
        name = name.removeprefix("input_")
    return name if name in OWN_COLUMNS and name not in ("model", "take") else column
