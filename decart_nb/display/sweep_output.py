"""A place in a notebook where a sweep shows: a static output, and beside it, where somebody is there, a live one."""

from __future__ import annotations

import html
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .clip_html import NO_MATH, STYLE
from .output import HIDE_STALE_WIDGET_CSS
from .sweep_view import SweepView
from .text import sweep_line, sweep_note

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep


class SweepOutput:
    """Where a run of a sweep shows.

    Args:
        sweep: the sweep.
        publish: publishes an output's data under a display id; with ``update=True``, in place of what it held.
        live: whether somebody is there to see a live view.
        begins: whether the run begins just now, so that how long it takes is known.
        ended: is told when the run has ended.
        behind: how many seconds what a saved notebook says may be behind.
        replaces: whether what was published can be replaced. Where it cannot, only how the run ended is published.
    """

    def __init__(
        self,
        sweep: Sweep,
        publish: Callable[..., object],
        *,
        live: bool,
        begins: bool = False,
        ended: Callable[[Sweep], object] = lambda _: None,
        behind: float = 5.0,
        replaces: bool = True,
    ) -> None:
        self._name, self._replaces = uuid.uuid4().hex, replaces
        self._publish, self._live, self._ended, self._behind = publish, live, ended, behind
        self._began = time.monotonic() if begins else None
        self._lock = threading.Lock()
        self._over = False
        self._said, self._said_at = self._say(sweep), time.monotonic()
        if replaces:
            publish(self._bundle(), self._name)
        self._forget: Callable[[], object] = int  # nothing, so far
        self._forget = sweep.observe(self._update)
        self._update(sweep)  # it may have ended just now
        if self._over:
            self._forget()
        if live:
            publish(SweepView(sweep, place=self._name, began=self._began).bundle(), f"{self._name}-live")

    def _update(self, sweep: Sweep) -> None:
        """Publishes anew at the end, and now and then before it, so that a notebook that is saved tells the truth."""
        with self._lock:
            over, now = sweep.over, time.monotonic()
            due = over or (self._replaces and now - self._said_at >= self._behind)
            if self._over or not due:
                return
            self._over, self._said_at = over, now
            said = self._say(sweep)
            if said != self._said or not self._replaces:
                self._said = said
                self._publish(self._bundle(), self._name, update=self._replaces)
        if over:
            self._forget()
            self._ended(sweep)

    def _say(self, sweep: Sweep) -> tuple[str, ...]:
        return static_lines(sweep, began=self._began)

    def _bundle(self) -> dict[str, Any]:
        shown = static_html(self._said)
        if self._live:
            place = f'class="decart-output decart-output-{self._name}"'
            shown = f"<div {place}><style>{HIDE_STALE_WIDGET_CSS}</style>{shown}</div>"
        return {"text/html": shown, "text/plain": "\n".join(self._said)}


def static_lines(sweep: Sweep, *, began: float | None = None) -> tuple[str, ...]:
    """A sweep as it stays in the notebook, in words: how it stands, what to know besides, and how to see more.

    Args:
        sweep: the sweep.
        began: when its run began, by the monotonic clock, where that is known.
    """
    over = sweep.over
    said = [sweep_line(sweep, began=began), sweep_note(sweep.progress)]
    if not over:  # it stays, if the kernel dies
        load = f"; dnb.sweep.load({sweep.name!r}) shows its current status" if sweep.name else ""
        said.append(f"status when the notebook was last saved{load}")
    return tuple(line for line in said if line)


def static_html(lines: tuple[str, ...]) -> str:
    """The same as HTML."""
    return f'<div class="decart-fallback {NO_MATH}" style="{STYLE}">{"<br>".join(map(html.escape, lines))}</div>'
