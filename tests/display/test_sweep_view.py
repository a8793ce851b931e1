"""The live view of a sweep."""

from __future__ import annotations

import pytest

from decart_nb import InvalidInputError, Job
from decart_nb.client.duration_estimate import Estimate
from decart_nb.display import text
from decart_nb.display.sweep_grid import SweepGrid
from decart_nb.display.sweep_view import SweepView
from decart_nb.sweeps.progress import Progress
from tests import front_end
from tests.fake_sweep import FakeSweep, fake_job

_HTML = "<img src=x onerror=alert(1)>"


@pytest.fixture
def sweep() -> FakeSweep:
    return FakeSweep()


@pytest.fixture
def lines(sweep):
    lines = SweepView(sweep, SweepGrid(sweep), output_id="here")
    yield lines
    lines.close()


def test_the_view_says_how_it_stands(lines, sweep) -> None:
    assert (lines.title, lines.over, lines.note) == ("sweep cats", False, "Slowed down.")
    assert lines.totals[:2] == [["done", "17 of 24 done"], ["reused", "3 reused"]]
    assert (lines.rows_ended, lines.row_count) == (18, 24)
    assert lines.shares == [0.5833, 0.125, 0.0417, 0.1667]
    sweep.tell(done=15, running=3)
    assert lines.totals[0] == ["done", "18 of 24 done"]
    assert lines.text().startswith("sweep cats: 18 of 24 done (3 reused), 3 running")


def test_only_what_differs_is_sent(lines, sweep) -> None:
    sent = front_end.received(lines, "update")
    sweep.tell()
    assert sent == []
    sweep.tell(done=15, running=3)
    assert [{*state} for state, _ in sent] == [{"totals", "shares", "rows_ended"}]


def test_stop_stops_the_submitting(lines, sweep) -> None:
    assert (lines.stop_label, lines.stop_hint) == ("Stop", "")
    front_end.send(lines, {"action": "stop"})
    assert sweep.cancelled
    assert (lines.stop_label, lines.stop_hint) == (
        "",
        "stopped: nothing more is submitted; what is running is still fetched",
    )
    sweep.tell(over=True)
    assert (lines.stop_label, lines.stop_hint, lines.over) == ("", "", True)


def test_when_all_is_submitted_there_is_nothing_to_stop(lines, sweep) -> None:
    sweep.tell(waiting=0, running=6, jobs=(Job("lucy-2.5", {}, estimate=Estimate.around(1.0, 1.0)),))
    assert (lines.stop_label, lines.stop_hint) == ("Stop", "")
    sweep.tell(jobs=(fake_job(),))
    assert lines.stop_hint == "all is submitted"


def test_a_sweep_that_was_stopped_in_python_says_so(lines, sweep) -> None:
    sweep.tell(stopped=True)
    assert lines.stop_hint.startswith("stopped: nothing more is submitted")


def test_a_sweep_that_has_not_begun_has_nothing_to_stop() -> None:
    sweep = FakeSweep(Progress(24, waiting=24))
    lines = SweepView(sweep, SweepGrid(sweep), output_id="here")
    assert lines.stop_label == ""
    lines.close()


def test_while_a_cell_blocks_it_says_to_interrupt_unless_clicks_are_heard(lines, sweep) -> None:
    sweep.blocks_main_thread = True
    sweep.tell()
    assert lines.stop_hint == "to stop, interrupt the kernel"
    front_end.send(lines, {"action": "ready"})
    assert (lines.stop_label, lines.stop_hint) == ("Stop", "")


def test_what_goes_wrong_in_a_click_is_shown_in_the_view(lines, sweep) -> None:
    def refuse() -> None:
        raise InvalidInputError("The session is closed.")

    sweep.cancel = refuse
    front_end.send(lines, {"action": "stop"})
    assert (lines.problem, lines.stop_label) == ("The session is closed.", "Stop")


def test_closing_the_view_stops_nothing_and_leaves_nothing(lines, sweep) -> None:
    assert len(sweep.observers) == 2
    lines.close()
    assert len(sweep.observers) == 1, "the grid goes on: the static output has it at the end"
    assert not sweep.cancelled


def test_what_is_retried_is_said_once_for_all_jobs_that_it_stops(lines, sweep) -> None:
    jobs = tuple(fake_job(number) for number in range(3))
    for number, job in enumerate(jobs):
        job.retrying = f"no connection to {_HTML} (refused), trying again in {number} s"
    sweep.tell(jobs=jobs)
    assert lines.note == f"3 jobs: no connection to {_HTML} (refused). Slowed down."
    assert text.time_left(sweep.progress) == ""
    jobs[0].retrying = None
    sweep.tell(jobs=jobs)
    assert lines.note.startswith("2 jobs: ")
    assert text.time_left(sweep.progress) != ""
