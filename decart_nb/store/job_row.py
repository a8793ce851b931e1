"""The record of a job, and its encoding as a row of the database."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

#: The statuses of a job that has not ended.
UNDER_WAY = ("planned", "pending", "processing")
#: The statuses of a job that answers the same request, made again; any other is tried anew.
STANDING = (*UNDER_WAY, "completed", "unreachable", "uncertain", "expired")


def new_key() -> str:
    """A name that nothing else has, in whatever database."""
    return uuid.uuid4().hex


@dataclass
class Record:
    """The stored state of a job. Times are seconds since the epoch.

    Attributes:
        row: its number in the store, by which jobs have their order. Another database may give it to another job.
        key: its own, in whatever database.
        claim: the token of its holder's claim; a process that takes the job over sets another one.
        request: the digest of the request, as :mod:`decart_nb.request.digest` makes it; empty where it is not known.
        take: which of the videos that were asked for with this request.
        endpoint, backend: which queue it is at.
        model, asked_model: what the model's name meant to that queue, and the name it was asked for by.
        inputs: the plain fields.
        files: of each file its ``filename`` and ``media_type``, and its ``sha256`` and ``size_bytes``.
        input_seconds: how long the video is that it was made from.
        status: as of :class:`decart_nb.job.job.Job`.
        holder: the lock name of the process that has claimed it.
        job_id: the queue's name for it.
        error: what went wrong.
        created_at, sent_at, submitted_at, ended_at: when it was inserted, when its submission began, when the queue
            answered that, and when it was over.
        took: from the submission until the queue was done, as far as its answers tell; what is learnt from.
        waited: of that, how long it was in the queue before anything worked on it, as far as its answers tell.
        seconds: from the submission until the file was here.
        path: the video, from the store's folder.
        sha256, size_bytes, width, height, fps, duration: of the video.
        cost: an estimate in USD.
        sweep: the name of the sweep that it was made for.
        expected_cost: what it was expected to cost before it was submitted, in USD.
        rating: from 1 to 5, as a person has rated it.
        note: what a person has noted about it.
        drawn_seed: the seed that was drawn for it; ``None`` where the request has its own, or takes none.
        seeded_request: the digest of the same request with that seed in it.
    """

    request: str
    endpoint: str
    backend: str
    model: str
    asked_model: str
    take: int = 0
    inputs: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    input_seconds: float | None = None
    status: str = "planned"
    holder: str | None = None
    job_id: str | None = None
    error: str | None = None
    created_at: float = field(default_factory=time.time)
    sent_at: float | None = None
    submitted_at: float | None = None
    ended_at: float | None = None
    took: float | None = None
    waited: float | None = None
    seconds: float | None = None
    path: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    duration: float | None = None
    cost: float | None = None
    sweep: str | None = None
    expected_cost: float | None = None
    rating: int | None = None
    note: str | None = None
    drawn_seed: int | None = None
    seeded_request: str | None = None
    key: str = field(default_factory=new_key)
    claim: str | None = None
    row: int = 0

    @property
    def made(self) -> float | None:
        """How long the queue worked on it: what it took, without what it waited."""
        return None if self.took is None or self.waited is None else self.took - self.waited


#: The columns of a job in the database; its number comes behind them.
COLUMNS = [column.name for column in fields(Record) if column.name != "row"]
#: The columns of the rating, which any process may change, whichever has claimed the job.
JUDGED = ("rating", "note")
_AS_JSON = ("inputs", "files")
_TEXTS = [column.name for column in fields(Record) if column.type == "str"]
_MAYBE_TEXTS = [column.name for column in fields(Record) if column.type == "str | None"]
_NUMBERS = [column.name for column in fields(Record) if str(column.type).startswith(("int", "float"))]


def encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a record, as the database takes them."""

    def plain(value: Any) -> Any:  # half a character, which a server may send, has no place in a database
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value

    return {name: json.dumps(value) if name in _AS_JSON else plain(value) for name, value in values.items()}


def decoded(row: Sequence[Any]) -> Record:
    """The record that a row is, of :data:`COLUMNS` and its number. What is damaged in it is as what is not known."""
    values = dict(zip([*COLUMNS, "row"], row, strict=True))
    for name in _AS_JSON:
        values[name] = _json_object(values[name])
    values["files"] = {name: file for name, file in values["files"].items() if isinstance(file, dict)}
    for name in _NUMBERS:
        if not isinstance(values[name], (int, float, type(None))):
            values[name] = None
    for name in _MAYBE_TEXTS:
        if not isinstance(values[name], (str, type(None))):
            values[name] = None
    for name in _TEXTS:
        if name != "key":
            values[name] = str(values[name])
    values["take"], values["created_at"] = values["take"] or 0, values["created_at"] or 0.0
    return Record(**values)


def _json_object(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
