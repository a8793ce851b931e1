"""Tab completion inside calls of decart_nb: models, inputs, choices, and the names of sweeps and jobs.

``generate("lu…`` completes models, ``generate("lucy-2.5", da…`` that model's inputs, ``sweep.load("…`` the sweeps of
the current session's store, and ``attach("…`` its jobs. Nothing is evaluated but names, nothing is opened or sent.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from .call_site import CallSite, call_site, literal
from .package_names import package_names

if TYPE_CHECKING:
    from ..request.models import Field, ModelDefinition
    from ..store.store import Store

_PACKAGE = __name__.partition(".")[0]
_MAX_IDS = 100
_REQUESTS = ("generate", "submit")
#: The parameters that are completed, in the order of the positional ones.
_PARAMETERS = {
    "generate": ("model", "prompt"),
    "submit": ("model", "prompt"),
    "attach": ("job_id", "model"),
    "reproduce": ("path", "model"),
    "fit": ("video", "model"),
    "form": ("model",),
    "prune": (),
    "sweep": (),
    "sweep.load": ("name",),
    "models": ("model",),
    "models.video": ("model",),
    "connect": ("target",),
    "sample": ("kind",),
}
#: The keywords that the signature names, of an object on which IPython does not look for one.
_OPTIONS = {"sweep": ("name", "repeat")}
_VALUES = {"target": ("live", "local"), "kind": ("clip", "still")}


class Completions(NamedTuple):
    """What can stand at the cursor.

    Attributes:
        texts: the completions, best first.
        replaced: the text before the cursor that each of them replaces.
        types: what each of them is, which a frontend shows beside it.
        is_complete: whether nothing else can stand there.
    """

    texts: list[str]
    replaced: str
    types: list[str]
    is_complete: bool


def completions(code: str, namespace: Mapping[str, Any]) -> Completions | None:
    """The completions at the end of some code; ``None`` where there is nothing of this package.

    Args:
        code: the code of a cell up to the cursor.
        namespace: the variables of the notebook.
    """
    site = call_site(code)
    if (site is None or site.string is None) and (names := package_names(code, namespace)):
        return Completions(names.texts, names.replaced, names.types, is_complete=True)
    found = _function(site.callee, namespace) if site else None
    if site is None or found is None or found.name not in _PARAMETERS:
        return None
    if site.string is not None:
        texts = [text for text in _values(site, found) if text.startswith(site.string)]
        if _parameter(site, found) == "model":
            texts, types = _models(texts)
        else:
            types = ["str"] * len(texts)
        return Completions(texts, site.string, types, is_complete=True) if texts else None
    word = site.word
    if word is None or site.is_subscription or not (site.position or word or found.name == "sweep"):
        return None
    texts = [f"{name}=" for name in _keywords(site, found) if name.startswith(word) and name not in site.given]
    return Completions(texts, word, ["param"] * len(texts), is_complete=False) if texts else None


class _Function(NamedTuple):
    """A function of this package: its public name, and the session it is a method of."""

    name: str
    session: Any = None


def _function(callee: str, namespace: Mapping[str, Any]) -> _Function | None:
    """The function that a dotted name stands for. Attributes of foreign objects are not looked up."""
    first, *rest = callee.split(".")
    owner, package = namespace.get(first), sys.modules[_PACKAGE]
    if isinstance(owner, ModuleType):
        return _Function(".".join(rest)) if owner is package else None
    module = sys.modules.get(f"{_PACKAGE}.session.session")
    if module is not None and isinstance(owner, module.Session):
        return _Function(".".join(rest), owner)
    loaded = vars(package)
    public = next((name for name in package.__all__ if name in loaded and loaded[name] is owner), None)
    return _Function(".".join([public, *rest])) if public else None


def _parameter(site: CallSite, function: _Function) -> str | None:
    """The parameter that the cursor is at."""
    positional = _PARAMETERS[function.name]
    return site.keyword or (positional[site.position] if site.position < len(positional) else None)


def _models(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The models that are offered, and the status of each: retired ones only where no live one is.

    A frontend may sort what it is given by name, so that an order would not be enough.
    """
    from ..request.catalogue import models

    has_live = any(models[name].status == "live" for name in names)
    offered = [name for name in names if not (has_live and models[name].status == "retired")]
    return offered, [models[name].status for name in offered]


def _values(site: CallSite, function: _Function) -> Iterable[str]:
    """The values of the parameter that the cursor is at."""
    parameter = _parameter(site, function)
    if parameter is None:
        return ()
    if parameter == "model":
        from ..request.catalogue import models

        return [model.name for model in models]
    if function.name == "attach" and parameter == "job_id":
        return _job_ids(_store(function))
    if function.name == "sweep.load":
        store = _store(function)
        return reversed([*store.sweeps()]) if store else ()
    if function.name in (*_REQUESTS, "sweep"):
        known = _fields(site, function)
        return known[parameter].choices if parameter in known else ()
    return _VALUES.get(parameter, ())


def _keywords(site: CallSite, function: _Function) -> Iterable[str]:
    """The keywords that no signature names: the inputs of models. IPython knows the others."""
    if function.name not in (*_REQUESTS, "sweep"):
        return ()
    first = ("model",) if not (site.position and function.name in _REQUESTS) else ()
    return dict.fromkeys((*first, *_fields(site, function), *_OPTIONS.get(function.name, ())))


def _fields(site: CallSite, function: _Function) -> dict[str, Field]:
    """The inputs of the model that is named in the call; of all models where none is, live ones first."""
    from ..request.catalogue import models

    named = literal(site.given.get("model", "")) or (site.first if function.name in _REQUESTS else None)
    chosen: Iterable[ModelDefinition] = reversed([*models])
    if named is not None and named in models:
        chosen = [models[named]]
    return {field.name: field for model in chosen for field in model.fields or ()}


def _store(function: _Function) -> Store | None:
    from ..session import functions

    store: Store | None = functions.open_store() if function.session is None else function.session.runner.store
    return store


def _job_ids(store: Store | None) -> Iterable[str]:
    """The ids of the last jobs, the latest first."""
    found = (record.job_id for record in reversed(store.find() if store else []) if record.job_id)
    return islice(dict.fromkeys(found), _MAX_IDS)
