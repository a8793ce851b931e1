"""The layout of a table of jobs for people: what all rows share is said once, and what remains becomes columns.

A layout is plain text. :mod:`.frame_html` and :mod:`.frame_text` draw it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from .._util.paths import without_folders
from .._util.text import counted, printable, safe_str
from . import money
from .file_names import shown_name
from .input_pictures import Picture
from .table import OWN_COLUMNS

#: The states in which a row came to nothing, and those in which its video is there.
BAD = frozenset({"failed", "rejected", "uncertain", "unreachable", "expired", "invalid"})
GOOD = frozenset({"completed", "reused"})
#: The states of a row that has a cost, known or not.
_WITH_COST = frozenset({"new", "reused", "in flight", "completed"})
#: The column with the state of a row, and that with the reason for it: of a plan, and of results.
_REASONS = {"plan": "why", "status": "error"}
#: The columns that follow the reason, in their order.
_LAST = (
    *("waited", "made", "drawn_seed", "rating", "note", "width", "height", "fps", "duration"),
    *("path", "job_id", "submitted_at", "size_bytes", "sha256", "backend"),
)
#: A value of these is said once although some rows, such as those without a video, have none.
_MEASURED = ("seconds", "width", "height", "fps", "duration", "backend")
#: Of these, every row has its own.
_OWN = ("rating", "note", "path", "job_id", "sha256", "size_bytes", "submitted_at", "waited", "made")
#: The longest texts in a row, above the rows, and on hover.
_MAX_CELL_LENGTH, _MAX_SHARED_LENGTH, _MAX_WHOLE_LENGTH = 80, 200, 2000
_ID = 8
_DIGEST = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")
#: The beginning of a path that leads out of the working directory.
_OUTSIDE = re.compile(r"[/~\\]|\.\.[/\\]|[A-Za-z]:[/\\]|file:")
_MAX_RANGES = 4


@dataclass(frozen=True)
class Cell:
    """A value as it is shown, and the whole of it where that was cut."""

    text: str = ""
    whole: str = ""


@dataclass(frozen=True)
class Constant:
    """What all rows share: the column's name, the value, and of a file how its picture is had."""

    name: str
    cell: Cell
    picture: Picture | None = None

    @property
    def label(self) -> str:
        """The column's name, unless the value says what it is."""
        return "" if self.name in ("model", "size", "backend") else self.name


@dataclass(frozen=True)
class Remark:
    """A reason that several rows share, and whether they came to nothing because of it."""

    rows: str
    text: str
    is_bad: bool


@dataclass
class FrameLayout:
    """What is shown of a table of jobs.

    Attributes:
        facts: counts, costs and lengths of all rows, in one line.
        constants: what all rows share.
        remarks: reasons that several rows share.
        names: of the columns.
        labels, rows, states: of the rows that are laid out: the index, the cells, and the state, which may be empty.
        total: the number of rows of the table.
    """

    facts: str
    constants: list[Constant] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    total: int = 0


def is_job_table(table: pd.DataFrame) -> bool:
    """Whether a table still has a row a job, and is not what pandas has computed of one or turned around."""
    names = list(table.columns)
    return (
        bool(names)
        and all(isinstance(name, str) for name in names)
        and table.columns.is_unique
        and table.index.nlevels == 1
        and table.index.dtype.kind in "iu"
        and all(_kind(table[name].dtype) == _kind(OWN_COLUMNS[name]) for name in names if name in OWN_COLUMNS)
    )


def lay_out(
    table: pd.DataFrame, *, most: int, totals: str = "", pictures: Mapping[tuple[str, str], Picture] | None = None
) -> FrameLayout:
    """The layout of a table of jobs; see :func:`is_job_table`.

    Args:
        table: the table.
        most: how many rows are laid out.
        totals: the line of facts; put together from the table unless given.
        pictures: how the pictures of input files are had, by column and value.
    """
    state = next((name for name in _REASONS if name in table), "")
    reason = _REASONS.get(state, "")
    head = table.iloc[:most]
    layout = FrameLayout(totals or _facts(table, state), total=len(table))
    layout.labels = [safe_str(label) for label in head.index]
    layout.states = [safe_str(value or "") for value in _values(head[state])] if state else [""] * len(head)
    first = [name for name in (state, "cost") if name in table]
    varying = []
    for name in table.columns:
        if name in (*first, reason, "left_out", "reused" if state == "status" else "") or table[name].isna().all():
            continue
        lacking = _lacking(table, name)
        if lacking is None:
            varying.append(name)
        elif constant := _constant(table, name, lacking, pictures or {}):
            layout.constants.append(constant)
    layout.constants = _with_size(layout.constants)
    columns = {name: _cells(head, name) for name in [*first, *varying]}
    if "cost" in columns:
        columns["cost"] = _with_unknown(columns["cost"], layout.states)
        if not any(cell.text for cell in columns["cost"]):
            del columns["cost"]
    if state == "status" and "reused" in table:
        columns[state] = _with_reused(columns[state], _values(head["reused"]))
    if reason in table:
        layout.remarks, told = _remarks(table, state, reason)
        own = _reasons(head, reason, told)
        if any(cell.text for cell in own):
            columns[reason] = own
    last = [name for name in ("take", reason, *_LAST) if name in columns]
    order = [*(name for name in columns if name not in last), *last]
    layout.names = [*map(printable, order)]
    layout.rows = [*zip(*(columns[name] for name in order), strict=True)]
    return layout


