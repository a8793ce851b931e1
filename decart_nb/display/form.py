"""A form that makes clips without code: a model, its inputs, the cost, and the jobs that were made with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util.observed import Observed
from .._util.paths import relative_path
from .._util.temporary_folders import temporary_folder
from .._util.text import printable, short_repr
from ..errors import DecartSDKError, InvalidInputError
from ..job import money
from ..job.job import Job
from ..request.models import FILE_TYPES, Field, ModelDefinition
from ..request.request import Request, read_request
from ..request.uploads import Upload
from .code import call
from .displayed import Displayed
from .form_html import form_html, form_text

if TYPE_CHECKING:
    from .ipython import NotebookDisplay

#: The longest text of a field that is kept.
_TEXT_LIMIT = 200_000
#: How paths begin that lead to no file.
_STREAMS = ("/dev/", "/proc/", "file:/dev/", "file:///dev/", "file:/proc/", "file:///proc/")
#: How fields are called on the screen; others by their own names.
_LABELS = {
    "reference_image": "Reference image",
    "start": "First frame",
    "end": "Last frame",
    "enhance_prompt": "Enhance the prompt",
    "self_anchor": "Self-anchor",
}
#: The field that says how large a video is to be.
_RESOLUTION = "resolution"
#: The field of the form's own that says whether the video is fitted to the model first.
FIT = "fit"


@dataclass(frozen=True)
class Gate:
    """The way of a form's requests to a queue.

    Attributes:
        submit: submits a request, and returns its job.
        fit: the inputs of a request with the video fitted to the model; it calls its last argument with a line that
            says what was changed, if anything was.
        price: USD per generated second of a model at a resolution; ``None`` where unknown.
        payment: what becomes of the cost.
    """

    submit: Callable[[ModelDefinition, Mapping[str, Any]], Job]
    fit: Callable[[ModelDefinition, Mapping[str, Any], Callable[[str], object]], Mapping[str, Any]]
    price: Callable[[ModelDefinition, str | None], float | None]
    payment: money.Payment


@dataclass(frozen=True)
class UploadedFile:
    """A file that was uploaded into a form.

    Attributes:
        name: what it is called on the machine that it came from.
        path: where it lies now.
        size: in bytes.
    """

    name: str
    path: Path
    size: int


class Form(Observed, Displayed):
    """A form for the inputs of a model. As a cell's last line, it shows itself.

    What was filled in stays when another model is chosen, as far as that has such a field.

    Args:
        models: the models to choose from, which all have known fields.
        gate: submits what was filled in.
        model: the name of the first model; the first of them unless given.

    Attributes:
        models: the models by name.
        values: what was filled in, by field: text, also of numbers and paths, or a boolean.
        files: the files that were uploaded, by field. They go before a path in ``values``.
        jobs: what was submitted, in order.
        problems: by field, what is wrong with it, as a sentence, once :meth:`generate` was asked for.
        fit_note: what was changed in the last video to fit the model, as a sentence; empty if nothing.

    Raises:
        InvalidInputError: there is no such model.
    """

    def __init__(self, models: Sequence[ModelDefinition], gate: Gate, *, model: str | None = None) -> None:
        super().__init__()
        self.models = {definition.name: definition for definition in models}
        self.gate = gate
        self.values: dict[str, str | bool] = {}
        self.files: dict[str, UploadedFile] = {}
        self.jobs: list[Job] = []
        self.problems: dict[str, str] = {}
        self.fit_note = ""
        self._is_checked = False
        self._lock = threading.RLock()
        self._folder: Path | None = None
        #: One at a time, and not on the kernel's thread: files are read, and the store is written.
        self.worker = ThreadPoolExecutor(1, "decart-form")
        self._model = next(iter(self.models))
        if model is not None:
            self.model = model

    @property
    def model(self) -> str:
        """The name of the model that is chosen."""
        return self._model

    @model.setter
    def model(self, name: str) -> None:
        if not isinstance(name, str) or name not in self.models:
            raise InvalidInputError(f"The form has no model {short_repr(name)}: it has {', '.join(self.models)}.")
        if name != self._model:
            self._model = name
            self._notify()

    @property
    def definition(self) -> ModelDefinition:
        """The model that is chosen."""
        return self.models[self._model]

    @property
    def is_fitted(self) -> bool:
        """Whether the video is fitted to the model before it is submitted."""
        return self.values.get(FIT) is True and takes_video(self.definition)

    @property
    def upload_folder(self) -> Path:
        """Where uploaded files lie as long as this form exists."""
        with self._lock:
            if self._folder is None:
                self._folder = temporary_folder(self, "decart_nb-form-")
            return self._folder

    def fill(self, **values: str | bool) -> None:
        """Fill fields in, also where the form is shown.

        Args:
            values: by field, text or booleans. A path takes the place of a file that was uploaded.
        """
        for name, value in values.items():
            if not isinstance(value, (str, bool)) or (isinstance(value, str) and len(value) > _TEXT_LIMIT):
                raise InvalidInputError(f"{name} of a form must be text or True or False, not {short_repr(value)}.")
        self.values |= values
        self._notify()

    def put_file(self, name: str, file: UploadedFile | None) -> None:
        """Put an uploaded file into a field, or take it out."""
        before = self.files.pop(name, None)
        if file is not None:
            self.files[name] = file
        if before is not None:
            before.path.unlink(missing_ok=True)
        self._notify()

    def inputs(self) -> dict[str, Any]:
        """The inputs of the request, without fields that are empty or as the service has them anyway."""
        found = {}
        for field in self.definition.fields or ():
            value = self._input(field)
            if value is not None:
                found[field.name] = value
        return found

    def request(self) -> tuple[Request, dict[str, str]]:
        """The request as far as it is valid, and by field what is wrong with it."""
        inputs = self.inputs()
        # The kernel's own pipes and devices are no files: whoever looks at one may wait for it for ever.
        streams = [name for name, value in inputs.items() if self._is_file(name) and _is_stream(str(value))]
        request, problems = read_request(self.definition, {**inputs, **dict.fromkeys(streams, "")})
        problems = [
            problem._replace(message="is not a file: give the path of one.") if problem.field in streams else problem
            for problem in problems
        ]
        labels = {field.name: field_label(field) for field in self.definition.fields or ()}
        return request, {
            problem.field: f"{labels.get(problem.field, problem.field)} {problem.message}"
            for problem in reversed(problems)  # of two for one field, the first
        }

    def cost(self, request: Request) -> str:
        """What the request will cost, as a person says it: an estimate, or how the cost is made up.

        Args:
            request: as far as it is valid.
        """
        model = self.definition
        price = self.gate.price(model, request.values.get(_RESOLUTION))
        if price is None:
            return "price unknown"
        if not price:
            return "free" if self.gate.payment == "paid" else "free, local preview"
        data = request.files.get("data")
        length = data.seconds if isinstance(data, Upload) else None
        is_of_video = takes_video(model)
        seconds = model.seconds if not is_of_video or length is None else min(length, model.seconds or length)
        if seconds is None:
            return f"{money.usd(price)} a second of video{', rehearsed' * (self.gate.payment != 'paid')}"
        at_most = "at most " * (is_of_video and length is None)
        return at_most + money.estimate(price * seconds, self.gate.payment)

    def check(self) -> Request:
        """Look at what was filled in, and keep what is wrong with it in :attr:`problems` if that was asked for."""
        request, problems = self.request()
        self.problems = problems if self._is_checked else {}
        return request

    def generate(self) -> Job | None:
        """Submit what was filled in, or tell in :attr:`problems` what is wrong with it.

        Raises:
            DecartSDKError: it could not be submitted.
        """
        self._is_checked = True
        self.check()
        if self.problems:
            self._notify()
            return None
        inputs: Mapping[str, Any] = self.inputs()
        self.fit_note = ""
        if self.is_fitted:
            inputs = self.gate.fit(self.definition, inputs, lambda line: setattr(self, "fit_note", line))
        job = self.gate.submit(self.definition, inputs)
        self._is_checked = False
        self.add(job)
        return job

    def repeat(self, number: int) -> Job:
        """Make another take of a job, by its number in :attr:`jobs`."""
        job = self.jobs[number].again()
        self.add(job)
        return job

    def add(self, job: Job) -> None:
        """Add a job to those of this form."""
        self.jobs.append(job)
        self._notify()

    def code(self) -> str:
        """Python code of what is filled in. An uploaded file is called by its name."""
        inputs = self.inputs()
        uploaded = [name for name in self.files if name in inputs]
        files = {field.name for field in self.definition.fields or () if field.type in FILE_TYPES}
        shown = {name: relative_path(value) if name in files else value for name, value in inputs.items()}
        shown |= {name: self.files[name].name for name in uploaded} | ({FIT: True} if self.is_fitted else {})
        notes = [f"# {printable(self.files[name].name)} was uploaded: put it beside the notebook" for name in uploaded]
        return "\n".join(["import decart_nb as dnb", "", *notes, call(self.model, shown)])

    def _is_file(self, name: str) -> bool:
        field = self.definition.field_named(name)
        return field is not None and field.type in FILE_TYPES

    def _input(self, field: Field) -> Any:
        if field.type in FILE_TYPES and field.name in self.files:
            return self.files[field.name].path
        value = self.values.get(field.name, "")
        if isinstance(value, bool):
            return None if field.type != "flag" or value == field.default else value
        if field.type == "text":
            return value if value.strip() or (field.required and not field.minimum) else None
        value = value.strip()
        if not value or (field.type == "choice" and value == field.default):
            return None
        return field.parse(value)

    def _html(self) -> str:
        return form_html(self)

    def _text(self) -> str:
        return form_text(self)

    def _show(self, display: NotebookDisplay) -> None:
        display.show_form(self)


def _is_stream(path: str) -> bool:
    return path == "-" or path.startswith(_STREAMS)


def takes_video(model: ModelDefinition) -> bool:
    """Whether a model takes a video."""
    return any(field.type == "video" for field in model.fields or ())


def field_label(field: Field) -> str:
    """What a field is called on the screen."""
    if field.name == "data":
        return "Video" if field.type == "video" else "Image"
    return _LABELS.get(field.name, field.name.replace("_", " ").capitalize())


def problem_of(error: Exception) -> str:
    """The sentence that a form shows for an error which is no field's."""
    return error.message if isinstance(error, DecartSDKError) else str(error)
