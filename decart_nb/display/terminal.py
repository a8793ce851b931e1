"""A job or a sweep in a terminal or a script: one line of progress; then the clip's path, or how the sweep ended."""

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

#: What a terminal has that does not say.
_COLUMNS = 80
#: So many columns are left for a percentage and its bar.
_BAR = 14


@contextmanager
def progress_line(job: Job) -> Iterator[None]:
    """Shows progress on standard error, where that is a terminal, and then prints the path."""

    def tell(job: Job, room: int) -> tuple[str, float]:
        return f"{job.model}: {job_state(job)}", 0.0 if is_retrying(job) else 100 * job.progress

    with _progress_bar(job, 100, tell):
        yield
    if job.clip is not None:
        say(str(job.clip.path))


@contextmanager
def sweep_bar(sweep: Sweep, *, outcome: bool = True) -> Iterator[None]:
    """Shows progress on standard error, where that is a terminal, and then says there how it ended.

    Args:
        sweep: the sweep.
        outcome: whether it says so; else the caller does.
    """
    began = time.monotonic()

    def tell(sweep: Sweep, room: int) -> tuple[str, float]:
        obstacles = retry_summary(sweep.progress)
        said = f"{obstacles} {sweep_line(sweep)}" if obstacles else sweep_line(sweep, limit=room)
        return said, rows_ended(sweep.progress)

    try:
        with _progress_bar(sweep, sweep.progress.total, tell):
            yield
    finally:
        if outcome and stderr.isatty():
            said = (sweep_line(sweep, began=began), sweep_note(sweep.progress))
            say("\n".join(filter(None, said)), stderr)


@contextmanager
def _progress_bar(watched: Any, total: int, tell: Callable[[Any, int], tuple[str, float]]) -> Iterator[None]:
    """A line of progress on standard error, where that is a terminal.

    Args:
        watched: the job or the sweep.
        total: what makes the bar full.
        tell: is given that and the number of characters there is room for; says how it stands, and how far it has
            come. The bar does not go back.
    """
    from tqdm import tqdm

    form = "{desc} {percentage:3.0f}%|{bar}|"
    # disable=None means: unless standard error is a terminal.
    with tqdm(total=total, bar_format=form, disable=None, leave=False, dynamic_ncols=True, file=stderr) as bar:
        if bar.disable:
            yield
            return

        def update(watched: Any) -> None:
            room = (bar.ncols or _COLUMNS) - _BAR
            said, number = tell(watched, room)
            bar.set_description_str(printable(said, limit=room), refresh=False)
            bar.n = max(bar.n, round(number))
            bar.refresh()

        forget = watched.observe(update)
        update(watched)
        try:
            yield
        finally:
            forget()
