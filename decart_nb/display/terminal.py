"""A job in a terminal or a script: one line of progress, then the clip's path."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..job import Job
from . import words


@contextmanager
def progress_line(job: Job) -> Iterator[None]:
    """Shows progress on standard error, where that is a terminal, and then prints the path."""
    from tqdm import tqdm

    form = "{desc} {percentage:3.0f}%|{bar}|"
    # disable=None means: unless standard error is a terminal.
    with tqdm(total=100, bar_format=form, disable=None, leave=False, file=sys.stderr) as bar:

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
        print(job.clip.path)  # noqa: T201 - the answer, in a terminal
