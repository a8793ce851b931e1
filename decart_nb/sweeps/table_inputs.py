"""A table as a sweep takes it: from a file or any library, and from results that were kept and read back."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from .._util.plain_values import is_missing
from .._util.text import one_line, printable, safe_str
from ..errors import InvalidInputError
from ..job.ingest import seconds_of
from ..job.spreadsheets import as_written
from ..job.table import JOB_COLUMNS
from ..request.locations import is_url, was_cut
from ..request.models import FILE_TYPES
from ..request.uploads import Upload
from ..store.job_row import Record
from ..store.store import Store
from .axes import Axis
from .rows import PROMPT, InputFile
from .table_files import USUAL, as_cell_text, read_table, usual_name
from .template import escape

if TYPE_CHECKING:
    import pandas as pd

#: The columns of results that say what became of a row; a sweep of such a table asks anew.
_OUTCOME = frozenset(JOB_COLUMNS) - {"model", "take"}
#: What a table of results has, and hardly any other.
_OF_RESULTS = frozenset({"status", "job_id"})
_DIGEST = re.compile(r"[0-9a-f]{64}")
#: To look for each job costs more than to read them all.
_MANY = 200
#: Texts that pandas reads as missing, unless it is told not to.
_NOTHINGS = {
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
    *("NULL", "NaN", "None", "n/a", "nan", "null"),
}


def sweep_table(given: Any, store: Store) -> Any:
    """A table of jobs, with a column for each input, and the user's own; what is no table is returned as it is.

    Args:
        given: a DataFrame of whatever library, or the path of a file.
        store: knows the jobs that a table of results tells of.

    Raises:
        InvalidInputError: it cannot be read, or two columns spell one name.
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
    outcome = [name for name in _OUTCOME if name in names]
    if not {*names} >= _OF_RESULTS:
        return frame.drop(columns=outcome)
    inputs = _exact(frame, store).drop(columns=outcome)
    return inputs.rename(columns={name: _input_name(name) for name in inputs.columns})


def _frame(given: Any) -> pd.DataFrame | None:
    """A table of whatever library as a pandas one; ``None`` where it is none."""
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
    """What the store knows of jobs, by their ids; ``None`` where it does not know one."""
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
        return _stored(name, value, job, store) or value
    return value


def _is_misread(value: Any, exact: str) -> bool:
    """Whether this may be what a reader of CSV files or sheets has made of a text."""
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
    """The file of the store that a job was made from, where nothing can be read at its path."""
    file = job.files.get(name) if job else None
    path = Path(value)
    if is_url(value):
        called = one_line(unquote(Path(urlsplit(value).path).name)) if was_cut(value) else None
    else:
        called = None if os.path.lexists(path) else one_line(path.name)
    if file is None or called is None or not (called == file["filename"] or path.stem == file["sha256"]):
        return None
    if not store.files.has_input(file):
        return None
    upload = Upload(file["filename"], store.files.input(file))
    return InputFile(upload, value, file["sha256"], seconds_of(upload))


def _input_name(column: str) -> str:
    """The input that a column tells of: one that is called like a job's own is kept as ``input_status``."""
    name = column
    while isinstance(name, str) and name.startswith("input_"):
        name = name.removeprefix("input_")
    return name if name in JOB_COLUMNS and name not in ("model", "take") else column
