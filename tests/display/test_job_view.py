"""The live view of a job, and its text."""

from __future__ import annotations

import dataclasses
import signal
import threading
import time

import pytest

from decart_nb import InvalidInputError, Job, JobFailedError
from decart_nb._util.observed import is_observed
from decart_nb.client.duration_estimate import Estimate
from decart_nb.display import text
from decart_nb.display.job_view import JobView
from decart_nb.job.clip import Clip
from decart_nb.job.job import JobUpdates
from tests.clips import read_clip
from tests.fake_sweep import Clock
from tests.front_end import received, send
from tests.sweeping import wait_until

#: As it is after some jobs have ended.
_ESTIMATE = dataclasses.replace(Estimate.around(30.0, 0.25), history=9)


@pytest.fixture
def clip(small_video) -> Clip:
    return read_clip(small_video, "j1", "lucy-2.5", {"prompt": "a"}, "local")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def job(clock) -> Job:
    return Job("lucy-2.5", {"prompt": "<b>", "seed": 7}, estimate=_ESTIMATE, resubmit=lambda job: job, clock=clock)


@pytest.fixture
def asked() -> list[Job]:
    """The jobs of which another take was asked for."""
    return []


@pytest.fixture
def line(job, asked):
    line = JobView(job, output_id="here", repeat=asked.append)
    yield line
    line.close()


def _click(line: JobView, action: str) -> None:
    send(line, {"action": action})


def test_the_line_says_how_the_job_stands(line, job) -> None:
    assert (line.model, line.status, line.running) == ("lucy-2.5", "submitting", True)
    assert line.time == "0 s of usually 22–41 s"
    JobUpdates(job).set_status("processing", "j1")
    assert line.status == "processing"
    assert (line.prompt, line.codes) == ("<b>", [])
    assert line.text().startswith("lucy-2.5: processing, ")


def test_the_button_says_cancel_before_the_submission_and_stop_waiting_after(line, job) -> None:
    assert line.stop_label == "Cancel"
    JobUpdates(job).set_status("pending", "j1")
    assert (line.stop_label, line.stop_hint) == ("Stop waiting", "")
    assert line.stop_title.startswith("The job goes on")
    _click(line, "stop")
    assert job.stopped
    assert (line.stop_label, line.stop_hint) == ("", "not waited for; the job goes on")


def test_a_job_that_has_ended_gives_way_to_what_can_be_done_next(line, job, clip, asked) -> None:
    JobUpdates(job).set_status("processing", "j1")
    assert line.running
    JobUpdates(job).end("completed", clip=clip)
    assert (line.running, line.progress, line.stop_label, line.repeat_label) == (False, 1.0, "", "Another take")
    _click(line, "repeat")
    assert asked == [job]


def test_another_take_has_its_price_and_each_take_its_own_code(line, job, clip) -> None:
    JobUpdates(job).end("completed", clip=dataclasses.replace(clip, cost=0.2, backend="live"))
    assert line.repeat_label == "Another take · about $0.20"
    assert line.codes == ["dnb.generate('lucy-2.5', prompt='<b>', seed=7)"]
    take = Job("lucy-2.5", {"prompt": "<b>", "seed": 8}, estimate=_ESTIMATE)
    line.follow(take)
    assert (line.running, line.codes) == (True, ["dnb.generate('lucy-2.5', prompt='<b>', seed=7)"])
    JobUpdates(take).end("completed", clip=clip)
    assert line.codes[1:] == ["dnb.generate('lucy-2.5', prompt='<b>', seed=8)"]


def test_before_anything_has_ended_no_usual_time_is_told(job) -> None:
    job.estimate = Estimate.around(30.0, 0.25)
    assert text.job_time(job) == "0 s"
    job.estimate = job.estimate.updated_with([(20.0, None)])
    assert text.job_time(job).startswith("0 s of usually ")


def test_the_video_of_a_take_that_a_page_lacks_can_be_asked_for(line, job, clip) -> None:
    sent = received(line)
    JobUpdates(job).end("completed", clip=clip)
    assert line.clips[0]["lines"] == ["a", "lucy-2.5 · 64×48 · 1.0 s · local preview"]
    send(line, {"request": 1, "kind": "video", "key": "0"})
    deadline = time.monotonic() + 20
    while not sent and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sent == [({"reply": 1, "media_type": "video/mp4", "error": ""}, [clip.path.read_bytes()])]


def test_no_other_take_is_asked_for_while_one_is_under_way(line, job, asked) -> None:
    _click(line, "repeat")
    assert asked == []


def test_a_failed_job_can_be_tried_again_and_an_attached_one_cannot(line, job, asked) -> None:
    JobUpdates(job).end("failed", error=JobFailedError("j1", "no"))
    assert line.repeat_label == "Try again"
    attached = Job("lucy-2.5", {}, estimate=_ESTIMATE, job_id="j2")
    line.follow(attached)
    JobUpdates(attached).end("failed", error=JobFailedError("j2", "no"))
    assert (line.repeat_label, line.codes[1:]) == ("", ["dnb.attach('j2')"])


