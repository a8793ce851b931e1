"""A row of a sweep as a request, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..job.ingest import seconds_of
from ..request.locations import RemoteFile
from ..request.models import ModelDefinition
from ..request.request import Request
from ..request.uploads import Upload
from ..request.validation import Problem

#: What a row says beside the inputs of its model.
MODEL, TAKE, PROMPT = "model", "take", "prompt"
#: The column in which a table keeps the prompt as it was before its placeholders were filled.
TEMPLATE = "prompt_template"


@dataclass(frozen=True, eq=False)
class InputFile:
    """A file that was read for a sweep.

    Attributes:
        upload: the file.
        shown: what tables call it: the path or the address that was given, or its place in the store.
        sha256: of its content.
        seconds: how long it is, if it is a video.
    """

    upload: Upload
    shown: str
    sha256: str
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Invalid:
    """What is left of an input that no model took, and that cannot be kept.

    Attributes:
        reason: the end of a sentence that begins with the input's name.
        shown: what tables call it.
    """

    reason: str
    shown: Any


@dataclass(slots=True)
class Row:
    """A row of a sweep.

    Attributes:
        model: what it is for; ``None`` where no model has that name.
        resolved: what the model's name means.
        parts: what its inputs are.
        take: which of the videos that this request makes.
        request: the digest that it is found by; empty where it is invalid, or a file of it is still to be fetched.
        error: what is wrong with it.
        seconds: how long the video will be, as far as that is known.
        cost: what it is expected to cost, in USD; ``None`` where that is not known.
        same_as: the number of the row that asks for the same, and comes first.
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
        """What the store finds it by."""
        return self.request, self.take

    @property
    def asked(self) -> str:
        """What it asks for, in place of a digest, where a file of it is still to be fetched."""
        files = {name: file.url if isinstance(file, RemoteFile) else file.sha256 for name, file in self.files.items()}
        return f"{self.resolved} {sorted((self.values | files).items())}"

    @property
    def files(self) -> dict[str, InputFile | RemoteFile]:
        """Its files, by field."""
        return {part.name: part.file for part in self.parts if part.file is not None}

    @property
    def values(self) -> dict[str, Any]:
        """Its plain fields, as they are sent."""
        return {part.name: part.value for part in self.parts if part.file is None}

    @property
    def input_seconds(self) -> float | None:
        """How long the video is that goes into it."""
        return next(
            (part.file.seconds for part in self.parts if part.name == "data" and isinstance(part.file, InputFile)), None
        )

    def as_request(self) -> Request:
        """It, as what is sent."""
        assert self.model is not None
        files = {name: file.upload if isinstance(file, InputFile) else file for name, file in self.files.items()}
        return Request(self.model, self.values, files)


@dataclass(frozen=True, slots=True, eq=False)
class FieldValue:
    """One input of a row: a plain value, with its spelling in the digest, or a file; or what is wrong with it."""

    name: str
    value: Any = None
    json: str = ""
    file: InputFile | RemoteFile | None = None
    problem: Problem | None = None


def inspect(upload: Upload) -> InputFile:
    """The file with its digest and its duration. Nothing is kept."""
    return InputFile(upload, upload.filename, upload.sha256(), seconds_of(upload))
