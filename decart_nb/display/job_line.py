"""A job while it is under way: one line with its model, state, elapsed time and a bar."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as widgets

from ..job import Job
from . import words

_WIDGET = "application/vnd.jupyter.widget-view+json"


class JobLine:
    """The line. It watches the job, starts nothing, and knows nothing that the job does not."""

    def __init__(self, job: Job) -> None:
        self._state = widgets.HTML()
        self._bar = widgets.FloatProgress(min=0.0, max=1.0, layout={"width": "220px", "height": "18px"})
        self._row = widgets.HBox([self._bar, self._state], layout={"align_items": "center"})
        self._text = ""
        self._update(job)
        self._forget = job.observe(self._update)

    def bundle(self) -> dict[str, Any]:
        """The line as an output, with its text for whoever shows no widgets."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self._row.model_id}
        return {_WIDGET: view, "text/plain": self._text}

    def close(self) -> None:
        """Stops watching, and lets the frontend drop its part."""
        self._forget()
        shown = (self._state, self._bar, self._row)
        # Their layouts and styles are widgets too, which nobody else closes.
        parts = [getattr(widget, name, None) for widget in shown for name in ("layout", "style")]
        for widget in (*parts, *shown):
            if widget is not None:
                widget.close()

    def _update(self, job: Job) -> None:
        self._text = f"{job.model}: {words.state(job)}"
        self._state.value = f"<b>{html.escape(job.model)}</b> {html.escape(words.state(job))}"
        self._bar.value = max(self._bar.value, job.progress)
