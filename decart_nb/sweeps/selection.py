"""Which rows of a sweep a run submits, and what is known of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from .._util.interface_names import step
from ..errors import InvalidInputError
from ..store.job_row import UNDER_WAY
from ..store.store import Store
from .rows import InputFile, Row

_COLUMNS = ("row", "key", "job_id", "path", "size_bytes")
_NO_JOB = (None, 0, "", None, None, None)
#: Statuses of jobs that ended badly. Such a row is submitted again only on request.
LEFT_ALONE = ("failed", "uncertain", "expired")
_COUNTED_AS = {"expired": "failed"}


@dataclass(frozen=True)
class Selection:
    """The rows that a run submits, and the states of those that it does not. Rows are given by their numbers.

    Attributes:
        todo: the rows to be submitted, in their order; rows that share a file follow each other.
        settled: of the rows that are not submitted, the state: ``invalid``, ``reused``, ``failed`` or ``uncertain``.
        seen: of the rows to be submitted, the database row and the key of the latest job in the store.
        paid: those of the rows to be submitted whose jobs count as spent already.
        left_out: the rows that are not submitted although they could be, since only others were asked for.
    """

    todo: list[int] = field(default_factory=list)
    settled: dict[int, str] = field(default_factory=dict)
    seen: dict[int, tuple[int, str]] = field(default_factory=dict)
    paid: set[int] = field(default_factory=set)
    left_out: set[int] = field(default_factory=set)


def select_rows(
    rows: Sequence[Row],
    store: Store,
    again: frozenset[str],
    *,
    priced_only: bool,
    only: Collection[int] | None = None,
) -> Selection:
    """Compare the rows with the store.

    Args:
        rows: of the sweep; one that asks for the same as an earlier row is left out.
        store: has the jobs so far.
        again: the statuses of :data:`LEFT_ALONE` that are submitted again.
        priced_only: refuse rows that would be paid and have no known price.
        only: the numbers of the only rows that may be submitted, if not all may be.

    Raises:
        InvalidInputError: there are such rows.
    """
    latest = store.latest_by_request({row.request for row in rows if row.request}, _COLUMNS)
    selection = Selection()
    unpriced: list[Row] = []
    for number, row in enumerate(rows):
        if row.same_as is not None:
            continue
        *_, status, job_row, key, job_id, path, size = latest.get(row.key, _NO_JOB)
        if row.error:
            selection.settled[number] = "invalid"
        elif status == "completed" and store.files.video(path, size):
            selection.settled[number] = "reused"
        elif status in LEFT_ALONE and status not in again:
            selection.settled[number] = counted_as(status)
        elif only is not None and number not in only:
            selection.left_out.add(number)
        else:
            selection.todo.append(number)
            selection.seen[number] = job_row, key
            if status in (*UNDER_WAY, "unreachable", "completed"):
                selection.paid.add(number)
            if row.cost is None and not (job_id and number in selection.paid):
                unpriced.append(row)
    if priced_only:
        refuse_unpriced(unpriced)
    _group_by_file(selection.todo, rows)
    return selection


def counted_as(status: str) -> str:
    """The count that a row belongs to whose job has ended badly; ``passing`` where the next run tries it again."""
    return _COUNTED_AS.get(status, status) if status in LEFT_ALONE else "passing"


def refuse_unpriced(rows: Iterable[Row]) -> None:
    """Refuse rows without a known price, which no cap can limit.

    Raises:
        InvalidInputError: there are such rows.
    """
    unknown = [row for row in rows if row.model and row.cost is None]
    if unknown:
        names = sorted({row.model.name for row in unknown if row.model})
        fetched = any(not row.request for row in unknown)
        raise InvalidInputError(
            f"What {' and '.join(names)} will cost is not known, so {step('max_cost')} cannot hold it. Give the price, "
            f"{step('prices')}, or {step('allow_unknown_cost')}."
            f"{' How long a file from an address is, is known only when it has been fetched.' * fetched}"
        )


def _group_by_file(numbers: list[int], rows: Sequence[Row]) -> None:
    """Bring the rows that share a file together, in the order in which the files are first used."""
    order: dict[str, int] = {}
    digests = {
        number: next((file.sha256 for file in rows[number].files.values() if isinstance(file, InputFile)), "")
        for number in numbers
    }
    numbers.sort(key=lambda number: order.setdefault(digests[number], len(order)))
