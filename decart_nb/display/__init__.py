"""Display of jobs, clips and sweeps in notebooks and terminals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from .._util.text import printable
from .._util.warn import warn
from ..job.job import Job
from . import environment
from .nested_loops import warn_of_old_patch

if TYPE_CHECKING:
    from ..adaptive.exploration import Exploration
    from ..sweeps.sweep import Sweep
    from .grid import ClipGrid


#: So many of the jobs of earlier kernels are shown: the message has the number of all.
_MAX_RESUMED = 12


def register() -> None:
    """Register the display of jobs, clips and sweeps with IPython or marimo, if this process runs in one of them."""
    shell = environment.current_shell()
    if shell is not None:
        from .ipython import notebook_display

        warn_of_old_patch()
        notebook_display(shell).register()
    elif environment.in_marimo():
        from . import marimo

        marimo.register()


def show(job: Job, *, waiting: bool = False) -> AbstractContextManager[object]:
    """Show a job's progress, and its clip when it has ended.

    Args:
        job: the job.
        waiting: whether the caller blocks until the job has ended. A terminal shows nothing otherwise.

    Returns:
        A context manager to hold while blocking.
    """
    shell = environment.kernel_shell()
    if shell is not None:
        from .ipython import notebook_display

        _try_to_show(lambda: notebook_display(shell).show(job), "The job", ".result() waits for its clip")
    elif waiting and not environment.in_forked_worker():
        from .terminal import job_progress

        return job_progress(job)
    return nullcontext()


def show_resumed(jobs: Sequence[Job]) -> None:
    """Show a progress line for each resumed job in an interactive notebook; of many, only for the newest.

    Args:
        jobs: the newest first.
    """
    if environment.kernel_shell() is not None and environment.is_interactive():
        for job in reversed(jobs[:_MAX_RESUMED]):
            show(job)


def sweep_grid(sweep: Sweep, *, rows: str | None = None, cols: str | None = None) -> ClipGrid:
    """A grid of a sweep's clips; see :meth:`decart_nb.sweeps.sweep.Sweep.grid`."""
    from .sweep_grid import SweepGrid

    return SweepGrid(sweep, rows=rows, cols=cols, title=sweep.name)


def show_sweep(sweep: Sweep, *, waiting: bool = False) -> AbstractContextManager[object]:
    """Show the progress of a sweep whose run starts.

    Args:
        sweep: the sweep.
        waiting: whether the caller blocks until the run has ended. A terminal shows nothing otherwise.

    Returns:
        A context manager to hold while blocking.
    """
    shell = environment.kernel_shell()
    if shell is not None:
        from .ipython import notebook_display

        display = notebook_display(shell)
        _try_to_show(lambda: display.show_sweep(sweep, starting=True), "The sweep", ".results tells how it stands")
    elif waiting and not environment.in_forked_worker():
        from .terminal import sweep_progress

        return sweep_progress(sweep)
    return nullcontext()


def show_exploration(exploration: Exploration) -> None:
    """Show an exploration, for a person to vote in a notebook."""
    if (shell := environment.kernel_shell()) is not None:
        from .ipython import notebook_display

        show = notebook_display(shell).show_exploration
        _try_to_show(lambda: show(exploration), "The exploration", "its repr tells how it stands")


def _try_to_show(show: Callable[[], None], name: str, later: str) -> None:
    """Show something. A view that breaks stops nothing that is paid for: it is warned of."""
    try:
        show()
    except Exception as error:  # noqa: BLE001 - whatever a store, a widget or a frontend raises
        warn(f"{name} goes on, but cannot be shown ({printable(str(error))}); {later}.", RuntimeWarning)
