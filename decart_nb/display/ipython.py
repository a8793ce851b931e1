"""Jobs, clips and sweeps in a notebook: each shows once, a job as a line that gives way to its clip in its place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from ..job.clip import Clip
from ..job.job import Job
from . import environment
from .clip_html import EmbedBudget, clip_html
from .output import JobOutput
from .output_widget import open_output, publisher as output_publisher
from .sweep_output import SweepOutput
from .text import clip_caption

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep

#: What is on screen already, and the number of the cell that put it there. That cell's last line does not repeat it.
_shown: WeakKeyDictionary[object, int] = WeakKeyDictionary()
#: The sweeps whose run has not ended since they were shown.
_followed: WeakSet[Sweep] = WeakSet()
_embedding = EmbedBudget()
#: What came between two cells of a headless run. Its runner listens only while a cell runs, so it waits for the next.
_late: list[Callable[[], object]] = []
_a_cell_runs = True
_cell_ended_at = 0.0
_QUIET = 0.5
_turn = threading.RLock()
_folder: Path | None = None


def register(shell: Any) -> None:
    """Tells a shell's formatters about jobs, clips and sweeps."""
    global _folder
    # Now, since the working directory may change later.
    _folder = environment.served_folder(shell)
    formatter = shell.display_formatter
    formatter.mimebundle_formatter.for_type(Clip, lambda clip: clip_bundle(shell, clip))
    formatter.ipython_display_formatter.for_type(Clip, lambda clip: _swallow_echo(shell, clip))
    if getattr(shell, "kernel", None) is not None:
        for event, callback in (("pre_run_cell", _cell_begins), ("post_run_cell", _cell_ends)):
            if callback not in shell.events.callbacks[event]:
                shell.events.register(event, callback)
        formatter.ipython_display_formatter.for_type(Job, lambda job: _show_unless_echo(shell, job, show))
        # By name: a sweep is of a floor above this one, and comes with pandas.
        formatter.ipython_display_formatter.for_type_by_name(
            "decart_nb.sweeps.sweep", "Sweep", lambda sweep: _show_unless_echo(shell, sweep, show_sweep)
        )


def show(shell: Any, job: Job) -> None:
    """Puts a job on screen: a live line, which becomes the clip or the reason why there is none."""
    cell, run = environment.cell_id(shell), shell.execution_count
    _shown[job] = run

    def ended(job: Job) -> None:
        if job.clip is not None:
            _shown[job.clip] = run

    live = environment.is_interactive()
    output = open_output(shell)
    JobOutput(
        job,
        _publisher(shell, output, live=live),
        live=live,
        replaces=output is None,
        ended=ended,
        embeds=lambda size: _embedding.take(size, cell, run),
        folder=_folder,
    )


def show_sweep(shell: Any, sweep: Sweep, *, begins: bool = False) -> None:
    """Puts a sweep on screen: a line of totals, over a line for each job that is running.

    Args:
        shell: the kernel's.
        sweep: the sweep.
        begins: whether its run begins just now; the cell that began one shows it once.
    """
    if begins and sweep in _followed and _shown.get(sweep) == shell.execution_count:
        return
    _shown[sweep] = shell.execution_count
    if begins:
        _followed.add(sweep)
    live = environment.is_interactive()
    output = open_output(shell)
    publish = _publisher(shell, output, live=live)
    SweepOutput(sweep, publish, live=live, begins=begins, ended=_followed.discard, replaces=output is None)


def _publisher(shell: Any, output: Any | None, *, live: bool) -> Callable[..., None]:
    """What puts an output on screen under a display id; with ``update=True``, in place of what it held.

    Args:
        shell: the kernel's.
        output: the ``ipywidgets.Output`` that it belongs into, if it does.
        live: whether somebody is there.
    """
    if output is not None:
        return output_publisher(shell, output, _when_no_cell_runs if live else _before_the_next_cell)

    def publish(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        # A display id finds its output also from the background thread, and after its cell has returned.
        now = partial(shell.display_pub.publish, data, transient={"display_id": display_id}, update=update)
        with _turn:
            if live or _a_cell_runs:
                now()
            else:
                _late.append(now)

    return publish


def _before_the_next_cell(act: Callable[[], object]) -> None:
    with _turn:
        _late.append(act)


def _when_no_cell_runs(act: Callable[[], object]) -> None:
    """Acts when no cell has run for a moment, in which the kernel hears what the frontend has to say."""
    with _turn:
        if not _a_cell_runs and time.monotonic() - _cell_ended_at >= _QUIET:
            act()
            return
    again = threading.Timer(_QUIET, _when_no_cell_runs, [act])
    again.daemon = True
    again.start()


def _cell_begins(_: object) -> None:
    global _a_cell_runs
    with _turn:  # or what comes just now would be overtaken by what has waited
        while _late:
            _late.pop(0)()
        _a_cell_runs = True


def _cell_ends(_: object) -> None:
    global _a_cell_runs, _cell_ended_at
    with _turn:
        _a_cell_runs, _cell_ended_at = False, time.monotonic()


def clip_bundle(shell: Any, clip: Clip) -> dict[str, Any]:
    """A clip as it stays in the notebook."""
    embed = _embedding.take(clip.size_bytes, environment.cell_id(shell), shell.execution_count)
    return {
        "text/html": clip_html(clip, _folder, embed=embed),
        "text/plain": " · ".join(clip_caption(clip)),
    }


def _swallow_echo(shell: Any, thing: object) -> None:
    if _shown.pop(thing, None) != shell.execution_count:
        raise NotImplementedError  # IPython's word for: show it in the ordinary way


def _show_unless_echo(shell: Any, thing: Any, show: Callable[[Any, Any], None]) -> None:
    if _shown.pop(thing, None) != shell.execution_count:
        show(shell, thing)
        _shown.pop(thing, None)
