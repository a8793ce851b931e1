"""Tables of jobs in files: CSV, text with a prompt a line, Excel, JSON and Parquet, recognised by their content.

What is text in a file stays text: a prompt may be ``NA``, ``007`` or ``1e3``. Only what is empty is missing.
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
from typing import TYPE_CHECKING, Any

from .._util.interface_names import step
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
#: The most bytes of a table, packed and unpacked.
_MOST_BYTES = 256 * 2**20
#: The similarity of two names from which one is taken for a misspelling of the other.
_NEAR = 0.8
_SEPARATORS = ",;\t|"
_LONGEST_CELL = 2**24
#: Every input that the catalogue knows, by its name; the types agree wherever a name is used.
USUAL = {spec.name: spec for model in models for spec in model.fields or ()} | {"take": Field("take", "integer")}
#: All names that show that a line is the header of a table.
_HEADS = frozenset({*USUAL, "model", "status", "job_id"})
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_REFUSED = {
    b"\xd0\xcf\x11\xe0": "is of an old Excel; save it as .xlsx or CSV",
    b"\x1f\x8b": "is packed with gzip; unpack it first",
    b"SQLite format 3": "is a SQLite database; read it with pandas.read_sql first",
}


def read_table(given: str | os.PathLike[Any]) -> pd.DataFrame:
    """Read a table from a file or a pipe; ``-`` is standard input.

    Raises:
        InvalidInputError: it cannot be read as one; the message names the line, where there is one.
    """
    try:
        found = locate(given)
        if isinstance(found, RemoteFile):
            raise UnusableFileError(
                f"is an address: {found.shown}. pandas.read_csv fetches a table, and sweep(df) takes it."
            )
        name = "The table" if found.as_posix().startswith("/dev/") else one_line(found.name)
        if found.suffix.lower() not in _SUFFIXES and not found.as_posix().startswith(("/dev/", "/proc/")):
            raise InvalidInputError(
                f"{name} is no table that is read here: {', '.join(_SUFFIXES)}. If it is a model, it goes by name: "
                "sweep(model=…, prompt=[…])."
            )
        if not os.path.lexists(found):
            raise InvalidInputError(f"There is no table {display_path(found)}.")
        content = read_bytes(found, _MOST_BYTES)
    except UnusableFileError as error:
        raise InvalidInputError(f"The table {display_location(os.fsdecode(given))} {error}") from None
    try:
        return _frame(_parsed(content, found.suffix.lower()))
    except _Bad as bad:
        raise InvalidInputError(f"Line {bad.line} of {name} {bad}" if bad.line else f"{name} {bad}") from None
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile, RecursionError) as cause:
        reason = printable(safe_str(cause), limit=200).rstrip(".")
        raise InvalidInputError(f"{name} cannot be read as a table: {reason}.", cause=cause) from None


class _Bad(Exception):
    """Why a file cannot be read as a table, as the end of a sentence that begins with its name or a line number."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def _parsed(content: bytes, suffix: str) -> Any:
    """The content of a file as a DataFrame, or as what makes one."""
    for signature, why in _REFUSED.items():
        if content.startswith(signature):
            raise _Bad(f"{why}.")
    if content.startswith(b"PK\x03\x04"):
        return _excel(content)
    if content.startswith(b"PAR1"):
        return _needing("pyarrow", lambda: _pandas().read_parquet(io.BytesIO(content)))
    text = _decoded(content)
    if not text.strip():
        raise _Bad("cannot be read as a table: it is empty.")
    if suffix in _JSON or (not suffix and text.lstrip()[:1] in ("[", "{")):
        return _json(text)
    lines = _Lines(text)
    if suffix in (".txt", "") and lines.is_list:
        prompts = [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]
        return {"prompt": [prompt for prompt in prompts if prompt.strip() and not prompt.startswith("# ")]}
    return _csv(lines)


def _frame(parsed: Any) -> pd.DataFrame:
    """A table whose columns have the types of the inputs that they are named after."""
    pd = _pandas()
    frame = parsed if isinstance(parsed, pd.DataFrame) else pd.DataFrame(parsed, dtype=object)
    if not len(frame) or not len(frame.columns):
        raise _Bad("cannot be read as a table: it has no rows.")
    return pd.concat([_read_column(name, column) for name, column in frame.items()], axis=1)


def _read_column(name: Any, column: pd.Series) -> pd.Series:
    spec = USUAL.get(name)
    values = [None if one is None or one is _pandas().NA or one == "" else one for one in _objects(column)]
    if spec is not None and spec.type in ("integer", "flag"):  # other types are read where they are checked
        values = [spec.parse(one) if isinstance(one, str) else one for one in values]
    elif spec is not None and spec.type == "text":
        values = [one if one is None else as_cell_text(one) for one in values]
    return _pandas().Series(values, name=name, dtype=object)


def _objects(column: pd.Series) -> Iterator[Any]:
    missing = column.isna() if column.dtype != object else [_is_nothing(one) for one in column]
    return (None if gone else one for one, gone in zip(column.tolist(), missing, strict=True))


