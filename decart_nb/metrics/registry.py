"""The metrics that there are by name: built-in ones, plug-ins of this process, and plug-ins of installed packages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from types import CodeType
from typing import Any

from .._util.console import say
from .._util.plain_values import NotPlainError, whole
from .._util.public import public
from .._util.text import did_you_mean, listing, printable, short_repr
from ..errors import InvalidInputError
from ..job.table import DUPLICATE_GROUP, MEASURE_ERROR, OWN_COLUMNS
from .builtin import BUILTIN, TEXTS
from .metric import FilterMetric, Metric, PluginMetric

#: The group of entry points by which an installed package offers metrics.
ENTRY_POINTS = "decart_nb.metrics"
_NAME = re.compile(r"[^\W\d]\w{0,63}")
_MAX_FPS = 1000.0

_plugins: dict[str, PluginMetric] = {}


@public
def metric(
    name: str, version: int = 1, *, fps: float | None = None, unit: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: makes a function a metric, which ``df.decart.measure`` and ``measure`` take by its name.

    The function is called once for each clip, with an iterator of its frames: upright RGB, H×W×3 of uint8. With a
    second parameter, it gets an iterator of the reference's frames as well, of the same times and the same size. It
    returns a number, or NaN where there is none. What it raises is the error of that row. It is called on a thread, for
    several clips at a time. Values are kept in the store by the clip's digest, the name and the version.

    Args:
        name: of the metric and of its column: letters, digits and underscores.
        version: of what it computes: another one is measured again.
        fps: how many frames a second it gets; all unless given.
        unit: of its values.

    Raises:
        InvalidInputError: the name is taken, or an argument is not valid.

    Examples:
        >>> import decart_nb as dnb
        >>> @dnb.metric("redness", version=1, fps=2)
        ... def redness(frames):
        ...     return max(float(frame[..., 0].mean()) for frame in frames)
        >>> round(dnb.measure(dnb.sample(), ["redness"])["redness"])
        96
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        made = _plugin(function, name, version, fps, unit)
        before = _plugins.get(made.name)
        if before is not None and before.version == made.version and _differs(before, made):
            say(
                f"The metric {made.name} has changed, and values of version {made.version} are kept: give it version "
                f"{made.version + 1}, and all clips are measured again."
            )
        _plugins[made.name] = made
        return function

    return register


def find(names: Iterable[str] | str) -> list[Metric]:
    """The metrics with these names, each once.

    Raises:
        InvalidInputError: there is no such metric, its package cannot be loaded, or FFmpeg lacks its filter.
    """
    names = [names] if isinstance(names, str) else list(names)
    if not names:
        raise InvalidInputError(f"Name the metrics to measure, such as {listing(list(BUILTIN)[:3])}.")
    return [_find(name) for name in dict.fromkeys(map(_checked, names))]


def _checked(name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidInputError(f"A metric is given by its name, as text, not {short_repr(name)}.")
    return name


def _find(name: str) -> Metric:
    if name in BUILTIN:
        return _available(BUILTIN[name])
    if name in _plugins:
        return _plugins[name]
    installed = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if name in installed:
        return _load(installed[name])
    known = [*BUILTIN, *_plugins, *installed]
    raise InvalidInputError(
        f"There is no metric {printable(name, limit=64)}.{did_you_mean(name, known)} The metrics are "
        f"{', '.join(map(printable, known))}; decart_nb.metric makes a function one."
    )


def _available(builtin: FilterMetric) -> FilterMetric:
    import av.filter

    name = builtin.filter[0]
    if name not in av.filter.filters_available:
        raise InvalidInputError(
            f"{builtin.name} needs FFmpeg's filter {name}, which the FFmpeg in PyAV {av.__version__} was built "
            "without: leave it out, or install a PyAV that was built with it."
        )
    return builtin


def _load(entry: EntryPoint) -> Metric:
    """The metric of an installed package, whose code is run by this, and not before it is asked for."""
    try:
        loaded = entry.load()
    except Exception as error:  # noqa: BLE001 - whatever a package raises when it is imported
        raise InvalidInputError(
            f"The metric {printable(entry.name)} cannot be loaded from {printable(entry.value)}: "
            f"{type(error).__name__}: {error}",
            cause=error,
        ) from None
    if entry.name not in _plugins:  # where it is not decorated
        metric(entry.name)(loaded)
    return _plugins[entry.name]


def _plugin(function: Callable[..., Any], name: str, version: int, fps: float | None, unit: str) -> PluginMetric:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"A metric's name must be of letters, digits and underscores, at most 64, not {short_repr(name)}."
        )
    if name in {*BUILTIN, *TEXTS, *OWN_COLUMNS, MEASURE_ERROR, DUPLICATE_GROUP}:
        raise InvalidInputError(
            f"A metric cannot be called {name}: there is a column or a metric of that name already."
        )
    try:
        number = whole(version)
    except NotPlainError:
        number = 0
    if not 0 < number < 2**31:
        raise InvalidInputError(f"A metric's version must be a whole number from 1 on, not {short_repr(version)}.")
    if fps is not None and not (isinstance(fps, int | float) and 0 < fps <= _MAX_FPS):
        raise InvalidInputError(f"fps must be a number above 0, at most {_MAX_FPS:g}, not {short_repr(fps)}.")
    return PluginMetric(
        name=name, version=number, unit=unit, needs_reference=_takes_two(function), function=function, fps=fps
    )


def _takes_two(function: Any) -> bool:
    """Whether a function takes the reference's frames too.

    Raises:
        InvalidInputError: it takes neither one nor two arguments.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise InvalidInputError(f"A metric must be a function, not {short_repr(function)}.") from None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [one for one in parameters if one.kind in kinds and one.default is one.empty]
    if len(needed) not in (1, 2):
        raise InvalidInputError(
            "A metric's function must take one argument, the frames, or two, the frames and the reference's; "
            f"this one takes {len(needed)}."
        )
    return len(needed) == 2


def _differs(one: PluginMetric, other: PluginMetric) -> bool:
    """Whether two plug-ins compute something else, as far as their frame rates and their functions' own code tell."""
    codes = [getattr(metric.function, "__code__", None) for metric in (one, other)]
    return one.fps != other.fps or (None not in codes and _essence(codes[0]) != _essence(codes[1]))


def _essence(code: Any) -> tuple[Any, ...]:
    constants = [_essence(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return code.co_code, code.co_names, tuple(constants)
