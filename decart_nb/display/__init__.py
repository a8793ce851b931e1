"""What a person sees of a job, of a clip and of a sweep, in whatever they sit at."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from ..job.job import Job
from . import environment
from .nested_loops import warn_of_old_patch

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep


def register() -> None:
    """Tells IPython or marimo, if we are in it, how jobs, clips and sweeps show themselves."""
    shell = environment.current_shell()
    if shell is not None:
        from . import ipython

        warn_of_old_patch()
        ipython.register(shell)
    elif environment.in_marimo():
        from . import marimo

        marimo.register()


def show(job: Job, *, waiting: bool = False) -> AbstractContextManager[object]:
    """Shows how a job stands, and its clip once that is there.

    Args:
        job: the job.
        waiting: whether the caller blocks until the job is done. In a terminal, only then is anything shown.

    Returns:
        What to hold while waiting.
    """
    kernel = environment.kernel_shell()
    if kernel is not None:
        from . import ipython

        ipython.show(kernel, job)
    elif waiting and not environment.in_forked_worker():
        from .terminal import progress_line

        return progress_line(job)
    return nullcontext()


def show_sweep(sweep: Sweep, *, waiting: bool = False) -> AbstractContextManager[object]:
    """Shows how far a sweep has come, when its run begins.

    Args:
        sweep: the sweep.
        waiting: whether the caller blocks until the run has ended. In a terminal, only then is anything shown.

    Returns:
        What to hold while waiting.
    """
    kernel = environment.kernel_shell()
    if kernel is not None:
        from . import ipython

        ipython.show_sweep(kernel, sweep, begins=True)
    elif waiting and not environment.in_forked_worker():
        from .terminal import sweep_bar

        return sweep_bar(sweep)
    return nullcontext()
