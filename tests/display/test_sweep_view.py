"""A sweep's words, its live lines, and the place that holds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from IPython.core.formatters import DisplayFormatter

import decart_nb
from decart_nb import InvalidInputError, Job
from decart_nb.client.duration_estimate import Estimate
from decart_nb.display import text
from decart_nb.display.ipython import NotebookDisplay
from decart_nb.display.sweep_output import SweepOutput
from decart_nb.display.sweep_view import MAX_LINES, SweepView
from decart_nb.sweeps.progress import Progress

_HTML = "<img src=x onerror=alert(1)>"
_VIEW = "application/vnd.jupyter.widget-view+json"
_MID = Progress(
    24, done=14, reused=3, running=4, waiting=2, failed=1, cost=0.84, cap=5.0, seconds_left=41.0, note="Slowed down."
)


class Sweep:
    """A sweep that stands as it is told."""

    def __init__(self, progress: Progress = _MID, name: str = "cats", *, over: bool = False) -> None:
        self.name, self.progress, self.over = name, progress, over
        self.blocks_a_cell = False
        self.cancelled = False
        self.observers: list[Callable[[Sweep], object]] = []

    def observe(self, observer: Callable[[Sweep], object]) -> Callable[[], None]:
        self.observers.append(observer)
        return lambda: observer in self.observers and self.observers.remove(observer)

    def cancel(self) -> None:
        self.cancelled = True
        self.progress = replace(self.progress, stopped=True)

    def tell(self, *, over: bool = False, **changes: Any) -> None:
        self.progress = replace(self.progress, **changes)
        self.over = over
        for observer in tuple(self.observers):
            observer(self)


class Outputs:
    """Keeps what is published, as a notebook does: by display id, the last word counts."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.published = 0

    def publish(self, data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        assert (display_id in self.held) is update
        self.held[display_id] = data
        self.published += 1

    @property
    def html(self) -> str:
        return next(iter(self.held.values()))["text/html"]

    @property
    def text(self) -> str:
        return next(iter(self.held.values()))["text/plain"]


@pytest.fixture
def sweep() -> Sweep:
    return Sweep()


@pytest.fixture
def lines(sweep):
    lines = SweepView(sweep, output_id="here")
    yield lines
    lines.close()


@pytest.fixture
def outputs() -> Outputs:
    return Outputs()


def _job(number: int = 0, prompt: str = "a cat") -> Job:
    return Job(
        "lucy-2.5", {"prompt": prompt, "seed": number}, estimate=Estimate.around(30.0, 0.25), job_id=f"j{number}"
    )


def _jobs(lines: SweepView) -> list[str | None]:
    return [line and line["request"].partition(" ·")[0] for line in lines.jobs]


def test_a_sweep_in_words(sweep) -> None:
    assert text.sweep_line(sweep) == (
        "sweep cats: 17 of 24 done (3 reused), 4 running, 1 failed, about $0.84 of at most $5.00, about 40 s left"
    )


def test_a_sweep_without_a_name_of_its_own_is_called_once_what_it_is() -> None:
    assert text.sweep_title(Sweep(name="sweep-0a1b2c3d4e")) == "sweep-0a1b2c3d4e"


def test_what_is_nothing_is_not_said() -> None:
    assert text.sweep_line(Sweep(Progress(24, waiting=24), name="")) == "sweep: 0 of 24 done"
    assert text.sweep_line(Sweep(Progress(2000, done=1000, waiting=1000))) == "sweep cats: 1,000 of 2,000 done"


def test_at_the_end_all_that_did_not_become_a_clip_is_named() -> None:
    progress = Progress(24, done=12, reused=3, failed=1, invalid=2, held_back=4, waiting=2, seconds_left=9.0)
    assert text.sweep_line(Sweep(progress, over=True)) == (
        "sweep cats: 15 of 24 done (3 reused), 1 failed, 2 invalid, 2 not begun, 4 held back by the cap"
    )


@pytest.mark.parametrize(("took", "said"), [(0.2, "under 1 s"), (65.4, "65 s"), (600, "10 min"), (2e4, "5.6 h")])
def test_at_the_end_it_says_how_long_it_took(took: float, said: str) -> None:
    done = Progress(24, done=21, reused=3)
    assert text.sweep_totals(done, over=True, seconds=took)[0] == ("done", f"24 of 24 done in {said}")
    assert text.sweep_totals(done, seconds=took)[0] == ("done", "24 of 24 done")


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ({}, ""),
        ({"cap": 5.0}, "nothing spent of at most $5.00"),
        ({"cost": 0.84}, "about $0.84"),
        ({"cost": 0.001}, "under $0.01"),
        ({"cost": 1234.5}, "about $1,234.50"),
        ({"cost_unknown": True}, "cost unknown"),
        ({"cost_unknown": True, "cap": 5.0}, "cost unknown, at most $5.00"),
        ({"cost": 0.84, "cost_unknown": True}, "about $0.84, cost unknown for some"),
        ({"cost": 0.84, "cost_unknown": True, "cap": 5.0}, "about $0.84 of at most $5.00, cost unknown for some"),
    ],
)
def test_an_unknown_price_is_said_and_never_zero(cost: dict[str, Any], said: str) -> None:
    assert text.sweep_cost(Progress(24, **cost)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (float("inf"), ""),
        (0.0, "about 1 s left"),
        (13.2, "about 13 s left"),
        (42.0, "about 40 s left"),
        (400.0, "about 7 min left"),
        (7200.0, "about 2.0 h left"),
    ],
)
def test_the_time_left_is_rounded(seconds: float | None, said: str) -> None:
    assert text.time_left(Progress(24, seconds_left=seconds)) == said


