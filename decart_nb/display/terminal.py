"""Progress bars of jobs and sweeps in terminals and scripts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._util.console import say, stderr
from .._util.text import printable
from ..job.job import Job
from .text import is_retrying, job_state, retry_summary, rows_ended, sweep_line, sweep_note

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep

#: The assumed width of a terminal that does not report it.
_DEFAULT_COLUMNS = 80
#: The columns reserved for a percentage and its bar.
_BAR_COLUMNS = 14


@contextmanager
def job_progress(job: Job, *, outcome: bool = True) -> Iterator[None]:
    """Show a job's progress on standard error if that is a terminal, then print the path of its clip.

    Args:
        job: the job.
        outcome: whether the path is printed; if not, the caller prints it.
    """

    def describe(job: Job, columns: int) -> tuple[str, float]:
        return f"{job.model}: {job_state(job)}", 0.0 if is_retrying(job) else 100 * job.progress

    with _progress_bar(job, 100, describe):
        yield
    if outcome and job.clip is not None:
        say(str(job.clip.path))


@contextmanager
def sweep_progress(sweep: Sweep, *, outcome: bool = True) -> Iterator[None]:
    """Show a sweep's progress on standard error if that is a terminal, then its outcome.

    Args:
        sweep: the sweep.
        outcome: whether the outcome is printed; if not, the caller prints it.
    """
    began = time.monotonic()

    def describe(sweep: Sweep, columns: int) -> tuple[str, float]:
        retries = retry_summary(sweep.progress)
        line = f"{retries} {sweep_line(sweep)}" if retries else sweep_line(sweep, limit=columns)
        return line, rows_ended(sweep.progress)

    try:
        with _progress_bar(sweep, sweep.progress.total, describe):
            yield
    finally:
        if outcome and stderr.isatty():
            lines = (sweep_line(sweep, began=began), sweep_note(sweep.progress))
            say("\n".join(filter(None, lines)), stderr)


@contextmanager
def _progress_bar(subject: Any, total: int, describe: Callable[[Any, int], tuple[str, float]]) -> Iterator[None]:
    """Show a progress bar on standard error if that is a terminal.

    Args:
        subject: the job or the sweep.
        total: the value of a full bar.
        describe: takes the subject and the number of columns available; returns a text and the bar's value, which
            never falls.
    """
    from tqdm import tqdm

    bar_format = "{desc} {percentage:3.0f}%|{bar}|"
    # disable=None disables the bar unless standard error is a terminal.
    with tqdm(total=total, bar_format=bar_format, disable=None, leave=False, dynamic_ncols=True, file=stderr) as bar:
        if bar.disable:
            yield
            return

        def update(subject: Any) -> None:
            columns = (bar.ncols or _DEFAULT_COLUMNS) - _BAR_COLUMNS
            text, value = describe(subject, columns)
            bar.set_description_str(printable(text, limit=columns), refresh=False)
            bar.n = max(bar.n, round(value))
            bar.refresh()

        unobserve = subject.observe(update)
        update(subject)
        try:
            yield
        finally:
            unobserve()
