"""The ledger's counts and budget, event by event: what each end of a job counts for, and which rows are kept back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from decart_nb import models
from decart_nb.client.duration_estimate import Estimate
from decart_nb.errors import CapReachedError, QueueSubmitError
from decart_nb.job.job import Job
from decart_nb.request.locations import RemoteFile
from decart_nb.request.uploads import Upload
from decart_nb.sweeps.ledger import Ledger
from decart_nb.sweeps.rows import FieldValue, InputFile, Row
from decart_nb.sweeps.selection import Selection

NAME = "lucy-2.5"
OVER = CapReachedError("Too much.")
FULL = QueueSubmitError("Full.", {"status": 429, "taken": "no"})
BAD = QueueSubmitError("Bad.", {"status": 400})


def row(cost: float | None, *, model: str = NAME, **more: Any) -> Row:
    return Row(
        models.video(model), model, more.pop("parts", ()), 0, request=more.pop("request", "r"), cost=cost, **more
    )


def on(file: InputFile | RemoteFile) -> tuple[FieldValue, ...]:
    return (FieldValue("data", file=file),)


def uploaded(content: bytes) -> InputFile:
    return InputFile(Upload("a.mp4", content), "a.mp4", f"digest of {content.decode()}")


def job(status: str = "pending", *, error: Exception | None = None) -> Job:
    one = Job(NAME, {}, estimate=Estimate.around(0.2, 0.5))
    one.status, one.error = status, error  # type: ignore[assignment]
    return one


def made(cost: float | None = None, *, reused: bool = False) -> Job:
    one = job("completed")
    one.clip = SimpleNamespace(cost=cost, reused=reused)  # type: ignore[assignment]
    return one


def opened(*rows: Row, cap: float | None = 10.0, spent: tuple[float, int] = (0.0, 0), **chosen: Any) -> Ledger:
    ledger = Ledger(cap)
    ledger.open(rows, Selection(**chosen), spent)
    return ledger


def ends(ledger: Ledger, number: int, ended: Job) -> None:
    assert ledger.begin(number, ended)
    ledger.settle(number, ended)


def test_a_ledger_begins_with_what_is_settled_and_spent() -> None:
    rows = [row(0.1), row(0.1, same_as=0), row(0.1, same_as=0), row(0.1), row(0.1)]
    ledger = opened(*rows, spent=(0.7, 0), settled={0: "failed", 3: "invalid", 4: "reused"})
    now = ledger.tally()
    assert now.counts == {"failed": 3, "invalid": 1, "reused": 1}
    assert (now.shared, len(now.jobs), now.running, now.held_back) == (0, 0, 0, 0)
    assert (now.cost, now.cost_unknown, now.stopped) == (0.7, False, False)
    assert ledger.made == set()


def test_before_its_rows_are_known_a_ledger_is_empty() -> None:
    now = Ledger(1.0).tally()
    assert (now.counts, now.shared, now.running, now.held_back) == ({}, 0, 0, 0)
    assert (now.cost, now.cost_unknown, now.stopped) == (0.0, False, False)


def test_each_row_that_asks_for_the_same_as_one_that_was_made_is_shared() -> None:
    ledger = opened(row(0.1), row(0.1), row(0.1, same_as=0), row(0.1, same_as=0), row(0.1, same_as=1), row(0.1))
    for number, ended in {0: made(0.1), 1: made(0.1), 5: made(0.1)}.items():
        ends(ledger, number, ended)
    assert (ledger.tally().counts, ledger.tally().shared) == ({"done": 3, "reused": 3}, 3)


def test_jobs_of_unknown_price_that_were_spent_before_make_the_cost_unknown() -> None:
    assert opened(row(0.1), spent=(0.7, 1)).tally().cost_unknown
    ledger = opened(row(0.1))
    ledger.correct((0.5, 2))
    assert (ledger.tally().cost, ledger.tally().cost_unknown) == (0.5, True)
    ledger.correct((0.6, 0))
    assert (ledger.tally().cost, ledger.tally().cost_unknown) == (0.6, False)


def test_a_job_in_flight_counts_for_what_it_is_expected_to_cost() -> None:
    rows = [row(0.2), row(0.3), row(None), row(0.1, same_as=0), row(0.1)]
    ledger = opened(*rows, paid={1}, spent=(1.0, 0))
    first, second, third = job(), job(), job()
    assert ledger.begin(0, first)
    assert ledger.begin(1, second)
    now = ledger.tally()
    assert (len(now.jobs), now.running, ledger.in_flight) == (2, 3, 2)
    assert (now.cost, now.cost_unknown) == (pytest.approx(1.2), False)
    ledger.begin(2, third)
    assert (ledger.tally().cost, ledger.tally().cost_unknown) == (pytest.approx(1.2), True)
    ledger.settle(0, job("failed"))
    assert (ledger.in_flight, ledger.tally().running) == (2, 2)


def test_a_tally_is_a_copy() -> None:
    ledger = opened(row(0.1), row(0.1))
    ends(ledger, 0, made(0.1))
    before = ledger.tally()
    ends(ledger, 1, made(0.1))
    assert (before.counts["done"], ledger.tally().counts["done"]) == (1, 2)
    with pytest.raises(AttributeError):
        before.shared = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("status", "state", "cost"),
    [
        ("failed", "failed", 0.2),
        ("uncertain", "uncertain", 0.2),
        ("expired", "failed", 0.2),
        ("unreachable", "passing", 0.2),
        ("rejected", "passing", 0.0),
        ("cancelled", None, 0.0),
    ],
)
def test_how_a_job_ends_decides_what_its_row_counts_as_and_costs(status, state, cost) -> None:
    ledger = opened(row(0.2), row(0.2, same_as=0), row(0.5))
    ends(ledger, 0, job(status))
    now = ledger.tally()
    assert now.counts == ({state: 2} if state else {})
    assert (now.cost, now.cost_unknown, now.shared, now.running) == (cost, False, 0, 0)
    assert ledger.made == set()
    assert ledger.cap == 10.0


def test_a_reused_video_costs_nothing_and_is_not_made() -> None:
    ledger = opened(row(0.2), row(None))
    ends(ledger, 0, made(0.9, reused=True))
    ends(ledger, 1, made(None, reused=True))
    now = ledger.tally()
    assert (now.counts, now.cost, now.cost_unknown) == ({"reused": 2}, 0.0, False)
    assert ledger.made == set()
    assert ledger.cost(row(0.2)) == 0.2


def test_what_the_store_had_counted_before_is_not_counted_again() -> None:
    ledger = opened(row(0.2), row(None), paid={0, 1}, spent=(0.2, 0))
    ends(ledger, 0, made(0.5))
    ends(ledger, 1, job("failed"))
    assert (ledger.tally().cost, ledger.tally().cost_unknown) == (0.2, False)
    assert ledger.made == {("r", 0)}


def test_the_higher_of_what_was_expected_and_what_it_cost_is_spent() -> None:
    ledger = opened(row(0.2), row(0.2, parts=on(uploaded(b"x"))), row(None, parts=on(uploaded(b"y"))))
    ends(ledger, 0, made(0.1))
    assert ledger.tally().cost == pytest.approx(0.2)
    ends(ledger, 1, made(0.5))
    assert ledger.tally().cost == pytest.approx(0.7)
    ends(ledger, 2, made(0.25))
    assert ledger.tally().cost == pytest.approx(0.95)
    assert not ledger.tally().cost_unknown


def test_a_job_that_failed_at_an_unknown_price_makes_the_cost_unknown_for_good() -> None:
    ledger = opened(row(None), row(None), row(None), row(0.1))
    ends(ledger, 0, job("failed"))
    assert (ledger.tally().cost, ledger.tally().cost_unknown) == (0.0, True)
    ledger.begin(1, job())
    assert ledger.must_wait(2)  # what a video of that model costs may still become known
    ledger.settle(1, job("cancelled"))
    ends(ledger, 3, made(0.1))
    assert ledger.tally().cost_unknown


def test_a_cost_is_learned_for_the_same_model_and_file_alone() -> None:
    one, other, remote = on(uploaded(b"1")), on(uploaded(b"2")), on(RemoteFile("http://a/b.mp4"))
    rows = [row(None, parts=one), row(None, parts=other), row(None, parts=remote), row(None)]
    ledger = opened(*rows)
    ends(ledger, 0, made(0.7))
    assert [ledger.cost(each) for each in rows] == [0.7, None, None, None]
    assert ledger.cost(row(None, parts=one, model="lucy-2.6")) is None
    assert ledger.cost(row(0.1, parts=on(uploaded(b"1")))) == 0.7
    ends(ledger, 3, made(0.3))
    assert ledger.cost(rows[2]) == 0.3
    assert opened(row(0.0)).cost(row(0.0)) == 0.0


def test_a_video_that_cost_nothing_teaches_nothing() -> None:
    ledger = opened(row(None))
    ends(ledger, 0, made(0.0))
    assert ledger.cost(row(None)) is None
    assert not ledger.tally().cost_unknown


def test_a_cap_is_lowered_only_by_what_may_be_taken_the_next_time() -> None:
    ledger = opened(row(0.5), row(0.25), row(None), row(0.5))
    for number in range(3):
        ends(ledger, number, job("rejected", error=FULL))
    assert ledger.cap == 9.25
    ends(ledger, 3, job("rejected", error=BAD))
    assert ledger.cap == 9.25
    assert opened(row(0.5), cap=None).cap is None
    assert opened(row(0.5), cap=0.0).cap == 0.0


def test_a_row_over_the_cap_counts_as_nothing_but_held_back() -> None:
    ledger = opened(row(0.5), row(0.5, same_as=0), row(0.5))
    ends(ledger, 0, job("planned", error=OVER))
    now = ledger.tally()
    assert (now.counts, now.held_back, now.running, now.cost) == ({}, 2, 0, 0.0)
    assert not now.jobs


def test_rows_that_cost_no_less_than_one_over_the_cap_are_kept_back() -> None:
    ledger = opened(row(0.5), row(0.5), row(0.4), row(0.6), row(0.0), row(None), row(0.9), paid={6})
    assert not ledger.keep_back(1)  # nothing was over the cap so far
    ends(ledger, 0, job(error=OVER))
    assert [ledger.keep_back(number) for number in range(1, 7)] == [True, False, True, False, False, False]
    assert ledger.tally().held_back == 3


def test_the_cheapest_row_over_the_cap_decides() -> None:
    ledger = opened(row(0.5), row(0.3), row(0.7), row(None), row(0.0), row(0.3), row(0.2))
    for number in (0, 1, 2, 3, 4):
        ends(ledger, number, job(error=OVER))
    assert ledger.keep_back(5)
    assert not ledger.keep_back(6)
    assert ledger.tally().held_back == 6


def test_a_row_of_unknown_price_over_the_cap_keeps_back_no_other() -> None:
    ledger = opened(row(None), row(0.1))
    ends(ledger, 0, job(error=OVER))
    assert not ledger.keep_back(1)


def test_only_rows_of_one_model_and_unknown_cost_wait_for_each_other() -> None:
    rows = [row(None), row(None), row(None, model="lucy-2.6"), row(0.2), row(None)]
    ledger = opened(*rows, paid={4})
    ledger.begin(3, job())
    assert not ledger.must_wait(0)
    ledger.begin(4, job())
    assert not ledger.must_wait(0)
    ledger.begin(2, job())
    assert not ledger.must_wait(0)
    ledger.begin(0, job())
    assert [ledger.must_wait(number) for number in (1, 3, 4)] == [True, False, False]
    unlimited = opened(*rows, cap=None)
    unlimited.begin(0, job())
    assert not unlimited.must_wait(1)


def test_rows_of_a_model_with_another_price_still_wait() -> None:
    ledger = opened(row(None), row(None), row(None), row(None, model="lucy-2.6"), row(None, model="lucy-2.6"))
    ends(ledger, 0, made(None))
    ledger.begin(1, job())
    assert not ledger.must_wait(2)
    ledger.begin(3, job())
    assert ledger.must_wait(4)


def test_a_cost_that_is_known_for_one_file_lets_no_other_file_go_at_once() -> None:
    parts = [on(uploaded(content)) for content in (b"1", b"2", b"3")]
    ledger = opened(*[row(None, parts=part) for part in parts])
    ends(ledger, 0, made(0.7))
    ledger.begin(1, job())
    assert ledger.must_wait(2)


def test_what_is_held_back_is_tried_again_only_while_the_run_goes_on() -> None:
    ledger = opened(row(0.5), row(0.5), row(0.5))
    ends(ledger, 0, job(error=OVER))
    ends(ledger, 1, job("rejected", error=BAD))
    ledger.stop()
    assert ledger.take_held_back() == []
    assert (ledger.tally().held_back, ledger.tally().stopped) == (1, True)


def test_a_rejection_is_a_reason_to_try_again_once() -> None:
    ledger = opened(row(0.5), row(0.5), row(0.5))
    ends(ledger, 0, job(error=OVER))
    ends(ledger, 1, job("rejected", error=BAD))
    assert ledger.take_held_back() == [0]
    ends(ledger, 0, job(error=OVER))
    assert ledger.take_held_back() == []


@pytest.mark.parametrize("ended", [job("rejected", error=FULL), job("failed"), job("cancelled"), made(0.5)])
def test_only_a_final_rejection_gives_back_what_a_row_was_to_cost(ended) -> None:
    ledger = opened(row(0.5), row(0.5), row(0.5))
    ends(ledger, 0, job(error=OVER))
    ends(ledger, 1, ended)
    assert ledger.take_held_back() == []
    assert ledger.keep_back(2)
