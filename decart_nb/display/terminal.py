"""A job or a sweep in a terminal or a script: one line of progress; then the clip's path, or how the sweep ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..console import say, stderr
from ..job import Job
from . import sweep_words, words
from .sweep_words import Sweep

#: What a terminal has that does not say.
_COLUMNS = 80
#: So many columns are left for a sweep's percentage and its bar.
_BAR = 14


@contextmanager
def progress_line(job: Job) -> Iterator[None]:
    """Shows progress on standard error, where that is a terminal, and then prints the path."""
    from tqdm import tqdm

    form = "{desc} {percentage:3.0f}%|{bar}|"
    # disable=None means: unless standard error is a terminal.
    with tqdm(total=100, bar_format=form, disable=None, leave=False, file=stderr) as bar:

        def update(job: Job) -> None:
            bar.set_description_str(f"{job.model}: {words.state(job)}", refresh=False)
            bar.n = round(100 * job.progress)
            bar.refresh()

        forget = job.observe(update)
        try:
            yield
        finally:
            forget()
    if job.clip is not None:
        say(str(job.clip.path))


@contextmanager
def sweep_bar(sweep: Sweep, *, outcome: bool = True) -> Iterator[None]:
    """Shows progress on standard error, where that is a terminal, and then says there how it ended.

    Args:
        sweep: the sweep.
        outcome: whether it says so; else the caller does.
    """
    from tqdm import tqdm

    began = time.monotonic()
    form = "{desc} {percentage:3.0f}%|{bar}|"
    total = sweep.progress.total
    with tqdm(total=total, bar_format=form, disable=None, leave=False, dynamic_ncols=True, file=stderr) as bar:
        if bar.disable:
            yield
            return

        def update(sweep: Sweep) -> None:
            said = sweep_words.line(sweep, began=began, most=(bar.ncols or _COLUMNS) - _BAR)
            bar.set_description_str(said, refresh=False)
            bar.n = sweep_words.ended(sweep.progress)
            bar.refresh()

        forget = sweep.observe(update)
        update(sweep)
        try:
            yield
        finally:
            forget()
            bar.close()
            if outcome:
                said = (sweep_words.line(sweep, began=began), sweep_words.note(sweep.progress))
                say("\n".join(filter(None, said)), stderr)
