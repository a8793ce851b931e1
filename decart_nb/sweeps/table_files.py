"""Tables of jobs in files: CSV, text with a prompt a line, Excel, JSON and Parquet, recognised by their content.

Text in a file stays text: a prompt may be ``NA``, ``007`` or ``1e3``. Only empty cells are missing values.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from .._util.interface_names import step
from .._util.remote_storage import RemoteStorage, StorageError
from .._util.text import one_line, printable, safe_str, short_repr
from ..errors import InvalidInputError
from ..request.catalogue import models
from ..request.local_files import UnusableFileError, display_path, read_bytes
from ..request.locations import RemoteFile, display_location, locate
from ..request.models import Field

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".json", ".jsonl", ".ndjson", ".xlsx", ".xlsm", ".parquet")
_JSON = (".json", ".jsonl", ".ndjson")
#: The maximum size of a table in bytes, compressed and decompressed.
_MAX_BYTES = 256 * 2**20
#: The most values of a Parquet file, of which a few bytes may stand for very many.
_MAX_VALUES = 20_000_000
#: The minimum similarity of two names for one to count as a misspelling of the other.
_SIMILARITY = 0.8
_SEPARATORS = ",;\t|"
_MAX_CELL = 2**24
#: Every input that the catalogue knows, by its name; the types agree wherever a name is used.
USUAL = {spec.name: spec for model in models for spec in model.fields or ()} | {"take": Field("take", "integer")}
#: The column names that are known: a line with one of them is the header of a table.
_COLUMN_NAMES = frozenset({*USUAL, "model", "status", "job_id"})
#: The encoding that a byte order mark stands for.
_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
#: The first bytes of files that are recognised but not read, and what to do with them.
_REFUSED = {
    b"\xd0\xcf\x11\xe0": "is in the old format of Excel (.xls); save it as .xlsx or CSV",
    b"\x1f\x8b": "is compressed with gzip; decompress it first",
    b"SQLite format 3": "is a SQLite database; read it with pandas.read_sql first",
}


def read_table(given: str | os.PathLike[Any]) -> pd.DataFrame:
    """Read a table from a file, a pipe or an fsspec address; ``-`` is standard input.

    Raises:
        InvalidInputError: it cannot be read as a table; the message names the line, if the error is in one.
    """
    try:
        found = locate(given)
        if isinstance(found, RemoteFile):
            raise UnusableFileError(
                f"is an address: {found.shown}. pandas.read_csv fetches a table, and sweep(df) takes it."
            )
        is_stream = isinstance(found, Path) and found.as_posix().startswith(("/dev/", "/proc/"))
        name = "The table" if is_stream else one_line(found.name)
        suffix = PurePosixPath(found.name).suffix.lower()
        if suffix not in _SUFFIXES and not is_stream:
            raise InvalidInputError(
                f"{name} is not a table of a type that can be read ({', '.join(_SUFFIXES)}). If it is a model, give "
                "it by name: sweep(model=…, prompt=[…])."
            )
        content = _content(found)
    except UnusableFileError as error:
        raise InvalidInputError(f"The table {display_location(os.fsdecode(given))} {error}") from None
    try:
        return _frame(_parsed(content, suffix))
    except _UnreadableError as bad:
        raise InvalidInputError(f"Line {bad.line} of {name} {bad}" if bad.line else f"{name} {bad}") from None
    except (ValueError, LookupError, TypeError, OSError, RuntimeError, MemoryError, zipfile.BadZipFile) as cause:
        reason = printable(safe_str(cause), limit=200).rstrip(".")
        raise InvalidInputError(f"{name} cannot be read as a table: {reason}.", cause=cause) from None


def _content(found: Path | RemoteStorage) -> bytes:
    """The bytes of a table's file.

    Raises:
        UnusableFileError: it cannot be read.
        InvalidInputError: there is none.
    """
    if isinstance(found, RemoteStorage):
        try:
            return found.read(_MAX_BYTES)
        except StorageError as error:
            raise UnusableFileError(f"cannot be fetched ({error}).") from None
    if not os.path.lexists(found):
        raise InvalidInputError(f"There is no table {display_path(found)}.")
    return read_bytes(found, _MAX_BYTES)


class _UnreadableError(Exception):
    """Why a file cannot be read as a table, as the end of a sentence that begins with its name or a line number."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def _parsed(content: bytes, suffix: str) -> Any:
    """The content of a file as a DataFrame, or as the data that ``DataFrame()`` makes one from."""
    for signature, why in _REFUSED.items():
        if content.startswith(signature):
            raise _UnreadableError(f"{why}.")
    if content.startswith(b"PK\x03\x04"):
        return _excel(content)
    if content.startswith(b"PAR1"):
        return _needing("pyarrow", lambda: _parquet(content))
    text = _decoded(content)
    if not text.strip():
        raise _UnreadableError("cannot be read as a table: it is empty.")
    if suffix in _JSON or (not suffix and text.lstrip()[:1] in ("[", "{")):
        return _json(text)
    lines = _Lines(text)
    if suffix in (".txt", "") and lines.is_list:
        prompts = [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]
        return {"prompt": [prompt for prompt in prompts if prompt.strip() and not prompt.startswith("# ")]}
    return _csv(lines)


