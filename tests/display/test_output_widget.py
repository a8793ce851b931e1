"""A job and a sweep inside an ``ipywidgets.Output``, where nothing that was published can be replaced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest

from decart_nb import Job
from decart_nb.client.polling import LIVE
from decart_nb.display.cell_schedule import CellSchedule
from decart_nb.display.job_output import JobOutput
from decart_nb.display.output_widget import open_output, output_publisher
from decart_nb.display.sweep_output import SweepOutput
from decart_nb.job.clip import Clip
from decart_nb.job.job import JobUpdates
from tests.clips import read_clip
from tests.fake_sweep import FakeSweep
from tests.front_end import send


class Shell:
    """A kernel's shell that runs a cell, and keeps what is published."""

    def __init__(self) -> None:
        self.kernel: Any = SimpleNamespace(_allow_stdin=True)
        self.execution_count = 1
        self.published: list[dict[str, Any]] = []
        self.display_pub = SimpleNamespace(publish=self._publish)

    def get_parent(self) -> dict[str, Any]:
        return {"header": {"msg_id": "cell 1"}, "metadata": {}}

    def _publish(self, data: dict[str, Any], **_: Any) -> None:
        self.published.append(data)


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def output() -> Iterator[ipywidgets.Output]:
    """An output that captures what the cell publishes, as inside ``with output``."""
    output = ipywidgets.Output()
    output.msg_id = "cell 1"
    yield output
    output.close()


@pytest.fixture
def second() -> Job:
    return Job("lucy-2.5", {"prompt": "b"}, estimate=LIVE.prior)


@pytest.fixture
def job(second: Job) -> Job:
    return Job("lucy-2.5", {"prompt": "a"}, estimate=LIVE.prior, resubmit=lambda _: second)


@pytest.fixture
def clip(small_video) -> Clip:
    return read_clip(small_video, "j1", "lucy-2.5", {"prompt": "a"}, "local")


def _soon(met: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not met():
        assert time.monotonic() < until
        time.sleep(0.01)


def _videos(bundles: list[dict[str, Any]]) -> int:
    return sum(bundle.get("text/html", "").count("<video ") for bundle in bundles)


def test_the_output_of_a_cell_is_found_while_it_is_open(shell: Shell, output: ipywidgets.Output) -> None:
    assert open_output(shell) is output
    inner = ipywidgets.Output()
    inner.msg_id = "cell 1"
    assert open_output(shell) is inner
    inner.close()
    output.msg_id = "another cell"
    assert open_output(shell) is None


def _show(
    shell: Shell, output: ipywidgets.Output, job: Job, schedule: CellSchedule | None = None, *, live: bool = True
) -> JobOutput:
    schedule = schedule or CellSchedule()
    later = schedule.run_when_idle if live else schedule.run_before_next_cell
    return JobOutput(
        job,
        output_publisher(shell, output, later),
        live=live,
        on_end=lambda _: None,
        embed=lambda _: True,
        folder=None,
        replaceable=False,
    )


@pytest.mark.parametrize("live", [True, False])
def test_a_video_that_comes_while_it_is_open_is_published_once(
    shell: Shell, output: ipywidgets.Output, job: Job, clip: Clip, live: bool
) -> None:
    _show(shell, output, job, live=live)
    JobUpdates(job).set_status("pending", "j1")
    assert len(shell.published) == live  # the live view, which changes by itself
    JobUpdates(job).end("completed", clip=clip)
    assert len(shell.published) == live + 1
    assert _videos(shell.published) == 1
    assert output.outputs == ()


def test_one_that_comes_later_is_appended_to_what_is_there(
    shell: Shell, output: ipywidgets.Output, job: Job, clip: Clip
) -> None:
    schedule = CellSchedule()
    schedule.on_cell_start()
    _show(shell, output, job, schedule)
    output.msg_id = ""
    JobUpdates(job).end("completed", clip=clip)
    # The kernel hears what the frontend has put there only after its cell.
    output.outputs = ({"output_type": "stream", "name": "stdout", "text": "asked"},)
    schedule.on_cell_end()
    _soon(lambda: len(output.outputs) == 2)
    assert output.outputs[0]["text"] == "asked"
    assert _videos([output.outputs[1]["data"]]) == 1
    assert _videos(shell.published) == 0


def test_in_a_headless_run_it_comes_before_the_next_cell(
    shell: Shell, output: ipywidgets.Output, job: Job, clip: Clip
) -> None:
    schedule = CellSchedule()
    _show(shell, output, job, schedule, live=False)
    output.msg_id = ""
    JobUpdates(job).end("completed", clip=clip)
    assert output.outputs == ()
    schedule.on_cell_start()
    assert _videos([one["data"] for one in output.outputs]) == 1


def test_each_take_is_published_by_itself(
    shell: Shell, output: ipywidgets.Output, job: Job, second: Job, clip: Clip
) -> None:
    view = _show(shell, output, job).view
    JobUpdates(job).end("completed", clip=clip)
    assert view is not None
    send(view, {"action": "repeat"})
    JobUpdates(second).end("completed", clip=clip)
    assert [_videos([bundle]) for bundle in shell.published] == [0, 1, 1]


def test_a_sweep_shows_its_line_and_how_it_ended(shell: Shell, output: ipywidgets.Output) -> None:
    sweep = FakeSweep()
    publish = output_publisher(shell, output, CellSchedule().run_when_idle)
    SweepOutput(sweep, publish, live=True, replaceable=False, interval=0.0)
    sweep.tell(done=15)
    assert len(shell.published) == 1
    sweep.tell(done=20, over=True)
    assert "23 of 24 done" in shell.published[1]["text/plain"]
    assert len(shell.published) == 2
