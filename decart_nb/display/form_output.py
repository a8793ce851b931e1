"""Notebook output of a form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .environment import notebook_folder
from .form_html import form_html, form_text
from .form_view import FormView
from .output import UpdatedOutput

if TYPE_CHECKING:
    from .form import Form


class FormOutput(UpdatedOutput):
    """Notebook output of a form: what was filled in, and in an interactive session the form itself.

    Args:
        form: the form.
        publish, live, replaceable: as for :class:`~decart_nb.display.output.UpdatedOutput`.
        folder: the notebook's folder, in which copied code will run.
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
        self._folder = folder or notebook_folder()
        super().__init__(form, publish, live=live, replaceable=replaceable)

    def _content(self, subject: Form) -> tuple[str, str]:
        return form_html(subject), form_text(subject)

    def _view(self, subject: Form, on_change: Callable[[Form], object] | None) -> FormView:
        return FormView(subject, output_id=self._id, folder=self._folder, on_change=on_change)
