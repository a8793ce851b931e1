"""Which rows a run submits: each status of the latest job of a row, what is paid, and rows that share a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decart_nb.errors import InvalidInputError
from decart_nb.request.catalogue import models
from decart_nb.request.locations import RemoteFile
from decart_nb.request.uploads import Upload
from decart_nb.store.job_row import Record
from decart_nb.store.store import Store
from decart_nb.sweeps.rows import FieldValue, InputFile, Row
from decart_nb.sweeps.selection import Selection, counted_as, refuse_unpriced, select_rows

MODEL = models.video("lucy-2.5")
NONE: frozenset[str] = frozenset()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def row(request: str = "r", take: int = 0, cost: float | None = 0.2, **more: Any) -> Row:
    return Row(MODEL, MODEL.name, more.pop("parts", ()), take, request=request, cost=cost, **more)


def on(content: str) -> tuple[FieldValue, ...]:
    """The parts of a row that works on a file."""
    upload = Upload("a.mp4", content.encode())
    return (FieldValue("prompt", "a"), FieldValue("data", file=InputFile(upload, "a.mp4", upload.sha256())))


def stored(store: Store, status: str, request: str = "r", **changes: Any) -> Record:
    """A job in the store that has come to a status."""
    record, _ = store.claim(Record(request, "local", "local", MODEL.name, MODEL.name))
    if status != "planned":
        store.update(record, status=status, **changes)
    return record


def select(store: Store, *rows: Row, again: frozenset[str] = NONE, priced_only: bool = False) -> Selection:
    return select_rows(rows, store, again, priced_only=priced_only)


def test_a_row_that_the_store_does_not_know_is_submitted(store) -> None:
    selection = select(store, row())
    assert selection == Selection(todo=[0], seen={0: (0, "")})


@pytest.mark.parametrize("status", ["planned", "pending", "processing", "unreachable", "rejected", "cancelled"])
def test_a_job_that_is_not_over_or_made_nothing_is_submitted_and_seen(store, status) -> None:
    record = stored(store, status, job_id="j1")
    selection = select(store, row("new"), row())
    assert (selection.todo, selection.settled) == ([0, 1], {})
    assert selection.seen == {0: (0, ""), 1: (record.row, record.key)}
    assert selection.paid == ({1} if status in ("planned", "pending", "processing", "unreachable") else set())


@pytest.mark.parametrize(("status", "state"), [("failed", "failed"), ("uncertain", "uncertain"), ("expired", "failed")])
def test_what_ended_badly_is_left_alone_unless_that_is_asked_for(store, status, state) -> None:
    stored(store, status, error="no")
    assert select(store, row()) == Selection(settled={0: state})
    others = frozenset({"failed", "uncertain", "expired"} - {status})
    assert select(store, row(), again=others) == Selection(settled={0: state})
    selection = select(store, row(), again=frozenset({status}))
    assert (selection.todo, selection.settled, selection.paid) == ([0], {}, set())


def test_a_video_that_is_there_is_reused_and_one_that_is_gone_is_fetched_again(store) -> None:
    stored(store, "completed", job_id="j1", path="v.mp4", size_bytes=5)
    video = store.folder / "v.mp4"
    video.write_bytes(b"video")
    assert select(store, row()) == Selection(settled={0: "reused"})
    video.unlink()
    selection = select(store, row())
    assert (selection.todo, selection.settled, selection.paid) == ([0], {}, {0})


def test_a_file_beside_a_job_that_has_failed_is_no_result(store) -> None:
    (store.folder / "v.mp4").write_bytes(b"video")
    stored(store, "failed", error="no", path="v.mp4", size_bytes=5)
    assert select(store, row()).settled == {0: "failed"}


def test_an_invalid_row_and_one_that_asks_for_the_same_stop_no_other(store) -> None:
    stored(store, "failed", "s", error="no")
    rows = [row("", error="It lacks a prompt."), row("a"), row("a", same_as=1), row("s"), row("b")]
    selection = select(store, *rows)
    assert (selection.todo, selection.settled) == ([1, 4], {0: "invalid", 3: "failed"})


def test_a_row_whose_file_is_still_to_be_fetched_is_not_taken_for_another_one(store) -> None:
    stored(store, "failed", "", error="no")
    assert select(store, row("")).todo == [0]


def test_takes_are_rows_of_their_own(store) -> None:
    stored(store, "failed", error="no")
    selection = select(store, row(), row(take=1))
    assert (selection.todo, selection.settled) == ([1], {0: "failed"})


def test_rows_that_share_a_file_follow_each_other_in_the_order_of_their_first_use(store) -> None:
    parts = [on("one"), (), on("two"), on("one"), (), on("two"), (FieldValue("data", file=RemoteFile("http://a/b")),)]
    rows = [row(f"r{number}", parts=part) for number, part in enumerate(parts)]
    assert select(store, *rows).todo == [0, 3, 1, 4, 6, 2, 5]


def test_a_row_of_unknown_price_is_refused_under_a_cap_and_the_sentence_names_its_model(store) -> None:
    other = models.video("lucy-2.6")
    rows = [row("a"), row("b", cost=None), Row(other, other.name, (), 0, request="c"), row("d", cost=None)]
    assert select(store, *rows).todo == [0, 1, 2, 3]
    with pytest.raises(InvalidInputError, match=r"^What lucy-2\.5 and lucy-2\.6 will cost is not known.*") as caught:
        select(store, *rows, priced_only=True)
    assert "address" not in str(caught.value)
    assert select(store, row("a"), row("e", cost=0.0), priced_only=True).todo == [0, 1]


@pytest.mark.parametrize(
    ("status", "job_id", "is_paid"),
    [
        ("pending", "j1", True),
        ("unreachable", "j1", True),
        ("completed", "j1", True),
        ("pending", None, False),
        ("rejected", None, False),
        ("cancelled", "j1", False),
    ],
)
def test_a_job_of_unknown_price_that_was_submitted_already_is_not_refused(store, status, job_id, is_paid) -> None:
    stored(store, status, job_id=job_id)
    rows = [row("known"), row(cost=None)]
    if is_paid:
        assert select(store, *rows, priced_only=True).todo == [0, 1]
    else:
        with pytest.raises(InvalidInputError, match="is not known"):
            select(store, *rows, priced_only=True)


def test_rows_that_were_not_asked_for_are_left_out_and_not_refused(store) -> None:
    stored(store, "failed", "b", error="no")
    rows = [row("a", cost=None), row("b"), row("c"), row("d", cost=None)]
    selection = select_rows(rows, store, NONE, priced_only=True, only=[1, 2])
    assert (selection.todo, selection.left_out, selection.settled) == ([2], {0, 3}, {1: "failed"})
    assert selection.seen == {2: (0, "")}
    assert select_rows(rows, store, NONE, priced_only=True, only=[]).left_out == {0, 2, 3}


def test_a_row_that_is_left_alone_is_not_refused(store) -> None:
    stored(store, "failed", error="no")
    assert select(store, row(cost=None), priced_only=True).settled == {0: "failed"}


def test_only_rows_of_a_known_model_without_a_price_are_refused() -> None:
    refuse_unpriced([row(cost=0.0), row(cost=0.2), Row(None, "lucy-9", (), 0)])
    refuse_unpriced([])
    with pytest.raises(InvalidInputError) as caught:
        refuse_unpriced(iter([row(cost=0.2), row("", cost=None), row(cost=None)]))
    assert str(caught.value) == (
        "What lucy-2.5 will cost is not known, so max_cost cannot hold it. Give the price, connect(prices={…: USD per "
        "generated second}), or allow_unknown_cost=True. How long a file from an address is, is known only when it has "
        "been fetched."
    )


@pytest.mark.parametrize(
    ("status", "count"),
    [
        ("failed", "failed"),
        ("uncertain", "uncertain"),
        ("expired", "failed"),
        ("rejected", "passing"),
        ("unreachable", "passing"),
    ],
)
def test_what_the_next_run_tries_again_is_counted_as_passing(status, count) -> None:
    assert counted_as(status) == count


def test_a_selection_is_not_changed_afterwards() -> None:
    with pytest.raises(AttributeError):
        Selection().todo = [1]  # type: ignore[misc]
