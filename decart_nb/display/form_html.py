"""Static HTML and text of a form: what was filled in, and the clips that were made with it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from .. import media
from .._util.paths import relative_path
from .._util.text import counted, printable
from ..job.job import Job
from .clip_html import NO_MATH, STYLE, data_url
from .text import job_text

if TYPE_CHECKING:
    from .form import Form

_VALUE_LIMIT = 300
#: A saved notebook has so many clips of a form, the last ones.
_SHOWN = 12


def filled_in(form: Form) -> list[tuple[str, str]]:
    """The fields of a form's model that are not empty, by name: of a file what it is called.

    Args:
        form: the form.
    """
    names = [field.name for field in form.definition.fields or ()]
    found = []
    for name in names:
        file, value = form.files.get(name), form.values.get(name, "")
        text = file.name if file else value if isinstance(value, str) else str(value)
        if text.strip():
            found.append((name, printable(relative_path(text) if text.startswith("/") else text, limit=_VALUE_LIMIT)))
    return [*found, ("fit", "the video is fitted to the model")] if form.is_fitted else found


def form_html(form: Form) -> str:
    """A form as HTML without scripts.

    Args:
        form: the form.
    """
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top">{html.escape(name)}</th>'
        f'<td style="text-align:left;white-space:pre-wrap">{html.escape(text)}</td></tr>'
        for name, text in [("model", form.model), *filled_in(form)]
    )
    clips = "".join(_figure(job) for job in form.jobs[::-1][:_SHOWN])
    return (
        f'<div class="{NO_MATH}" style="{STYLE};max-width:none;overflow-wrap:anywhere"><table>{rows}</table>'
        f'<div style="display:flex;flex-wrap:wrap;gap:12px;padding:4px 0">{clips}</div></div>'
    )


def form_text(form: Form) -> str:
    """A form in one line.

    Args:
        form: the form.
    """
    values = ", ".join(f"{name} {text}" for name, text in filled_in(form))
    clips = f"; {counted(len(form.jobs), 'job')}" if form.jobs else ""
    return printable(f"Form for {form.model}{': ' * bool(values)}{values}{clips}")


def _figure(job: Job) -> str:
    image = ""
    try:
        if job.clip is not None:
            source = data_url("image/webp", media.thumbnail(job.clip.path))
            image = f'<img src="{source}" alt="A still of the video" style="display:block;max-width:100%;height:auto">'
    except Exception:  # noqa: BLE001 - a formatter never raises: the text says what it is
        image = ""
    where = "" if job.clip is None else f"<br>{html.escape(printable(relative_path(job.clip.path)))}"
    return (
        f'<figure style="margin:0;flex:0 1 320px">{image}'
        f'<figcaption style="padding:2px 0">{html.escape(job_text(job))}{where}</figcaption></figure>'
    )
