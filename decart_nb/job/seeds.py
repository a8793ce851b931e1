"""Seeds drawn for requests that have none, so that what they make can be made again.

A request that can carry a seed always does. Where the caller gives none, it is drawn when the job is inserted,
sent with the request, and stored beside it. The request stays the one without a seed: its digest does not change, so
that the same cell, run again, finds the stored clip, and its further takes are counted under it. The digest with the
drawn seed is stored as well: a call with that seed spelled out, as "Copy as code" writes it, finds the same clip. In a
store that does not have it, that call makes the same request again.
"""

from __future__ import annotations

import secrets
from typing import Any

from ..request.digest import digest_of
from ..request.models import MAX_SEED, ModelDefinition
from ..store.job_row import Record


def draw_seed(wanted: Record, model: ModelDefinition) -> None:
    """Draw a seed for a planned job, if its model takes one and it has none.

    Args:
        wanted: the planned job, with the digests of all its files.
        model: its model. What a model takes that is not in the catalogue is not known.
    """
    if "seed" in wanted.inputs or model.field_named("seed") is None:
        return
    wanted.drawn_seed = secrets.randbelow(MAX_SEED + 1)
    files = {name: str(file["sha256"]) for name, file in wanted.files.items()}
    values = {**wanted.inputs, **seeded_values(wanted)}
    wanted.seeded_request = digest_of(wanted.endpoint, wanted.model, model, values, files)


def seeded_values(record: Record) -> dict[str, Any]:
    """The field with the seed that was drawn for a job, or none."""
    return {} if record.drawn_seed is None else {"seed": record.drawn_seed}
