"""Prompt templates, for sweeps and magics.

``{name}`` is a placeholder. ``{{`` and ``}}`` are the braces themselves; a ``}}`` that no ``{{`` has opened stays as it
is, and so does any other brace, since prompts may be JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"\{\{|\}\}|\{([^\W\d][\w .-]*)\}")


def placeholders(text: str) -> tuple[str, ...]:
    """The names of a template's placeholders, each once, in order."""
    return tuple(dict.fromkeys(name for name in _TOKEN.findall(text) if name))


def fill(text: str, choices: Mapping[str, Any]) -> str:
    """A template with its placeholders filled. A placeholder without a value stays as it is.

    Args:
        text: the template.
        choices: the values, by name. Braces in a value have no meaning.
    """
    opened = 0

    def replaced(found: re.Match[str]) -> str:
        nonlocal opened
        if name := found[1]:
            return str(choices[name]) if name in choices else found[0]
        opened += 1 if found[0] == "{{" else -1
        if opened < 0:
            opened = 0
            return found[0]
        return found[0][0]

    return _TOKEN.sub(replaced, text)


def is_template(text: str) -> bool:
    """Whether a text has placeholders or escaped braces."""
    return bool(placeholders(text)) or fill(text, {}) != text


def escape(text: str) -> str:
    """Escape the braces of a text, so that :func:`fill` returns the text itself."""
    if not is_template(text):
        return text
    opened, letters = 0, []
    for letter in text:
        closes = letter == "}" and opened > 0
        opened += (letter == "{") - closes
        letters.append(letter * 2 if letter == "{" or closes else letter)
    return "".join(letters)
