"""Tab completion of ``%%decart`` and ``%decart``: models, options and their choices."""

from __future__ import annotations

from typing import Any

from ..request.catalogue import models
from ..session import functions
from .magic_parser import options

#: The subcommands of ``%decart``.
COMMANDS = ("attach", "jobs", "models")
_MAGICS = ("%decart", "%%decart")


def load(shell: Any) -> None:
    """Registers the completion with a shell."""
    from IPython.core import completer

    if hasattr(completer, "context_matcher"):
        shell.Completer.custom_matchers.append(completer.context_matcher()(_in_context))
    else:  # before 8.6
        for magic in _MAGICS:
            shell.set_hook("complete_command", _on_event, str_key=magic)


def unload(shell: Any) -> None:
    """Removes what :func:`load` registered."""
    for magic in _MAGICS:
        shell.strdispatchers["complete_command"].strs.pop(magic, None)
    if _in_context in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(_in_context)


def _on_event(shell: Any, event: Any) -> list[str]:
    return _candidates(event.text_until_cursor, event.symbol)


def _in_context(context: Any) -> dict[str, Any]:
    from IPython.core.completer import SimpleCompletion

    found = _candidates(context.text_until_cursor, context.token)
    # Without "suppress", IPython adds the names of Python.
    return {"completions": [SimpleCompletion(text) for text in found], "suppress": bool(found), "ordered": True}


def _candidates(line: str, token: str) -> list[str]:
    """The completions of the token at the end of a line; none where IPython's own are better, as for file names."""
    magic, *words = line.removesuffix(token).replace("=", " ").split() or [""]
    return [text for text in _options_after(magic, words) if text.startswith(token)] if magic in _MAGICS else []


def _options_after(magic: str, words: list[str]) -> list[str]:
    if not words:
        return [model.name for model in models] if magic == "%%decart" else list(COMMANDS)
    if words == ["attach"]:
        store = functions.open_store()
        return [record.job_id for record in reversed(store.find()) if record.job_id] if store else []
    if words[0] not in models:
        return []
    known = options(models.video(words[0]))
    spec = known.get(words[-1].replace("_", "-"))
    if spec is None or spec.type == "flag":
        return [option for option in known if option not in words]
    return list(spec.choices)