def test_the_bar_never_goes_back_and_is_full_only_when_the_job_is_done(line, job, clip, clock) -> None:
    seen = [line.progress]
    line.observe(lambda change: seen.append(change["new"]), "progress")
    JobUpdates(job).set_status("processing", "j1")
    clock.seconds += 1
    job.estimate = Estimate.around(0.1, 0.25)  # and then it turns out to take longer
    JobUpdates(job).notify()
    job.estimate = Estimate.around(1e6, 0.25)
    JobUpdates(job).notify()
    assert seen == sorted(seen)
    assert 0 < seen[-1] < 1
    JobUpdates(job).end("completed", clip=clip)
    assert seen[-1] == 1


def test_while_a_cell_blocks_it_says_to_interrupt_unless_clicks_are_heard(line, job) -> None:
    JobUpdates(job).set_status("processing", "j1")
    hints: list[str] = []

    def click() -> None:
        try:
            wait_until(lambda: line.stop_hint)
            hints.append(line.stop_hint)
            _click(line, "ready")  # what the view sends when it appears: it came through
            hints.append(line.stop_hint)
        finally:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    frontend = threading.Thread(target=click)
    frontend.start()
    with pytest.raises(KeyboardInterrupt):
        job.result()
    frontend.join()
    assert [*hints, line.stop_hint] == ["to stop waiting, interrupt the kernel", "", ""]


def test_what_goes_wrong_in_a_click_is_shown_in_the_view(job, clip) -> None:
    def refuse(_: Job) -> None:
        raise InvalidInputError("The session is closed.")

    line = JobView(job, output_id="here", repeat=refuse)
    JobUpdates(job).end("completed", clip=clip)
    _click(line, "repeat")
    assert line.problem == "The session is closed."
    line.close()


def test_closing_the_line_stops_nothing(line, job, clip) -> None:
    JobUpdates(job).set_status("processing", "j1")
    line.close()
    JobUpdates(job).end("completed", clip=clip)
    assert job.clip is clip
    assert line.status == "processing"
    assert not is_observed(job)


def test_what_is_retried_is_said_in_place_of_progress(line, job, clock) -> None:
    updates = JobUpdates(job)
    updates.set_status("processing", "j1")
    clock.seconds += 20
    updates.notify()
    before = line.progress
    clock.seconds += 20
    updates.retry("no connection to 127.0.0.1:1 (refused), trying again in 4 s")
    assert (line.status, line.time, line.retrying) == (job.retrying, "40 s", True)
    assert 0 < before == line.progress
    assert job.retrying in repr(job)
    updates.retry(None)
    assert (line.status, line.retrying) == ("processing", False)
    assert line.progress > before


def test_waiting_in_the_queue_is_no_progress(line, job, clock) -> None:
    JobUpdates(job).set_status("pending", "j1")
    clock.seconds += 100
    JobUpdates(job).set_status("pending")  # the last poll has found it waiting still
    assert (line.progress, line.time) == (0.0, "100 s, longer than usual (22–41 s)")
    JobUpdates(job).set_status("processing")
    assert line.progress < 0.1  # it has just begun


def test_a_video_that_the_service_no_longer_has_is_said_to_be_expired(line, job) -> None:
    JobUpdates(job).set_status("pending", "j1")
    JobUpdates(job).end("expired", error=InvalidInputError("The video is gone."))
    assert text.job_state(job) == "expired: the service no longer has this video"
    assert [entry["text"] for entry in line.clips] == [
        "✗ lucy-2.5 · <b>: expired: the service no longer has this video"
    ]


@pytest.mark.parametrize("foreign", ["\x1b]0;T\x07", "\x9b2J", "a\u202eb", "two\nlines"])
def test_what_somebody_wrote_becomes_one_printable_line(clip, foreign: str) -> None:
    job = Job(f"m{foreign}", {"prompt": foreign}, estimate=_ESTIMATE, job_id=f"j{foreign}")
    job.status = f"warming {foreign}"
    odd = dataclasses.replace(clip, model=foreign, inputs={"prompt": foreign}, path=clip.path.with_name(foreign))
    said = [repr(job), text.job_state(job), *text.clip_caption(odd), repr(odd), text.job_text(job)]
    job.retrying = f"no connection to {foreign}, trying again in 4 s"
    said += [repr(job), text.job_state(job), text.retry_reason(job)]
    job.retrying, job.error = None, JobFailedError("j", foreign)
    said += [repr(job), str(job.error), text.job_state(job), str(InvalidInputError(foreign)).replace("\n", "")]
    assert [line for line in said if not line.isprintable()] == []
