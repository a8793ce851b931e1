"""Static outputs of jobs: their content at each time, for a notebook that is opened again."""

from __future__ import annotations

import pytest

from decart_nb import Job, JobCancelledError, JobFailedError
from decart_nb._util.observed import is_observed
from decart_nb.client.polling import LIVE
from decart_nb.display.clip_size import RESERVED
from decart_nb.display.job_output import JobOutput
from decart_nb.job.clip import Clip
from decart_nb.job.job import JobUpdates
from tests.clips import read_clip
from tests.fake_sweep import Outputs
from tests.front_end import send

_VIEW = "application/vnd.jupyter.widget-view+json"


class Notebook(Outputs):
    """Shows jobs, and keeps what they publish."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[Job] = []

    def show(self, job: Job, *, live: bool = True, embed: bool = True) -> JobOutput:
        return JobOutput(job, self.publish, live=live, on_end=self.ended.append, embed=lambda _: embed, folder=None)


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def clip(small_video) -> Clip:
    return read_clip(small_video, "j1", "lucy-2.5", {"prompt": "<i>"}, "local")


def _job(job_id: str | None = None, again: Job | None = None) -> Job:
    resubmit = (lambda _: again) if again else None
    return Job("lucy-2.5", {"prompt": "<i>"}, estimate=LIVE.prior, job_id=job_id, resubmit=resubmit)


def test_a_person_gets_a_live_view_beside_the_static_one(notebook) -> None:
    notebook.show(_job())
    static, live = notebook.outputs.values()
    assert set(static) == {"text/html", "text/plain"}
    assert _VIEW in live
    assert "decart-output" in static["text/html"]


def test_a_failure_has_a_sign_the_prompt_and_a_colour(notebook) -> None:
    job = _job("j1")
    notebook.show(job)
    assert "✗" not in notebook.html
    JobUpdates(job).end("failed", error=JobFailedError("j1", "out of paint"))
    assert "✗ lucy-2.5 · &lt;i&gt;: failed after 0 s: out of paint</div>" in notebook.html
    assert "color:var(--jp-error-color1" in notebook.html
    static, _ = notebook.outputs.values()
    assert static["text/plain"].startswith("✗ lucy-2.5 · <i>: failed after 0 s")


def test_what_was_cancelled_is_no_failure(notebook) -> None:
    job = _job()
    notebook.show(job)
    JobUpdates(job).end("cancelled", error=JobCancelledError("It was withdrawn."))
    assert "lucy-2.5 · &lt;i&gt;: cancelled" in notebook.html
    assert "✗" not in notebook.html
    assert "--jp-error-color1" not in notebook.html


def test_a_headless_run_gets_one_plain_output(notebook, clip) -> None:
    job = _job()
    notebook.show(job, live=False)
    JobUpdates(job).end("completed", clip=clip)
    assert len(notebook.outputs) == 1
    assert "<style>" not in notebook.html
    assert notebook.html.count("<video ") == 1


def test_until_the_end_it_says_how_the_job_stood_and_how_to_see_it_again(notebook) -> None:
    job = _job()
    notebook.show(job)
    assert "lucy-2.5 · &lt;i&gt;: submitting</div>" in notebook.html
    JobUpdates(job).set_status("processing", "j'1")
    assert (
        "lucy-2.5 · &lt;i&gt;: submitted; <code>dnb.attach(&quot;j&#x27;1&quot;)</code> shows its current status"
        in notebook.html
    )


def test_nothing_is_published_while_nothing_has_changed(notebook) -> None:
    job = _job("j1")
    notebook.show(job)
    before = next(iter(notebook.outputs.values()))
    JobUpdates(job).notify()
    assert next(iter(notebook.outputs.values())) is before


def test_at_the_end_it_is_the_clip_and_the_call_as_code(notebook, clip) -> None:
    job = _job()
    notebook.show(job)
    JobUpdates(job).end("completed", clip=clip)
    assert notebook.ended == [job]
    assert notebook.html.count("<video ") == 1
    assert "dnb.generate(&#x27;lucy-2.5&#x27;, prompt=&#x27;&lt;i&gt;&#x27;)" in notebook.html
    assert "<i>" not in notebook.html
    assert notebook.text == "lucy-2.5 · <i> · 64×48 · 1.0 s · local preview"
    assert not is_observed(job)


def test_a_job_that_had_ended_already_shows_at_once(notebook, clip) -> None:
    job = _job()
    JobUpdates(job).end("completed", clip=clip)
    notebook.show(job)
    assert notebook.html.count("<video ") == 1
    assert notebook.ended == [job]


def test_a_failed_job_says_why_as_text(notebook) -> None:
    job = _job("j1")
    notebook.show(job)
    JobUpdates(job).end("failed", error=JobFailedError("j1", "<script>"))
    assert "&lt;script&gt;" in notebook.html
    assert "<script>" not in notebook.html
    assert "<script>" in notebook.text


def test_another_take_comes_beside_the_first(notebook, clip) -> None:
    second = _job()
    first = _job(again=second)
    output = notebook.show(first)
    JobUpdates(first).end("completed", clip=clip)
    send(output.view, {"action": "repeat"})
    assert output.view.running
    JobUpdates(second).set_status("processing", "j2")
    assert notebook.html.count("<video ") == 1
    assert "submitted; <code>dnb.attach(&#x27;j2&#x27;)</code>" in notebook.html
    JobUpdates(second).end("completed", clip=clip)
    assert notebook.html.count("<video ") == 2
    assert not output.view.running
    assert notebook.ended == [first, second]


def test_space_is_kept_for_the_clip_of_a_job_that_is_under_way_and_for_no_other(notebook, clip) -> None:
    tall = Job("lucy-pro-t2v", {"orientation": "portrait"}, estimate=LIVE.prior)
    for job, ratio in ((_job(), "aspect-ratio:1280/720"), (tall, "aspect-ratio:704/1280")):
        notebook.show(job)
        assert RESERVED in notebook.html
        assert ratio in notebook.html
        JobUpdates(job).end("completed", clip=clip)
        assert RESERVED not in notebook.html
        notebook.outputs.clear()
    notebook.show(_job(), live=False)
    assert RESERVED not in notebook.html


def test_a_further_take_says_how_to_get_at_it(notebook, clip) -> None:
    second = _job()
    first = _job(again=second)
    output = notebook.show(first)
    JobUpdates(first).end("completed", clip=clip)
    assert "job.takes" not in notebook.html
    send(output.view, {"action": "repeat"})
    assert first.takes == second.takes == (first, second)
    JobUpdates(second).set_status("pending", "j2")
    JobUpdates(second).end("completed", clip=clip)
    assert notebook.html.count("job.takes[1] · dnb.attach(&#x27;j2&#x27;)</div>") == 1
    assert notebook.html.count(f"{clip.path.name}</div>") == 1
    assert [notebook.html.count(f"<summary>take {number} as code</summary>") for number in (0, 1)] == [1, 1]
    assert output.view.clips[1]["lines"][2] == "job.takes[1] · dnb.attach('j2')"


def test_a_clip_that_the_notebook_has_no_room_for_is_referred_to(notebook, clip) -> None:
    job = _job()
    notebook.show(job, embed=False)
    JobUpdates(job).end("completed", clip=clip)
    assert "data:video/mp4" not in notebook.html
    assert '<img src="data:image/jpeg;base64,' in notebook.html