def _frame(parsed: Any) -> pd.DataFrame:
    """The table as a DataFrame; the values of a column with the name of an input are converted to the input's type."""
    pd = _pandas()
    frame = parsed if isinstance(parsed, pd.DataFrame) else pd.DataFrame(parsed, dtype=object)
    if not len(frame) or not len(frame.columns):
        raise _UnreadableError("cannot be read as a table: it has no rows.")
    return pd.concat([_typed_column(name, column) for name, column in frame.items()], axis=1)


def _typed_column(name: Any, column: pd.Series) -> pd.Series:
    spec = USUAL.get(name)
    values = [None if one is None or one is _pandas().NA or one == "" else one for one in _values(column)]
    if spec is not None and spec.type in ("integer", "flag"):  # other types are converted when they are validated
        values = [spec.parse(one) if isinstance(one, str) else one for one in values]
    elif spec is not None and spec.type == "text":
        values = [one if one is None else as_cell_text(one) for one in values]
    return _pandas().Series(values, name=name, dtype=object)


def _values(column: pd.Series) -> Iterator[Any]:
    """The values of a column as Python objects, with ``None`` for missing ones."""
    missing = column.isna() if column.dtype != object else [_is_none_or_nan(one) for one in column]
    return (None if gone else one for one, gone in zip(column.tolist(), missing, strict=True))


def _is_none_or_nan(one: Any) -> bool:
    return one is None or (isinstance(one, float) and one != one)


def as_cell_text(value: Any) -> Any:
    """Convert a value back that a spreadsheet made from text: an integer or a flag. Others are returned as they are."""
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, int) else value


# CSV and text.


def _is_comment(line: str) -> bool:
    """Whether a line begins with ``#`` and is not a header, which has a known column name."""
    return line.startswith("#") and not any(_key(name) in _COLUMN_NAMES for name in re.split(rf"[{_SEPARATORS}]", line))


class _Lines:
    """The lines of a CSV file from its header on, with the header's line number, the separator and the column names."""

    def __init__(self, text: str) -> None:
        lines = list(io.StringIO(text, newline=""))  # splits at \n and \r only, unlike str.splitlines
        self.first = 1
        separator = ""
        while lines and (not lines[0].strip(' \t\r\n"' + _SEPARATORS) or _is_comment(lines[0])):
            self.first += 1
            lines.pop(0)
        if lines and lines[0].lower().startswith("sep=") and len(lines[0].rstrip("\r\n")) == 5:  # for Excel
            separator = lines.pop(0)[4]
            self.first += 1
        head = lines[0] if lines else ""
        self.lines = lines
        self.separator = separator or max(_SEPARATORS, key=head.count)
        self.names = [name.strip().strip('"').strip() for name in head.split(self.separator)]

    @property
    def is_list(self) -> bool:
        """Whether the file is a list of prompts, one a line: its first line has no known column name."""
        return not any(_key(name) in _COLUMN_NAMES for name in self.names)


