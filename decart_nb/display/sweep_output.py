"""Notebook output of a sweep's run: lines of text, a grid at the end and, in an interactive session, a live view."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .grid_output import probe_html
from .output import Output, fallback_html
from .sweep_grid import SweepGrid
from .sweep_view import SweepView
from .text import sweep_line, sweep_note

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep


class SweepOutput(Output):
    """A static output of a sweep's run that is updated until the run ends and, if asked for, a live view beside it.

    Args:
        sweep: the sweep.
        publish: publishes a MIME bundle under a display id; with ``update=True``, it replaces the output of that id.
        live: whether there is a live view.
        starting: whether the run starts now. If not, its start is unknown, and no duration is shown.
        on_end: called when the run has ended.
        folder: the folder against which the frontend resolves relative URLs, if any.
        interval: the minimum time in seconds between two updates of the static output before the run ends.
        replaceable: whether a published output can be replaced. If not, only the end of the run is published.
    """

    def __init__(
        self,
        sweep: Sweep,
        publish: Callable[..., object],
        *,
        live: bool,
        starting: bool = False,
        on_end: Callable[[Sweep], object] = lambda _: None,
        folder: Path | None = None,
        interval: float = 5.0,
        replaceable: bool = True,
    ) -> None:
        super().__init__(publish, live=live, replaceable=replaceable)
        self._on_end, self._interval, self._folder = on_end, interval, folder
        self._grid = SweepGrid(sweep)
        self._began = time.monotonic() if starting else None
        self._over = False
        self._lines, self._updated_at = static_lines(sweep, began=self._began), time.monotonic()
        if replaceable:
            self._publish_lines()
        self._unobserve: Callable[[], object] = int  # a callable that does nothing
        self._unobserve = sweep.observe(self._update)
        self._update(sweep)  # it may have ended before it was observed
        if self._over:
            self._unobserve()
        if live:
            self._publish_live(SweepView(sweep, self._grid, output_id=self._id, began=self._began))

    def _update(self, sweep: Sweep) -> None:
        """Publish the static output again at the end of the run, and at intervals before it, for early saves."""
        with self._lock:
            over, now = sweep.over, time.monotonic()
            due = over or (self._replaceable and now - self._updated_at >= self._interval)
            if self._over or not due:
                return
            self._over, self._updated_at = over, now
            lines = static_lines(sweep, began=self._began)
            if lines != self._lines or not self._replaceable:
                self._lines = lines
                self._publish_lines(update=self._replaceable)
        if over:
            self._unobserve()
            self._grid.unfollow()
            self._on_end(sweep)

    def _publish_lines(self, *, update: bool = False) -> None:
        content = static_html(self._lines)
        if self._over:  # before that, posters would be published again and again
            content += fallback_html(self._grid.html(self._folder))
        content += probe_html(self._grid, self._folder)
        self._publish_static(content, "\n".join(self._lines), update=update)


def static_lines(sweep: Sweep, *, began: float | None = None) -> tuple[str, ...]:
    """The lines of text of a sweep's static output: totals and notes.

    Before the end they begin with when that was, and how to see the current status: a notebook that was saved then and
    opened later would claim that nothing was made.

    Args:
        sweep: the sweep.
        began: when its run began, by the monotonic clock, if known.
    """
    over = sweep.over
    line, note = sweep_line(sweep, began=began), sweep_note(sweep.progress)
    if over:
        return tuple(filter(None, (line, note)))
    load = f"; dnb.sweep.load({sweep.name!r}) shows its current status" if sweep.name else ""
    return tuple(filter(None, (f"status when the notebook was last saved{load}:", line, note)))


def static_html(lines: tuple[str, ...]) -> str:
    """Convert lines of text to the HTML of a static output."""
    return fallback_html("<br>".join(map(html.escape, lines)))