def _is_nothing(one: Any) -> bool:
    return one is None or (isinstance(one, float) and one != one)


def as_cell_text(value: Any) -> Any:
    """A value as text where a spreadsheet has converted the text: ``1984`` to a number, ``TRUE`` to a flag."""
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, int) else value


# CSV and text.


def _is_comment(line: str) -> bool:
    """Whether a line is a comment, and not a header whose first column is called ``#``."""
    return line.startswith("#") and not any(_key(name) in _HEADS for name in re.split(rf"[{_SEPARATORS}]", line))


class _Lines:
    """The lines of a CSV file from its header on, with the separator."""

    def __init__(self, text: str) -> None:
        lines = list(io.StringIO(text, newline=""))  # not at every sign that Unicode calls the end of a line
        self.first = 1
        separator = ""
        while lines and (not lines[0].strip(' \t\r\n"' + _SEPARATORS) or _is_comment(lines[0])):
            self.first += 1
            lines.pop(0)
        if lines and lines[0].lower().startswith("sep=") and len(lines[0].rstrip("\r\n")) == 5:  # Excel's own line
            separator = lines.pop(0)[4]
            self.first += 1
        head = lines[0] if lines else ""
        self.lines = lines
        self.separator = separator or max(_SEPARATORS, key=head.count)
        self.names = [name.strip().strip('"').strip() for name in head.split(self.separator)]

    @property
    def is_list(self) -> bool:
        """Whether it is a list of prompts: its first line has no known column name."""
        return not any(_key(name) in _HEADS for name in self.names)


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
            raise _Bad(
                f"has more columns than the header. A text with {source.separator!r} in it belongs in quotes: "
                '"a tree, soft light".',
                line,
            )
        rows.append([*row, *[""] * (len(head) - len(row))])
    while head and not head[-1].strip() and not any(row[len(head) - 1].strip() for row in rows):
        head.pop()  # each line ends with a separator
    if not head:
        raise _Bad("cannot be read as a table: it is empty.")
    names = [name if name.strip() else f"Unnamed: {place}" for place, name in enumerate(head)]  # as pandas calls them
    frame = _pandas().DataFrame([row[: len(head)] for row in rows], dtype=object)
    if len(frame):
        frame.columns = names
    return frame


def _rows(source: _Lines) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with its line number."""
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(source.lines, delimiter=source.separator, strict=True)
    while True:
        line = source.first + reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            is_open = "end of data" in str(error)
            why = "is never closed, so all that follows would be one text" if is_open else f"is wrong: {error}"
            hint = 'A quotation mark within a quotation is doubled: "".'
            raise _Bad(f"has a quotation that {why}. {hint}", line) from None
        if any(cell.strip() for cell in row):
            yield line, row


def _decoded(content: bytes) -> str:
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _Bad("is not UTF-8; save it as that (in Excel: CSV UTF-8).", line) from None
    if "\0" in text:
        raise _Bad("has NUL characters in it; save it as UTF-8.")
    return text


# Other formats.


def _json(text: str) -> Any:
    try:
        rows = json.loads(text)
    except ValueError:
        rows = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except ValueError as error:
                    raise _Bad(f"is no JSON: {error}.", number) from None
    if isinstance(rows, dict) and all(isinstance(column, list) for column in rows.values()):
        rows = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    rows = rows if isinstance(rows, list) else [rows]
    if all(isinstance(row, str) for row in rows):
        return {"prompt": rows}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise _Bad(f'has {short_repr(row)} as its row {number}; a row is an object such as {{"prompt": "a cat"}}.')
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    pd = _pandas()
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _excel(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
            raise _Bad("is too large for a table.")
        if "xl/workbook.xml" not in archive.namelist():
            raise _Bad("is an archive and no table; unpack it first.")
    return _needing(
        "openpyxl",
        lambda: _pandas().read_excel(io.BytesIO(content), dtype=object, keep_default_na=False, na_values=[""]),
    )


def _needing(package: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ImportError:
        raise _Bad(f"needs {package} to be read: {step('install', package=package)}. Or save it as CSV.") from None


def _pandas() -> Any:
    import pandas as pd

    return pd


def _key(name: str) -> str:
    """A column name in lower case, with underscores between its words."""
    return " ".join(name.split()).casefold().replace(" ", "_").replace("-", "_")


def near(name: str, wanted: Iterable[str]) -> str | None:
    """The name of which this one may be a misspelling, if any."""
    return next(iter(difflib.get_close_matches(_key(name), [*wanted], n=1, cutoff=_NEAR)), None)


def usual_name(name: Any) -> Any:
    """The usual name of an input that a column spells otherwise: ``Seed``, `` prompt``, ``reference image``."""
    if not isinstance(name, str) or name in _HEADS:
        return name
    key = _key(name.strip("\ufeff\u200b"))
    return key if key in _HEADS else name