def test_in_little_room_less_is_said(sweep) -> None:
    assert text.sweep_line(sweep, limit=104) == text.sweep_line(sweep)
    assert text.sweep_line(sweep, limit=91).startswith("17 of 24 done (3 reused), 4 running, ")
    assert text.sweep_line(sweep, limit=66) == "17 of 24 done (3 reused), 4 running, 1 failed, about 40 s left"
    assert text.sweep_line(sweep, limit=1) == "17 of 24 done (3 reused)"


def test_somebodys_text_becomes_one_plain_line() -> None:
    assert text.sweep_title(Sweep(name="x" * 1000)) == f"sweep {'x' * 59}…"
    assert text.job_request(Job("lucy-2.5", {}, estimate=Estimate.around(1.0, 1.0))) == ""


_counts = st.integers(0, 10**6)
_numbers = st.floats() | st.none()


@given(st.builds(Progress, _counts, _counts, _counts, _counts, cost=st.floats(), cap=_numbers, seconds_left=_numbers))
def test_words_never_fail(progress: Progress) -> None:
    for over in (False, True):
        assert text.sweep_line(Sweep(progress, over=over), began=0.0).startswith("sweep cats: ")


def test_the_view_says_how_it_stands(lines, sweep) -> None:
    assert (lines.title, lines.over, lines.note) == ("sweep cats", False, "Slowed down.")
    assert lines.totals[:2] == [["done", "17 of 24 done"], ["reused", "3 reused"]]
    assert (lines.rows_ended, lines.row_count) == (18, 24)
    assert lines.shares == [0.5833, 0.125, 0.0417, 0.1667]
    sweep.tell(done=15, running=3)
    assert lines.totals[0] == ["done", "18 of 24 done"]
    assert lines.text().startswith("sweep cats: 18 of 24 done (3 reused), 3 running")


def test_a_line_for_each_job_that_runs(lines, sweep) -> None:
    sweep.tell(jobs=(_job(1, _HTML),))
    (line,) = lines.jobs
    assert line.pop("progress") < 0.1
    assert line == {
        "number": 1,
        "model": "lucy-2.5",
        "request": f"seed 1 · {_HTML}",
        "status": "queued",
        "retrying": False,
        "time": "0 s of usually 22–41 s",
    }


def test_a_job_keeps_its_line_and_the_next_one_takes_the_line_that_is_free(lines, sweep) -> None:
    one, two, three, four = map(_job, range(1, 5))
    sweep.tell(jobs=(one, two, three))
    sweep.tell(jobs=(one, three))
    assert _jobs(lines) == ["seed 1", None, "seed 3"]
    sweep.tell(jobs=(three, four))
    assert _jobs(lines) == ["seed 4", None, "seed 3"]
    sweep.tell(jobs=())
    assert _jobs(lines) == [None, None, None]
    sweep.tell(jobs=(), over=True)
    assert lines.jobs == []


