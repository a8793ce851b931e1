"""Model definitions: a model's input fields, its output size and rate, and its prices."""

from __future__ import annotations

import ast
import contextlib
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal

from .._util.plain_values import NotPlainError, flag, is_flag, is_nonnegative, whole
from .._util.public import public
from .._util.text import short_repr
from .._util.text_table import text_table
from ..errors import InvalidInputError, ModelNotFoundError
from .model_card import input_labels, model_html, model_line

Kind = Literal["text-to-video", "image-to-video", "video-to-video", "first-last-frame", "motion", "restyle"]
Status = Literal["live", "deprecated", "retired", "custom"]
FieldType = Literal["text", "integer", "flag", "choice", "image", "video", "trajectory"]

FILE_TYPES = ("image", "video")
FILE_INPUTS = ("data", "start", "end", "reference_image")
MAX_SEED = 2**32 - 1
_MAX_TRAJECTORY = 2**20


@dataclass(frozen=True, slots=True)
class Field:
    """An input field of a model.

    Attributes:
        name: the keyword, as in Decart's own SDK.
        type: the type of its value.
        required: whether a request without it is refused.
        default: the server's value if the field is omitted.
        minimum, maximum: both inclusive; of an integer its value, of a text its characters, of a
            trajectory its points.
        choices: the texts a ``"choice"`` may be.
        only_with: another field that this one requires.
        media_types, max_bytes, max_seconds: the service's limits on a file.
    """

    name: str
    type: FieldType
    required: bool = False
    default: Any = None
    minimum: int = 0
    maximum: int = 0
    choices: tuple[str, ...] = ()
    only_with: str | None = None
    media_types: tuple[str, ...] = ()
    max_bytes: int | None = None
    max_seconds: float | None = None

    def parse(self, text: str) -> Any:
        """Convert a text from a table, a magic, a command line or a form to the field's type.

        A text that cannot be converted is returned unchanged: the validation reports what is wrong with it.
        """
        with contextlib.suppress(NotPlainError):
            if self.type == "integer":
                return whole(text)
            if self.type == "flag":
                return flag(text)
        if self.type == "choice":
            return text.strip()
        return _points(text) if self.type == "trajectory" else text


def _points(text: str) -> Any:
    """Parse a trajectory from JSON or from a Python literal, which Decart's SDK 0.0.20 sends."""
    with contextlib.suppress(ValueError):
        return json.loads(text)
    with contextlib.suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ast.literal_eval(text[:_MAX_TRAJECTORY].strip())
    return text


@public
@dataclass(frozen=True)
class ModelDefinition:
    """A model of the queue: one from the catalogue or a custom one.

    A custom model needs a name, a size and a frame rate; its inputs are sent unchecked::

        ModelDefinition(name="lucy-9", width=1280, height=720, fps=24)

    Attributes:
        name: what the service calls it.
        width, height: of its videos, in pixels, at 720p and in landscape.
        fps: frames per second of its videos.
        url_path: where a job is posted, ``/v1/jobs/{name}`` unless given.
        kind: the type of its input and output; ``None`` for a custom model.
        fields: its input fields; ``None`` for a custom model.
        exactly_one: names of which a request must carry one and no more.
        seconds: the longest video it makes, in seconds; ``None`` where that follows the input's length.
        prices: USD per generated second by resolution; empty where unknown.
        status: ``live``, ``deprecated`` (a name on its way out), ``retired`` (the service refuses it) or ``custom``.
        successor: for a deprecated name, the one that took its place.
        alias_of: for a ``-latest`` name, what it meant when this catalogue was written. It moves: only the
            server's ``/v1/models/resolve`` knows what it means today.
    """

    name: str
    width: int
    height: int
    fps: int
    url_path: str = ""
    kind: Kind | None = None
    fields: tuple[Field, ...] | None = None
    exactly_one: tuple[str, ...] = ()
    seconds: float | None = None
    prices: Mapping[str, float] = field(default_factory=dict, hash=False)
    status: Status = "custom"
    successor: str | None = None
    alias_of: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not (self.name.isprintable() and self.name.strip()):
            raise InvalidInputError(f"A model's name must be text, in one line, not {short_repr(self.name)}.")
        for name in ("width", "height", "fps"):
            value = getattr(self, name)
            if is_flag(value) or not isinstance(value, Integral) or value < 1:
                raise InvalidInputError(
                    f"{name} of model {self.name} must be a whole number above 0, not {short_repr(value)}."
                )
            object.__setattr__(self, name, int(value))
        if not self.url_path:
            object.__setattr__(self, "url_path", f"/v1/jobs/{self.name}")
        # It is put behind the address of the queue, and must not make another host of that.
        if not isinstance(self.url_path, str) or not (self.url_path[:1] == "/" and self.url_path.isprintable()):
            raise InvalidInputError(
                f"url_path of model {self.name} must be a path such as /v1/jobs/lucy-9, "
                f"not {short_repr(self.url_path)}."
            )
        if self.seconds is not None and not is_nonnegative(self.seconds):
            raise InvalidInputError(
                f"seconds of model {self.name} must be the length of its videos, not {short_repr(self.seconds)}."
            )
        if not isinstance(self.prices, Mapping) or not all(map(is_nonnegative, self.prices.values())):
            raise InvalidInputError(
                f"prices of model {self.name} must be USD per generated second by resolution, such as "
                f'{{"720p": 0.04}}, not {short_repr(self.prices)}.'
            )

    def field_named(self, name: str) -> Field | None:
        """The input field of that name; ``None`` if there is none, or if the fields are not known."""
        return next((field for field in self.fields or () if field.name == name), None)

    @property
    def price(self) -> float | None:
        """USD per generated second at 720p, or ``None`` where it is not known."""
        return self.prices.get("720p")

    def size(self, resolution: str | None = None, orientation: str | None = None) -> tuple[int, int]:
        """Width and height in pixels of what a request with this resolution and orientation makes."""
        width, height = self.width, self.height
        if resolution == "480p":
            # Sides that are a multiple of eight: the encoders of the field want them.
            width, height = round(width * 480 / height / 8) * 8, 480
        return (height, width) if orientation == "portrait" else (width, height)

    def __repr__(self) -> str:
        return f"<{model_line(self)}>"

    def _repr_html_(self) -> str:
        return model_html(self)