def _kind(dtype: Any) -> str:
    """What a column holds: text, numbers, truth values or times. What was read of a CSV may be of another width."""
    dtype = pd.api.types.pandas_dtype(dtype)
    return "O" if pd.api.types.is_string_dtype(dtype) else "f" if dtype.kind in "iuf" else str(dtype.kind)


def _values(series: pd.Series) -> list[Any]:
    """The values of a column; ``None`` where there is none."""
    return [None if gone else value for value, gone in zip(series.tolist(), series.isna().tolist(), strict=True)]


def _facts(table: pd.DataFrame, state: str) -> str:
    """The line of facts: rows by state, their cost, and the length of their videos."""
    parts = [counted(len(table), "row")]
    if state:
        known = table[state].dropna()
        parts += [f"{count:,} {printable(name)}" for name, count in _counts(known).items()]
        if "reused" in table and (reused := int(table["reused"].fillna(False).sum())):
            parts.append(f"{reused:,} of them reused")
    if "duration" in table and (seconds := float(table["duration"].sum())):
        parts.append(f"{seconds:,.0f} s of video")
    if "cost" in table and (cost := float(table["cost"].sum())):
        is_local = "backend" in table and set(table["backend"].dropna()) <= {"local"}
        parts.append(money.estimate(cost, "rehearsed" if is_local else "paid"))
    return " · ".join(parts)


def _counts(series: pd.Series) -> dict[str, int]:
    """How often each text is there, in the order of the first of each."""
    counts: dict[str, int] = {}
    for value in series.map(safe_str):
        counts[value] = counts.get(value, 0) + 1
    return counts


def _lacking(table: pd.DataFrame, name: str) -> list[str] | None:
    """Which models have no value in a column whose other rows share one; ``None`` of a column that varies."""
    series = table[name]
    gone = series.isna()
    if name in _OWN or len({safe_str(value) for value in _distinct(series[~gone])}) != 1:
        return None
    if name in _MEASURED or not gone.any():
        return []
    if "model" not in table:
        return None
    lacking, having = (set(_distinct(table["model"][which].dropna())) for which in (gone, ~gone))
    return None if lacking & having or not lacking else sorted(map(safe_str, lacking))


def _distinct(series: pd.Series) -> Sequence[Any]:
    try:
        return [*series.unique()]
    except TypeError:  # lists, which somebody has put there
        return [*series.tolist()]


def _constant(
    table: pd.DataFrame, name: str, lacking: Sequence[str], pictures: Mapping[tuple[str, str], Picture]
) -> Constant | None:
    value = table[name].dropna().iloc[0]
    if name == "take" and value == 0:
        return None  # a further take would say so
    cell = _cell(name, value, _MAX_SHARED_LENGTH)
    if lacking:
        cell = Cell(f"{cell.text} (not for {', '.join(map(printable, lacking))})", cell.whole)
    return Constant(printable(name), cell, pictures.get((name, safe_str(value))))


def _with_size(constants: list[Constant]) -> list[Constant]:
    """The constants, of which width, height, rate and length are one: ``1280×704, 25 fps, 5.0 s``."""
    by_name = {constant.name: constant.cell.text for constant in constants}
    if not {"width", "height"} <= {*by_name}:
        return constants
    parts = [f"{by_name['width']}×{by_name['height']}"]
    parts += [by_name[name] for name in ("fps", "duration") if name in by_name]
    rest = [one for one in constants if one.name not in ("width", "height", "fps", "duration")]
    return [*rest, Constant("size", Cell(", ".join(parts)))]