def test_of_many_jobs_some_have_lines_and_the_others_are_counted(lines, sweep) -> None:
    jobs = tuple(map(_job, range(MAX_LINES + 34)))
    sweep.tell(jobs=jobs)
    assert (len(lines.jobs), lines.more) == (MAX_LINES, "and 34 more")
    sweep.tell(jobs=jobs[1:])
    assert _jobs(lines)[:2] == [f"seed {MAX_LINES}", "seed 1"]
    assert lines.more == "and 33 more"
    sweep.tell(jobs=jobs[-MAX_LINES:])
    assert (len(lines.jobs), lines.more) == (MAX_LINES, "")


def test_a_jobs_bar_never_goes_back(lines, sweep) -> None:
    job = _job()
    job.estimate = Estimate.around(0.1, 0.25)
    job._move("processing")
    job._not_begun_at -= 1
    sweep.tell(jobs=(job,))
    before = lines.jobs[0]["progress"]
    job.estimate = Estimate.around(1e6, 0.25)
    sweep.tell()
    assert lines.jobs[0]["progress"] == before > 0.9


def test_only_what_differs_is_sent(lines, sweep) -> None:
    sent: list[set[str]] = []
    lines.comm.send = lambda data, **_: sent.append(set(data["state"]))
    sweep.tell()
    assert sent == []
    sweep.tell(done=15, running=3)
    assert sent == [{"totals", "shares", "rows_ended"}]


def test_stop_stops_the_submitting(lines, sweep) -> None:
    assert (lines.stop_label, lines.stop_hint) == ("Stop", "")
    lines._handle_custom_msg({"action": "stop"}, [])
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
    sweep.tell(jobs=(_job(),))
    assert lines.stop_hint == "all is submitted"


def test_a_sweep_that_was_stopped_in_python_says_so(lines, sweep) -> None:
    sweep.tell(stopped=True)
    assert lines.stop_hint.startswith("stopped: nothing more is submitted")


def test_a_sweep_that_has_not_begun_has_nothing_to_stop() -> None:
    lines = SweepView(Sweep(Progress(24, waiting=24)), output_id="here")
    assert lines.stop_label == ""
    lines.close()


def test_while_a_cell_blocks_it_says_to_interrupt_unless_clicks_are_heard(lines, sweep) -> None:
    sweep.blocks_a_cell = True
    sweep.tell()
    assert lines.stop_hint == "to stop, interrupt the kernel"
    lines._handle_custom_msg({"action": "ready"}, [])
    assert (lines.stop_label, lines.stop_hint) == ("Stop", "")


def test_what_goes_wrong_in_a_click_is_shown_in_the_view(lines, sweep) -> None:
    def refuse() -> None:
        raise InvalidInputError("The session is closed.")

    sweep.cancel = refuse
    lines._handle_custom_msg({"action": "stop"}, [])
    assert (lines.problem, lines.stop_label) == ("The session is closed.", "Stop")


def test_closing_the_view_stops_nothing_and_leaves_nothing(lines, sweep) -> None:
    lines.close()
    assert sweep.observers == []
    assert not sweep.cancelled


def test_at_the_end_nobody_observes_any_more(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=True)
    assert len(sweep.observers) == 2
    sweep.tell(over=True)
    assert sweep.observers == []
    SweepOutput(sweep, outputs.publish, live=True)
    assert sweep.observers == []


def test_a_person_gets_a_live_view_beside_the_static_one(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=True)
    static, live = outputs.held.values()
    assert set(static) == {"text/html", "text/plain"}
    assert "decart-output decart-output-" in static["text/html"]
    assert _VIEW in live


def test_a_headless_run_gets_one_plain_output(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=False, starting=True)
    sweep.tell(over=True, done=20, running=0, failed=1, waiting=0)
    assert len(outputs.held) == 1
    assert "<style>" not in outputs.html
    assert outputs.text == (
        "sweep cats: 23 of 24 done (3 reused) in under 1 s, 1 failed, about $0.84 of at most $5.00\nSlowed down."
    )


