"""Provenance records: what made a video, written beside it or into its tags, and read back.

A stored video is the service's bytes, untouched: its record lies beside it, as ``NAME.mp4.json``. A copy has it in its
tags, and takes it along wherever it goes. A record is plain JSON::

    schema          "decart_nb/1"; a change that an older reader would misunderstand raises the number
    model           the model that made it; asked_model, by which name it was asked for
    backend         "live" or "local"; endpoint, the queue's address
    inputs          the plain fields
    files           of each input file its filename, media_type, sha256 and size_bytes
    seed, take      the seed, given or drawn; which of the videos made with this very request, from 0
    job_id          and submitted_at, completed_at (ISO 8601, UTC) and seconds between them
    waited, made    of these seconds, those in the queue, and those in which it was made
    video           sha256, size_bytes, width, height, fps and duration of the stored video
    versions        of what wrote the record

It names no folder of the machine that it was written on, and no key.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .._util.addresses import without_pathlib
from .._util.text import short_repr
from .._version import __version__
from ..errors import InvalidInputError, MediaError, ModelNotFoundError
from ..media import tags
from ..media.files import atomic_write, open_file, write_errors
from ..media.sniff import sniff
from ..request.catalogue import models
from ..request.locations import is_remote, redacted_url
from ..request.models import FILE_INPUTS, FILE_TYPES, ModelDefinition
from ..request.uploads import Upload
from ..store import job_row as records
from ..store.files import StoreFiles
from .seeds import seeded_values

_FORMAT, _VERSION = "decart_nb", 1
SCHEMA = f"{_FORMAT}/{_VERSION}"
#: What is said of the video itself.
VIDEO = ("sha256", "size_bytes", "width", "height", "fps", "duration")
#: What a reader may rely on, beside the schema.
_SHAPE = {"model": str, "backend": str, "inputs": dict, "files": dict, "video": dict}
_ENDINGS = {
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov",),
    "video/webm": (".webm",),
    "video/x-matroska": (".mkv",),
}
_TAGGED = ("video/mp4", "video/quicktime")

Record = dict[str, Any]
Lookup = Callable[[str], Record | None]


def describe(
    *,
    model: str,
    backend: str,
    inputs: Mapping[str, Any],
    video: Mapping[str, Any],
    asked_model: str | None = None,
    endpoint: str | None = None,
    files: Mapping[str, Mapping[str, Any]] | None = None,
    take: int | None = None,
    job_id: str | None = None,
    submitted_at: float | None = None,
    completed_at: float | None = None,
    seconds: float | None = None,
    waited: float | None = None,
    made: float | None = None,
) -> Record:
    """The record of a video. What is not known is ``None``.

    Args:
        model, backend, inputs, video, asked_model, endpoint, files, take, job_id, seconds, waited, made: as the
            module says.
        submitted_at, completed_at: in seconds since the epoch.
    """
    return {
        "schema": SCHEMA,
        "model": model,
        "asked_model": asked_model or model,
        "backend": backend,
        "endpoint": endpoint,
        "inputs": dict(inputs),
        "files": {name: dict(file) for name, file in (files or {}).items()},
        "seed": inputs.get("seed"),
        "take": take,
        "job_id": job_id,
        "submitted_at": _moment(submitted_at),
        "completed_at": _moment(completed_at),
        "seconds": seconds,
        "waited": waited,
        "made": made,
        "video": dict(video),
        "versions": {"decart_nb": __version__, "python": platform.python_version()},
    }


def describe_job(job: records.Record) -> Record:
    """The record of a job's video, from what the store knows."""
    return describe(
        model=job.model,
        asked_model=job.asked_model,
        backend=job.backend,
        endpoint=job.endpoint,
        inputs={**job.inputs, **seeded_values(job)},
        files=job.files,
        take=job.take,
        job_id=job.job_id,
        submitted_at=job.submitted_at,
        completed_at=job.ended_at,
        seconds=job.seconds,
        waited=job.waited,
        made=job.made,
        video={name: getattr(job, name) for name in VIDEO},
    )


def provenance(path: str | os.PathLike[str], lookup: Lookup | None = None) -> Record:
    """What made a video: the record beside it, that of the store, or that in its tags.

    Args:
        path: the video, a clip, or a record's own file.
        lookup: finds the record of a stored video by its SHA-256.

    Raises:
        MediaError: there is no such file, nothing says how it was made, or a newer version wrote that.
        InvalidInputError: that is no path.
    """
    found = find(path, lookup)
    if found is None:
        name = as_path(path).name
        raise MediaError(
            f"Nothing says how {name} was made: its tags do not, no {name}.json that is about this very file lies "
            f"beside it{', and the store knows no such video' if lookup else ''}."
        )
    return found


