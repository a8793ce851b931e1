"""An interrupt, or a new kernel: whatever ends the waiting, the job goes on and is found again by its id."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from decart_nb.local.queue import LocalQueue

from .conftest import only
from .notebook import PATIENCE, Cell, Notebook, shown_lines

_OPENING = """
import time, warnings
import decart_nb as dnb
warnings.simplefilter("ignore", dnb.ModelWarning)
polling = dnb.Polling(expected=2.0, spread=2.0, shortest=0.05, poll_cost=1e-4)
session = dnb.connect("live", api_key={queue.api_key!r}, base_url={queue.base_url!r}, polling=polling)
"""
_SUBMIT = "job = dnb.submit('lucy-pro-t2v', prompt='a long one')"
_HEARD = 1.0


class _Desk:
    """A notebook, and a queue outside its kernel that ends a job only when told to."""

    def __init__(self, notebook: Notebook, queue: LocalQueue) -> None:
        self.notebook = notebook
        self._queue = queue

    def open(self) -> None:
        self.notebook.run(_OPENING.format(queue=self._queue))
        # IPython's first traceback takes its time, which is not the interrupt's.
        self.notebook.run_all(["1 / 0"])

    def begin(self, *codes: str) -> tuple[Cell, str]:
        """Sends cells, and gives the last with the id of their job as soon as the kernel has asked for it by its id."""
        cells = [self.notebook.send(code) for code in codes]
        self.notebook.until(lambda: self._queue.jobs.stats.counts["polls"])
        [job_id] = self._queue.jobs.storage.ids()
        return cells[-1], job_id

    def stands(self, job_id: str) -> str:
        """What the kernel knows of a job."""
        return self.notebook.run(f"print(dnb.attach({job_id!r}).status)").stream("stdout").strip()

    def end(self, job_id: str) -> None:
        """Ends the job, and waits until its clip is in the kernel."""
        record = self._queue.jobs.get(job_id)
        assert record is not None
        record.ready = time.time()
        assert len(self.notebook.run(f"clip = dnb.attach({job_id!r}).result(timeout={PATIENCE})").videos) == 1


@pytest.fixture
def desk(notebook: Notebook, tmp_path: Path, small_video: Path) -> Iterator[_Desk]:
    """The module's notebook, connected to a queue of this test's own."""
    with LocalQueue(tmp_path / "queue", canned=small_video, draw_duration=lambda: 600.0) as queue:
        desk = _Desk(notebook, queue)
        desk.open()
        yield desk


_BLOCKING = (["dnb.generate('lucy-pro-t2v', prompt='a long one')"], "KeyboardInterrupt")
_RESULT = ([_SUBMIT, "clip = job.result()"], "KeyboardInterrupt")
_AWAITING = ([f"{_SUBMIT}\nclip = await job"], "CancelledError")  # which is what kernels make of an interrupt there
_GATHERING = ([f"import asyncio\n{_SUBMIT}\nawait asyncio.gather(job, asyncio.sleep(60))"], "CancelledError")


def _check(desk: _Desk, codes: list[str], name: str) -> None:
    cell, job_id = desk.begin(*codes)
    first = desk.notebook.cells[-len(codes)]
    pressed = desk.notebook.interrupt()
    desk.notebook.until(lambda: cell.done)
    assert cell.replied - pressed < _HEARD
    assert cell.error.startswith(name)
    assert len(shown_lines(cell)) <= 3  # the cell's own line, and none of ours
    assert f"Job {job_id} goes on: decart_nb.attach('{job_id}')" in cell.error
    assert desk.stands(job_id) == "pending"
    desk.end(job_id)
    desk.notebook.until(lambda: first.videos)  # where the job was begun, its clip appears after all
    assert desk.notebook.strays == []


@pytest.mark.parametrize(
    ("codes", "name"),
    [_BLOCKING, _RESULT, _AWAITING, _GATHERING],
    ids=["blocking", "result", "awaiting", "gathering"],
)
def test_an_interrupt_is_heard_at_once_and_tells_how_to_go_on(desk, codes, name):
    _check(desk, codes, name)


@pytest.mark.parametrize(("codes", "name"), [_BLOCKING, _AWAITING], ids=["blocking", "awaiting"])
def test_an_interrupt_is_heard_as_well_where_loops_nest(desk, codes, name):
    desk.notebook.run("%load_ext decart_nb")
    _check(desk, codes, name)


def test_an_interrupt_of_another_cell_or_of_an_idle_kernel_leaves_a_submitted_job_alone(desk):
    cell, job_id = desk.begin(_SUBMIT, "time.sleep(60)")
    submitting = desk.notebook.cells[-2]
    pressed = desk.notebook.interrupt()
    desk.notebook.until(lambda: cell.done)
    assert cell.replied - pressed < _HEARD
    assert cell.error.startswith("KeyboardInterrupt")
    desk.notebook.interrupt()
    assert desk.stands(job_id) == "pending"
    desk.end(job_id)
    desk.notebook.until(lambda: submitting.videos)
    assert desk.notebook.strays == []


# How a kernel ends is each ipykernel's own way, whatever the Python.
@only(("6.31", "3.11"), ("7.3", "3.13"), ("today", "3.11"))
def test_a_job_outlives_its_kernel(desk):
    _, job_id = desk.begin("dnb.generate('lucy-pro-t2v', prompt='a long one')")
    desk.notebook.restart()
    desk.open()
    assert desk.stands(job_id) == "pending"
    desk.end(job_id)