def test_what_is_kept_of_a_run_that_goes_on_says_how_to_see_more(outputs) -> None:
    SweepOutput(Sweep(name=f"it's {_HTML}"), outputs.publish, live=True)
    assert outputs.text.endswith(
        f"""status when the notebook was last saved; dnb.sweep.load("it's {_HTML}") shows its current status"""
    )
    assert "it&#x27;s &lt;img src" in outputs.html
    assert _HTML not in outputs.html


def test_two_prices_are_no_formula(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=False)
    assert 'class="decart-fallback mathjax_ignore tex2jax_ignore"' in outputs.html


def test_what_is_kept_comes_anew_now_and_then(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=False, interval=0.0)
    sweep.tell(done=15)
    assert outputs.published == 2
    assert "18 of 24 done" in outputs.text
    sweep.tell()
    assert outputs.published == 2


def test_and_at_the_end_in_any_case(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=False, interval=3600.0)
    sweep.tell(done=15)
    assert outputs.published == 1
    sweep.tell(over=True)
    assert outputs.published == 2
    assert "when the notebook was last saved" not in outputs.text


class _Shell:
    """What is needed of a kernel's shell."""

    def __init__(self) -> None:
        self.execution_count = 1
        self.held: list[str] = []
        self.display_pub = SimpleNamespace(publish=self._publish)

    def _publish(self, data: dict[str, Any], *, transient: dict[str, str], update: bool) -> None:
        if not update:
            self.held.append(transient["display_id"])


def test_a_cell_shows_the_sweep_that_it_began_once(sweep) -> None:
    shell = _Shell()
    display = NotebookDisplay(shell)

    def echo() -> None:
        display.show_unless_echo(sweep, display.show_sweep)

    display.show_sweep(sweep, starting=True)
    display.show_sweep(sweep, starting=True)  # start(), and then run(), which waits for it
    echo()
    assert len(shell.held) == 1
    shell.execution_count += 1
    echo()
    assert len(shell.held) == 2
    sweep.tell(over=True)
    display.show_sweep(sweep, starting=True)  # run anew
    assert len(shell.held) == 3


def test_a_sweep_is_registered_under_the_name_that_its_class_has() -> None:
    events = SimpleNamespace(callbacks={"pre_run_cell": [], "post_run_cell": []}, register=lambda *_: None)
    shell = SimpleNamespace(display_formatter=DisplayFormatter(), kernel=object(), events=events)
    NotebookDisplay(shell).register()
    assert shell.display_formatter.ipython_display_formatter.lookup_by_type(decart_nb.Sweep)


def test_what_is_retried_is_said_once_for_all_jobs_that_it_stops(lines, sweep) -> None:
    jobs = tuple(_job(number) for number in range(3))
    for number, job in enumerate(jobs):
        job.retrying = f"no connection to {_HTML} (refused), trying again in {number} s"
    sweep.tell(jobs=jobs)
    assert [line["retrying"] for line in lines.jobs] == [True] * 3
    assert lines.jobs[2]["status"] == jobs[2].retrying
    assert lines.note == f"3 jobs: no connection to {_HTML} (refused). Slowed down."
    assert text.time_left(sweep.progress) == ""
    jobs[0].retrying = None
    sweep.tell(jobs=jobs)
    assert lines.note.startswith("2 jobs: ")
    assert text.time_left(sweep.progress) != ""


def test_rows_that_ask_for_the_same_are_not_said_to_be_reused() -> None:
    progress = Progress(24, done=12, reused=12, shared=12)
    assert text.sweep_line(Sweep(progress, over=True)) == "sweep cats: 24 of 24 done (12 the same as another row)"
    assert "(2 reused, 10 the same as another row)" in text.sweep_line(Sweep(replace(progress, shared=10)))


@pytest.mark.parametrize(
    ("payment", "cost", "said"),
    [
        ("free", {}, ""),
        ("free", {"cap": 5.0}, "no cost"),
        ("rehearsed", {"cap": 5.0}, "nothing spent of at most $5.00, rehearsed"),
        ("rehearsed", {"cost": 0.84, "cap": 5.0}, "about $0.84 of at most $5.00, rehearsed"),
        ("paid", {"cost": 0.84, "cap": 0.005}, "about $0.84 of at most $0.005"),
    ],
)
def test_what_the_local_queue_rehearses_is_not_said_to_be_paid(payment: str, cost: dict[str, Any], said: str) -> None:
    assert text.sweep_cost(Progress(24, payment=payment, **cost)) == said