class Models:
    """A read-only collection of model definitions by name, live ones first, which a notebook displays as a table.

    ``models["lucy-2.5"]`` is a definition, ``models.live`` the collection of those that Decart takes today.

    Examples:
        >>> from decart_nb import models
        >>> models["lucy-2.5"].price
        0.04
        >>> [model.name for model in models.live if model.price == 0.01]
        ['lucy-restyle-2', 'lucy-restyle-latest']
    """

    def __init__(self, definitions: Iterable[ModelDefinition]) -> None:
        ordered = sorted(definitions, key=lambda model: _STATUS_ORDER.index(model.status))
        self._by_name = {model.name: model for model in ordered}

    def video(self, model: str) -> ModelDefinition:
        """The model of that name; the same as ``models[name]``.

        Raises:
            ModelNotFoundError: no model has that name; the message has the closest ones.
        """
        try:
            return self._by_name[model]
        except (KeyError, TypeError):
            raise ModelNotFoundError(model if isinstance(model, str) else short_repr(model), self._by_name) from None

    __getitem__ = video

    @property
    def live(self) -> Models:
        """The models that Decart takes and that stay."""
        return self._with_status("live")

    @property
    def deprecated(self) -> Models:
        """The models that Decart still takes, under names that are on their way out."""
        return self._with_status("deprecated")

    @property
    def retired(self) -> Models:
        """The models that Decart takes no longer; the local queue does."""
        return self._with_status("retired")

    def _with_status(self, status: Status) -> Models:
        return Models(model for model in self if model.status == status)

    def __iter__(self) -> Iterator[ModelDefinition]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._by_name

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._by_name)

    def _folded(self) -> tuple[list[ModelDefinition], list[ModelDefinition]]:
        """The models that are shown, and the retired ones, which are not where there are others."""
        retired = [*self.retired]
        shown = [model for model in self if model not in retired]
        return (shown, retired) if shown else (retired, [])

    def __repr__(self) -> str:
        shown, retired = self._folded()
        rows = [_row(model) for model in shown]
        table = text_table({head: [row[at] for row in rows] for at, head in enumerate(_HEAD)})
        if not retired:
            return table
        names = ", ".join(model.name for model in retired)
        return f"{table}\n\n{len(retired)} retired, made by the local queue only (models.retired has more): {names}"

    def _repr_html_(self) -> str:
        shown, retired = self._folded()
        if not retired:
            return _html_table(shown)
        summary = f"{len(retired)} retired, made by the local queue only"
        return f"{_html_table(shown)}<details><summary>{summary}</summary>{_html_table(retired)}</details>"


_STATUS_ORDER = ("live", "custom", "deprecated", "retired")
_HEAD = ("model", "kind", "inputs (* required)", "size", "fps", "seconds", "USD/s", "status")
_ONE_LINE = "white-space:nowrap"
_CELL_STYLES = {_HEAD[2]: "min-width:23em", _HEAD[-1]: "min-width:10em"}


def _row(model: ModelDefinition) -> tuple[str, ...]:
    return (
        model.name,
        model.kind or "",
        ", ".join(input_labels(model)),
        f"{model.width}×{model.height}",
        str(model.fps),
        "as the input" if model.seconds is None else f"{model.seconds:g}",
        "unknown" if model.price is None else f"{model.price:.2f}",
        f"{model.status}, now {model.successor}" if model.successor else model.status,
    )


def _html_table(models: Iterable[ModelDefinition]) -> str:
    """A table, left-aligned, in which inputs and status may wrap: a model's name stays in one piece."""

    def line(tag: str, cells: tuple[str, ...]) -> str:
        styles = [f"text-align:left;vertical-align:top;{_CELL_STYLES.get(name, _ONE_LINE)}" for name in _HEAD]
        columns = zip(styles, cells, strict=True)
        inner = "".join(f'<{tag} style="{style}">{html.escape(cell)}</{tag}>' for style, cell in columns)
        return f"<tr>{inner}</tr>"

    body = "".join(line("td", _row(model)) for model in models)
    return f"<table><thead>{line('th', _HEAD)}</thead><tbody>{body}</tbody></table>"