def _remarks(table: pd.DataFrame, state: str, reason: str) -> tuple[list[Remark], set[int]]:
    """The reasons that several rows share, and the positions of these rows."""
    if table[reason].isna().all():
        return [], set()
    models = _values(table["model"]) if "model" in table else [None] * len(table)
    states = _values(table[state])
    groups: dict[tuple[str, bool], list[int]] = {}
    for number, why in enumerate(_values(table[reason])):
        if why is not None:
            text = _without_model(safe_str(why), models[number])
            groups.setdefault((text, states[number] in BAD), []).append(number)
    shared = {key: numbers for key, numbers in groups.items() if len(numbers) > 1}
    remarks = [
        Remark(
            f"{counted(len(numbers), 'row')} ({_ranges([int(table.index[number]) for number in numbers])})",
            printable(without_folders(text), limit=_MAX_SHARED_LENGTH * 2),
            is_bad,
        )
        for (text, is_bad), numbers in shared.items()
    ]
    return remarks, {number for numbers in shared.values() for number in numbers}


def _reasons(head: pd.DataFrame, reason: str, told: Container[int]) -> list[Cell]:
    """The reasons of rows that share theirs with no other row."""
    models = _values(head["model"]) if "model" in head else [None] * len(head)
    cells = []
    for number, (why, model) in enumerate(zip(_values(head[reason]), models, strict=True)):
        is_shown = why is not None and number not in told
        cells.append(_cell(reason, _without_model(safe_str(why), model), _MAX_SHARED_LENGTH) if is_shown else Cell())
    return cells


def _with_unknown(costs: Sequence[Cell], states: Sequence[str]) -> list[Cell]:
    """The costs, of which one that should be known is said to be unknown."""
    return [
        Cell("unknown") if not cost.text and state in _WITH_COST else cost
        for cost, state in zip(costs, states, strict=True)
    ]


def _with_reused(states: Sequence[Cell], reused: Sequence[Any]) -> list[Cell]:
    """The states, and of which rows the video was there before."""
    return [Cell(f"{cell.text}, reused") if was else cell for cell, was in zip(states, reused, strict=True)]


def _without_model(why: str, model: Hashable) -> str:
    """A reason without the name of the model, which the row has, so that rows of two models share it."""
    return why.removeprefix(f"Invalid inputs for {model}: ")


def _ranges(labels: Sequence[int]) -> str:
    """Row labels in few words: ``8–11, 14``."""
    ranges: list[list[int]] = []
    for label in labels:
        if ranges and label == ranges[-1][1] + 1:
            ranges[-1][1] = label
        else:
            ranges.append([label, label])
    texts = [str(low) if low == high else f"{low}–{high}" for low, high in ranges[:_MAX_RANGES]]
    return ", ".join([*texts, "…"] if len(ranges) > _MAX_RANGES else texts)


def _cells(table: pd.DataFrame, name: str) -> list[Cell]:
    return [Cell() if value is None else _cell(name, value, _MAX_CELL_LENGTH) for value in _values(table[name])]


def _cell(name: str, value: Any, limit: int) -> Cell:
    """A value as people read it."""
    if name in _FORMATS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return Cell(_FORMATS[name](value))
    if isinstance(value, float):
        return Cell(f"{value:g}")
    if isinstance(value, pd.Timestamp):
        return Cell(f"{value:%Y-%m-%d %H:%M}", f"{value:%Y-%m-%d %H:%M:%S %Z}")
    whole = printable(safe_str(value), limit=_MAX_WHOLE_LENGTH)
    if name in ("job_id", "sha256"):
        return Cell(whole if len(whole) <= _ID + 1 else f"{whole[:_ID]}…", whole)
    if name in _REASONS.values():
        whole = short = printable(without_folders(safe_str(value)))
    else:
        short = printable(safe_str(shown_name(name, value))) if isinstance(value, str) else whole
        if short != whole and _OUTSIDE.match(whole):
            whole = short  # no folder of this machine is shown
    short = printable(_DIGEST.sub(r"\1…", short), limit=limit)
    return Cell(short, "" if whole == short else whole)


def _bytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def _usd(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 1 or round(amount, 2) == round(amount, 4) else f"${amount:,.4f}"


#: How the numbers of these columns are formatted.
_FORMATS: dict[str, Callable[[float], str]] = {
    "cost": _usd,
    "size_bytes": _bytes,
    "fps": lambda rate: f"{rate:g} fps",
    **dict.fromkeys(("waited", "made", "duration"), lambda seconds: f"{seconds:.1f} s"),
    "seconds": lambda seconds: f"{seconds:g} s",
}
