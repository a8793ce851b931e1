"""Notebook output of a form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .environment import notebook_folder
from .form_html import form_html, form_text
from .form_view import FormView
from .output import Output

if TYPE_CHECKING:
    from .form import Form


class FormOutput(Output):
    """Notebook output of a form: what was filled in, and in an interactive session the form itself.

    Args:
        form: the form.
        publish: publishes a MIME bundle under a display id; with ``update=True``, it replaces the output of that id.
        live: whether there is a live view.
        folder: the notebook's folder, in which copied code will run.
        replaceable: whether a published output can be replaced. If not, it stays as it was at the beginning.
    """

    def __init__(
        self,
        form: Form,
        publish: Callable[..., object],
        *,
        live: bool,
        folder: Path | None = None,
        replaceable: bool = True,
    ) -> None:
        super().__init__(publish, live=live, replaceable=replaceable)
        self._publish_form(form)
        if live:
            update = self._update if replaceable else None
            view = FormView(form, output_id=self._id, folder=folder or notebook_folder(), on_change=update)
            self._publish_live(view)

    def _update(self, form: Form) -> None:
        """Publish what is filled in again, so that a saved notebook has that."""
        self._publish_form(form, update=True)

    def _publish_form(self, form: Form, *, update: bool = False) -> None:
        with self._lock:
            content = f'<div class="decart-fallback">{form_html(form)}</div>'
            self._publish_static(content, form_text(form), update=update)
