"""Ingestion of a request into the store before it is sent: its input files, and the row of its planned job."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from .. import media
from ..errors import MediaError, StoreError
from ..request.digest import digest_of
from ..request.local_files import FileChangedError, UnusableFileError, read_unchanged
from ..request.locations import RemoteFile
from ..request.request import Request
from ..request.uploads import Upload
from ..request.validation import Problem, invalid_inputs
from ..store.job_row import Record
from ..store.store import Store
from .seeds import draw_seed


def ingest(store: Store, request: Request, endpoint: str, backend: str, resolved: str | None) -> tuple[Request, Record]:
    """Store the input files of a request, and make the row of its planned job, which is not inserted yet.

    Args:
        store: the store.
        request: the request.
        endpoint, backend: where it will be sent.
        resolved: what the model's name means there; ``None`` where that is still to be asked.

    Returns:
        The request with its files from the store; and the row, with a seed that was drawn if the request has none. As
        long as the model is to be resolved, or files are to be downloaded, the row has no such seed, and a digest of
        its own kind, for :meth:`decart_nb.store.store.Store.enqueue`: no stored video is found by it.

    Raises:
        InvalidInputError: a file can no longer be read, or has changed since it was checked.
        StoreError: a file cannot be stored.
    """
    files: dict[str, dict[str, Any]] = {}
    kept: dict[str, Upload | RemoteFile] = {}
    digests: dict[str, str] = {}
    for name, upload in request.files.items():
        if isinstance(upload, RemoteFile):
            kept[name], digests[name] = upload, upload.url
            files[name] = {"filename": urlsplit(upload.url).path.rpartition("/")[2] or name}
        else:
            try:
                kept[name], files[name] = read_unchanged(functools.partial(_kept, store, upload))
            except UnusableFileError as error:
                raise invalid_inputs(request.model, [Problem(name, str(error), "value_error")]) from None
            digests[name] = files[name]["sha256"]
    digest = digest_of(endpoint, resolved or request.model.name, request.model, request.values, digests)
    wanted = Record(
        digest if resolved and is_complete(kept) else f"to be fetched {digest}",
        endpoint,
        backend,
        resolved or request.model.name,
        request.model.name,
        inputs=dict(request.values),
        files=files,
        input_seconds=input_seconds(kept),
    )
    if is_complete(kept):
        draw_seed(wanted, request.model)
    return replace(request, files=kept), wanted


def shown_inputs(request: Request) -> dict[str, Any]:
    """The inputs of a request as a job shows them: plain values, and the names of its files."""
    files = {
        name: file.shown if isinstance(file, RemoteFile) else file.filename for name, file in request.files.items()
    }
    return {**request.values, **files}


def is_complete(files: Mapping[str, Upload | RemoteFile]) -> bool:
    """Whether no file is still to be downloaded."""
    return not any(isinstance(file, RemoteFile) for file in files.values())


def described(upload: Upload, sha256: str) -> dict[str, Any]:
    """The entry of an input file in the row of its job."""
    known = {"filename": upload.filename, "size_bytes": upload.size, "media_type": upload.media_type}
    return {"sha256": sha256, **known}


def _kept(store: Store, upload: Upload) -> tuple[Upload, dict[str, Any]]:
    """Store an input file; return the upload that reads it from the store, and its entry in the row of the job."""
    file = described(upload, upload.sha256())
    with upload.open() as stream:
        try:
            path = store.keep_input(file, stream)
        except StoreError as error:
            if isinstance(error.cause, FileChangedError):  # the store is not to blame
                raise error.cause from None
            raise
    return Upload(upload.filename, path, seconds=upload.seconds), file


def input_seconds(files: Mapping[str, Upload | RemoteFile]) -> float | None:
    """The duration of the input video of a job, if it has one."""
    data = files.get("data")
    return seconds_of(data) if isinstance(data, Upload) else None


def seconds_of(upload: Upload) -> float | None:
    """How long a file is, if it is a video."""
    if upload.seconds is None and upload.media_type.startswith("video/"):  # of a model that takes whatever it is given
        with contextlib.suppress(MediaError), upload.open() as stream:
            upload.seconds = media.probe(stream).duration
    return upload.seconds


def filename_for(record: Record) -> str:
    """A name that a person can tell from another, and that no other job has: it ends with the job's id."""
    words = re.findall(r"[a-z0-9]+", str(record.inputs.get("prompt", "")).lower())
    slug = "-".join(words)[:40].strip("-")
    model = re.sub(r"[^A-Za-z0-9.]+", "-", record.asked_model)[:60]
    tail = str(record.job_id)
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", tail):
        tail = hashlib.sha256(tail.encode()).hexdigest()[:32]
    return "-".join(part for part in (model, slug, tail) if part) + ".mp4"
