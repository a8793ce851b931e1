"""Resumption of the jobs that earlier kernels have left unfinished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._util.interface_names import step
from .._util.text import counted
from ..job.job import Job

if TYPE_CHECKING:
    from .session import Session


def resume_jobs(session: Session) -> tuple[str, list[Job]]:
    """Resume the unfinished jobs of earlier kernels.

    Returns:
        A line that counts them, or an empty text; and those that are not of sweeps, which a sweep's grid shows, the
        newest first.
    """
    store = session.runner.store
    left = store.orphaned(session.runner.endpoint)
    with_ids = [record for record in left if record.job_id]
    resumed = session.runner.resume_all(with_ids)
    asked_for = [record for record in left if not record.job_id and not record.sent_at]
    uncertain = [store.take_over(record) for record in left if record.sent_at and not record.job_id]
    counts = {
        "resumed from an earlier process": len(with_ids),
        "asked for and not submitted yet: the same call goes on": len(asked_for),
        "perhaps submitted, left alone: the table of jobs tells why": len(uncertain),
    }
    parts = [f"{counted(count, 'job')} {what}" for what, count in counts.items() if count]
    sweeps = sorted({record.sweep for record in with_ids if record.sweep})
    shown = "".join(step("sweep grid", id=name) for name in sweeps[:3])
    alone = [job for job in resumed if not (job.recipe and job.recipe.record.sweep)]
    return f"{session.store.name}/: {'; '.join(parts)}.{shown}" if parts else "", alone
