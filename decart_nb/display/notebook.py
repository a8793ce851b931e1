"""Jobs and clips in a notebook: each shows once, a job as a line that gives way to its clip in the same place."""

from __future__ import annotations

import html
import os
import uuid
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from ..clip import Clip
from ..job import Job
from . import words
from .job_line import JobLine
from .video import clip_html

#: What is on screen already, and the number of the cell that put it there. That cell's last line does not repeat it.
_shown: WeakKeyDictionary[object, int] = WeakKeyDictionary()
_folder: Path | None = None


def register(shell: Any) -> None:
    """Tells a shell's formatters about jobs and clips."""
    global _folder
    _folder = _folder or _notebooks_folder()
    formatter = shell.display_formatter
    formatter.mimebundle_formatter.for_type(Clip, clip_bundle)
    formatter.ipython_display_formatter.for_type(Clip, lambda clip: _swallow_echo(shell, clip))
    if getattr(shell, "kernel", None) is not None:
        formatter.ipython_display_formatter.for_type(Job, lambda job: _show_unless_echo(shell, job))


def show(shell: Any, job: Job) -> None:
    """Puts a job on screen: a live line, which becomes the clip or the reason why there is none."""
    place, cell = uuid.uuid4().hex, shell.execution_count
    _shown[job] = cell

    def publish(data: dict[str, Any], *, update: bool = True) -> None:
        # A display id finds its output also from the background thread, and after its cell has returned.
        shell.display_pub.publish(data, transient={"display_id": place}, update=update)

    def replace(job: Job) -> None:
        if job.clip is None and job.error is None:
            return
        forget()
        if job.clip is not None:
            _shown[job.clip] = cell
        publish(end_bundle(job))
        line.close()

    if job.done:
        publish(end_bundle(job), update=False)
        return
    line = JobLine(job)
    publish(line.bundle(), update=False)
    forget = job.observe(replace)
    replace(job)  # it may have ended just now


def end_bundle(job: Job) -> dict[str, Any]:
    """An ended job as it stays in the notebook."""
    if job.clip is not None:
        return clip_bundle(job.clip)
    text = f"{job.model}: {words.state(job)}"
    return {"text/html": f'<div style="white-space:pre-wrap">{html.escape(text)}</div>', "text/plain": text}


def clip_bundle(clip: Clip) -> dict[str, Any]:
    """A clip as it stays in the notebook. Where its file is gone, it says so."""
    text = " · ".join(words.caption(clip))
    try:
        shown = clip_html(clip, _folder or _notebooks_folder())
    except Exception as error:  # noqa: BLE001 - a formatter never raises
        reason = f"{clip.path.name} cannot be shown: {getattr(error, 'strerror', None) or error}"
        shown = f"<div>{html.escape(text)}<br>{html.escape(reason)}</div>"
    return {"text/html": shown, "text/plain": text}


def _notebooks_folder() -> Path:
    """Where the notebook lies, from which a frontend resolves what is referred to."""
    notebook = Path(os.environ.get("JPY_SESSION_NAME", ""))  # set by Jupyter Server 2
    return notebook.parent if notebook.is_absolute() and notebook.is_file() else Path.cwd()


def _swallow_echo(shell: Any, thing: object) -> None:
    if _shown.pop(thing, None) != shell.execution_count:
        raise NotImplementedError  # IPython's word for: show it in the ordinary way


def _show_unless_echo(shell: Any, job: Job) -> None:
    if _shown.pop(job, None) != shell.execution_count:
        show(shell, job)
        _shown.pop(job, None)