def _csv(source: _Lines) -> Any:
    head: list[str] = []
    rows: list[list[str]] = []
    for line, row in _rows(source):
        if not head:
            head = row
            continue
        if len(head) > 1 and row[0].startswith("#") and not any(cell.strip() for cell in row[1:]):
            continue  # a comment
        while len(row) > len(head) and not row[-1].strip():
            row.pop()
        if len(row) > len(head):
            raise _UnreadableError(
                f"has more columns than the header. Text with {source.separator!r} in it must be in quotes: "
                '"a tree, soft light".',
                line,
            )
        rows.append([*row, *[""] * (len(head) - len(row))])
    while head and not head[-1].strip() and not any(row[len(head) - 1].strip() for row in rows):
        head.pop()  # each line ends with a separator
    if not head:
        raise _UnreadableError("cannot be read as a table: it is empty.")
    names = [name if name.strip() else f"Unnamed: {place}" for place, name in enumerate(head)]  # as pandas calls them
    frame = _pandas().DataFrame([row[: len(head)] for row in rows], dtype=object)
    if len(frame):
        frame.columns = names
    return frame


def _rows(source: _Lines) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with its line number."""
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(source.lines, delimiter=source.separator, strict=True)
    while True:
        line = source.first + reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            is_open = "end of data" in str(error)
            why = "is never closed, so all that follows would be one text" if is_open else f"is invalid: {error}"
            hint = 'Write a quotation mark within quoted text twice: "".'
            raise _UnreadableError(f"has quoted text that {why}. {hint}", line) from None
        if any(cell.strip() for cell in row):
            yield line, row


def _decoded(content: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _UnreadableError("is not UTF-8; save the file as UTF-8 (in Excel: CSV UTF-8).", line) from None
    if "\0" in text:
        raise _UnreadableError("has NUL characters in it; save it as UTF-8.")
    return text


# Other formats.


def _json(text: str) -> Any:
    try:
        rows = json.loads(text)
    except ValueError:
        rows = []
        for number, line in enumerate(io.StringIO(text, newline=""), 1):  # as for CSV
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except ValueError as error:
                    raise _UnreadableError(f"is not JSON: {error}.", number) from None
    if isinstance(rows, dict) and all(isinstance(column, list) for column in rows.values()):
        rows = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    rows = rows if isinstance(rows, list) else [rows]
    if all(isinstance(row, str) for row in rows):
        return {"prompt": rows}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise _UnreadableError(
                f'has {short_repr(row)} as its row {number}; a row is an object such as {{"prompt": "a cat"}}.'
            )
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    pd = _pandas()
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _excel(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
            raise _UnreadableError("is too large for a table.")
        if "xl/workbook.xml" not in archive.namelist():
            raise _UnreadableError("is a ZIP archive, not a table; extract the table first.")
    return _needing(
        "openpyxl",
        lambda: _pandas().read_excel(io.BytesIO(content), dtype=object, keep_default_na=False, na_values=[""]),
    )


def _parquet(content: bytes) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(content))
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    values = sum(group.column(number).num_values for group in groups for number in range(group.num_columns))
    if values > _MAX_VALUES:
        raise _UnreadableError(f"has {values:,} values, and at most {_MAX_VALUES:,} are read: leave some out.")
    if sum(group.total_byte_size for group in groups) > _MAX_BYTES:
        raise _UnreadableError("is too large for a table.")
    texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
    # A long text that stands in many rows is in memory once, also as an object.
    frame = pq.read_table(io.BytesIO(content), read_dictionary=texts).to_pandas()
    return frame.astype({name: object for name, column in frame.items() if column.dtype == "category"})


def _needing(package: str, read: Callable[[], Any]) -> Any:
    """Call a function that needs an optional package."""
    try:
        return read()
    except ImportError:
        raise _UnreadableError(
            f"needs {package} to be read: {step('install', package=package)}. Or save it as CSV."
        ) from None


def _pandas() -> Any:
    import pandas as pd

    return pd


def _key(name: str) -> str:
    """A column name in lower case, with underscores between its words."""
    return " ".join(name.split()).casefold().replace(" ", "_").replace("-", "_")


def near(name: str, wanted: Iterable[str]) -> str | None:
    """The wanted name of which another name may be a misspelling, if any."""
    return next(iter(difflib.get_close_matches(_key(name), [*wanted], n=1, cutoff=_SIMILARITY)), None)


def usual_name(name: Any) -> Any:
    """The usual name of a column that is spelt differently: ``Seed``, `` prompt``, ``reference image``."""
    if not isinstance(name, str) or name in _COLUMN_NAMES:
        return name
    key = _key(name.strip("\ufeff\u200b"))
    return key if key in _COLUMN_NAMES else name
