"""Adds Tab completion inside calls of this package to the IPython shell that imports it.

This module is imported with the package, so it imports little itself: the completions are loaded at the first Tab.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any


def install() -> None:
    """Adds the matcher to the current shell, if there is one."""
    ipython = sys.modules.get("IPython")
    current = getattr(ipython, "get_ipython", lambda: None)()
    if current is not None:
        with suppress(Exception):  # the import must not fail because of the completion in another kernel's shell
            add_to(current)


def add_to(shell: Any) -> None:
    """Adds the matcher to a shell. It replaces a matcher that an earlier import has added."""
    matchers = getattr(getattr(shell, "Completer", None), "custom_matchers", None)
    if matchers is None:  # a shell of another kind
        return
    matchers[:] = [matcher for matcher in matchers if getattr(matcher, "__qualname__", None) != _IDENTIFIER]
    from IPython.core import completer  # which the shell has imported already

    if hasattr(completer, "context_matcher"):
        matchers.append(completer.context_matcher(identifier=_IDENTIFIER)(_matcher(shell)))
    else:  # before 8.6
        matchers.append(_line_matcher(shell))


_IDENTIFIER = f"{__name__}.matcher"


def _matcher(shell: Any) -> Any:
    """A matcher for IPython from 8.6 on, which passes the whole cell."""

    def matcher(context: Any) -> dict[str, Any]:
        from IPython.core.completer import SimpleCompletion

        *lines, _ = context.full_text.split("\n")[: context.cursor_line + 1]
        found = _completions("\n".join([*lines, context.text_until_cursor]), shell)
        if found is None:
            return {"completions": []}
        return {
            "completions": [
                SimpleCompletion(text, type=kind) for text, kind in zip(found.texts, found.types, strict=True)
            ],
            "matched_fragment": found.replaced,
            "suppress": found.is_complete,
            "ordered": True,
        }

    matcher.__qualname__ = _IDENTIFIER
    return matcher


def _line_matcher(shell: Any) -> Any:
    """A matcher for IPython before 8.6, which passes the current line only, and replaces only the token it found."""

    def matcher(token: str) -> list[str]:
        found = _completions(shell.Completer.text_until_cursor, shell)
        if found is None or not found.replaced.endswith(token):
            return []
        return [text[len(found.replaced) - len(token) :] for text in found.texts]

    matcher.__qualname__ = _IDENTIFIER
    return matcher


def _completions(code: str, shell: Any) -> Any:
    """The completions of the code; ``None`` if there are none, or on any error: Tab must not print a traceback."""
    try:
        from .call_completion import completions

        return completions(code, shell.user_ns)
    except Exception:  # noqa: BLE001 - such as for a damaged store
        return None
