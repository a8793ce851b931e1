"""Several jobs at a glance: a row each."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable

from ..job import Job

_HEAD = ("id", "model", "status", "elapsed", "prompt")
_LONGEST_PROMPT = 60


class JobTable:
    """Some jobs, as they stand whenever the table is shown."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        # A job that was attached to again stands in its old place, as it is now.
        self._jobs = list({job.id or job: job for job in jobs}.values())

    def __repr__(self) -> str:
        if not self._jobs:
            return "No jobs yet."
        rows = [_HEAD, *map(_row, self._jobs)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        if not self._jobs:
            return "No jobs yet."
        body = "".join(_line("td", _row(job)) for job in self._jobs)
        return f"<table><thead>{_line('th', _HEAD)}</thead><tbody>{body}</tbody></table>"


def _row(job: Job) -> tuple[str, ...]:
    prompt = textwrap.shorten(str(job.inputs.get("prompt", "")), _LONGEST_PROMPT, placeholder=" …")
    return job.id or "", job.model, job.status, f"{job.elapsed:.0f} s", prompt


def _line(tag: str, cells: Iterable[str]) -> str:
    inner = "".join(f'<{tag} style="text-align:left">{html.escape(cell)}</{tag}>' for cell in cells)
    return f"<tr>{inner}</tr>"
