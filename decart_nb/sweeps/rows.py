"""The rows of a sweep as requests, with their field values and input files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..job.ingest import seconds_of
from ..request.locations import RemoteFile
from ..request.models import ModelDefinition
from ..request.request import Request
from ..request.uploads import Upload
from ..request.validation import Problem

#: Columns that have a meaning of their own.
MODEL, TAKE, PROMPT = "model", "take", "prompt"
#: The column with the prompt before its placeholders were filled.
TEMPLATE = "prompt_template"


@dataclass(frozen=True, eq=False)
class InputFile:
    """An input file of a sweep.

    Attributes:
        upload: its content and name.
        shown: its path or address as tables show it.
        sha256: the digest of its content.
        seconds: its duration, if it is a video.
    """

    upload: Upload
    shown: str
    sha256: str
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Invalid:
    """A placeholder in a stored sweep for a value that is invalid and cannot be stored.

    Attributes:
        reason: why it is invalid, as the end of a sentence that begins with the input's name.
        shown: the value as tables show it.
    """

    reason: str
    shown: Any


@dataclass(slots=True)
class Row:
    """One row of a sweep: a request, with its digest and its expected cost.

    Attributes:
        model: the model; ``None`` where no model has that name.
        resolved: the model's resolved name.
        parts: the values of its fields.
        take: the number of the take: several videos may be made of one request.
        request: the request's digest; empty if the row is invalid, or a file is still to be fetched.
        error: why the row is invalid; empty if it is valid.
        seconds: the expected duration of the video, if known.
        cost: the expected cost, in USD, if known.
        same_as: the number of the first row with the same request and take, if there is an earlier one.
    """

    model: ModelDefinition | None
    resolved: str
    parts: tuple[FieldValue, ...]
    take: int
    request: str = ""
    error: str = ""
    seconds: float | None = None
    cost: float | None = None
    same_as: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        """The key of the row in the store: the request's digest, and the take."""
        return self.request, self.take

    @property
    def asked(self) -> str:
        """A text that identifies the request while a file is still to be fetched, in place of the digest."""
        files = {name: file.url if isinstance(file, RemoteFile) else file.sha256 for name, file in self.files.items()}
        return f"{self.resolved} {sorted((self.values | files).items())}"

    @property
    def files(self) -> dict[str, InputFile | RemoteFile]:
        """The input files, by field name."""
        return {part.name: part.file for part in self.parts if part.file is not None}

    @property
    def values(self) -> dict[str, Any]:
        """The plain values, by field name, as they are sent."""
        return {part.name: part.value for part in self.parts if part.file is None}

    @property
    def input_seconds(self) -> float | None:
        """The duration of the input video."""
        for part in self.parts:
            if part.name == "data":
                return part.file.seconds if isinstance(part.file, InputFile) else None
        return None

    def as_request(self) -> Request:
        """The request that is sent."""
        assert self.model is not None
        files = {name: file.upload if isinstance(file, InputFile) else file for name, file in self.files.items()}
        return Request(self.model, self.values, files)


@dataclass(frozen=True, slots=True, eq=False)
class FieldValue:
    """The value of one field: a plain value and its JSON, or a file, or a problem."""

    name: str
    value: Any = None
    json: str = ""
    file: InputFile | RemoteFile | None = None
    problem: Problem | None = None


def inspect(upload: Upload) -> InputFile:
    """The file with its digest and its duration. Nothing is kept."""
    return InputFile(upload, upload.filename, upload.sha256(), seconds_of(upload))