def find(path: str | os.PathLike[str], lookup: Lookup | None = None) -> Record | None:
    """As :func:`provenance`; ``None`` where nothing says how the video was made."""
    path = as_path(path)
    if path.suffix.lower() == ".json":
        with open_file(path) as file:
            return _parsed(file.read(), path.name)
    with open_file(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    # A name is easily given to another file; and what a service copied from the input's tags is about the input.
    beside = _beside(path, digest)
    if beside is None and lookup:
        beside = lookup(digest)
    if beside is not None:
        return beside
    from .. import media

    return _parsed(media.probe(path).tags.get("comment", ""), path.name)


def model_of(record: Mapping[str, Any]) -> ModelDefinition:
    """The model that made a video.

    Raises:
        ModelNotFoundError: no table lists it.
    """
    try:
        return models.video(record["model"])
    except ModelNotFoundError as error:
        error.message += " Such a model goes along with the video: reproduce(path, model=ModelDefinition(…))."
        raise


def inputs_of(record: Mapping[str, Any], model: ModelDefinition, stored: StoreFiles, store: str) -> dict[str, Any]:
    """The inputs that a video was made with, to make it again. A record may come from anybody.

    Args:
        record: what made it.
        model: what is to make it again.
        stored: the files of a store.
        store: what that store is called.

    Raises:
        InvalidInputError: a file is not in the store, or the record does not say which one it was.
    """
    inputs = dict(record["inputs"])
    files = FILE_INPUTS if model.fields is None else [spec.name for spec in model.fields if spec.type in FILE_TYPES]
    # Nothing in it may name another file than one of the store's inputs, by a path or by an address.
    for name in {*record["files"], *inputs.keys() & {*files}}:
        file = record["files"].get(name)
        if not isinstance(file, dict) or not re.fullmatch("[0-9a-f]{64}", str(file.get("sha256"))):
            raise InvalidInputError(f"The record does not say which file {name} was made from.")
        filename = file.get("filename")
        if not isinstance(filename, str):
            raise InvalidInputError(f"The record does not say what the file of {name} was called.")
        if not stored.has_input(file):
            raise InvalidInputError(
                f"The {name} that this video was made from, {filename}, is not in {store}/inputs/. "
                "Connect to the store that made the video, or give the file to submit."
            )
        inputs[name] = Upload(filename, stored.input(file))
    return inputs


def write_sidecar(video: Path, record: Mapping[str, Any], *, staging: Path | None = None) -> Path:
    """Write the record of a video into a JSON file beside it, atomically.

    Args:
        video: the video.
        record: what made it.
        staging: a folder on the same file system for the temporary file, which is then not synced: that is
            enough where a store knows the record too.

    Returns:
        Its path: the video's, and ``.json``.

    Raises:
        MediaError: it cannot be written.
    """
    target, text = _sidecar(video), _json(record, indent=2) + b"\n"
    with atomic_write(target, staging=staging, fsync=staging is None) as file:
        file.write(text)
    return target


def save_copy(source: Path, target: str | os.PathLike[str], record: Mapping[str, Any]) -> Path:
    """Copies a video, picture and sound untouched, with its record: in its tags, or beside it where it can have none.

    Args:
        source: the video.
        target: a file, or a folder that is there.
        record: what made it.

    Returns:
        The copy's path.

    Raises:
        MediaError: the video cannot be read, or cannot be written there or under that name.
    """
    target = as_path(target)
    with open_file(source) as file:
        kind = sniff(file.read(64)) or ""
    endings = _ENDINGS.get(kind, (source.suffix.lower(),))
    with write_errors(target):
        if target.is_dir():
            target = target / (source.name if source.suffix.lower() in endings else source.stem + endings[0])
        itself = target.exists() and target.samefile(source)
    if target.suffix.lower() not in endings:
        raise MediaError(
            f"{target.name} cannot be saved: saving keeps the video as it is, so the name must end in "
            f"{' or '.join(endings)}."
        )
    if itself:
        raise MediaError(f"{target.name} cannot be saved: it is the stored video itself. Give another name or folder.")
    if kind in _TAGGED:
        tags.write_tags(source, target, as_tags(record))
    else:
        with open_file(source) as old, atomic_write(target) as new:
            new.writelines(iter(lambda: old.read(2**20), b""))
        write_sidecar(target, record)
    return target


def as_tags(record: Mapping[str, Any]) -> dict[str, str]:
    """A record as a video's tags: for a person the prompt and the model, for :func:`provenance` all of it."""
    preview = " (local preview)" if record["backend"] == "local" else ""
    return {
        "title": " ".join(str(record["inputs"].get("prompt", "")).split()) or record["model"],
        "artist": f"{record['model']}{preview}",
        "comment": _json(record).decode(),
    }


def as_path(value: Any) -> Path:
    """A path, from whatever may be one.

    Raises:
        InvalidInputError: the value is none, or an address.
    """
    try:
        path = Path(os.fsdecode(value)).expanduser()
    except (TypeError, RuntimeError):
        raise InvalidInputError(f"A path or a clip is wanted, not {short_repr(value)}.") from None
    if is_remote(address := without_pathlib(os.fsdecode(value))) and not os.path.lexists(path):
        raise InvalidInputError(
            f"{redacted_url(address)} is an address; download what is there, and give the path of the file."
        )
    return path


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _sidecar(video: Path) -> Path:
    return video.with_name(f"{video.name}.json")


def _beside(video: Path, digest: str) -> Record | None:
    try:
        record = _parsed(_sidecar(video).read_bytes(), _sidecar(video).name)
    except OSError:
        return None
    return record if record and record["video"].get("sha256") == digest else None


def _json(record: Mapping[str, Any], indent: int | None = None) -> bytes:
    # Half a character (a lone surrogate) has no UTF-8; written with a backslash, JSON reads it again.
    return json.dumps(record, ensure_ascii=False, indent=indent).encode("utf-8", "backslashreplace")


def _parsed(text: bytes | str, name: str) -> Record | None:
    """The record that a text is; ``None`` where it is another text.

    Raises:
        MediaError: a newer version wrote it.
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    schema = re.fullmatch(rf"{_FORMAT}/(\d{{1,9}})", str(record.get("schema"))) if isinstance(record, dict) else None
    if not schema:
        return None
    if int(schema[1]) > _VERSION:
        raise MediaError(f"What made {name} was recorded by a newer decart_nb. Update decart_nb to read it.")
    return record if all(isinstance(record.get(key), kind) for key, kind in _SHAPE.items()) else None
