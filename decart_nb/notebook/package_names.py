"""Tab completion after ``dnb.``: the names of the package, and errors only where a capital letter is typed."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

_PACKAGE = __name__.partition(".")[0]
_MEMBER = re.compile(r"(?<![\w.])([^\W\d]\w*)\.(\w*)\Z")


class PackageNames(NamedTuple):
    """The names that can stand at the cursor.

    Attributes:
        texts: functions first, then classes, then errors.
        replaced: the text before the cursor that each of them replaces.
        types: what each of them is, which a frontend shows beside it.
    """

    texts: list[str]
    replaced: str
    types: list[str]


def package_names(code: str, namespace: Mapping[str, Any]) -> PackageNames | None:
    """The names of the package that can stand at the end of some code; ``None`` if there are none.

    Args:
        code: the code of a cell up to the cursor.
        namespace: the variables of the notebook.
    """
    found, package = _MEMBER.search(code), sys.modules[_PACKAGE]
    if found is None or namespace.get(found[1]) is not package:
        return None
    word = found[2]
    kinds = {name: _kind(name) for name in package.__all__ if name.startswith(word)}
    if not word[:1].isupper():
        kinds = {name: kind for name, kind in kinds.items() if kind != "error"}
    texts = sorted(kinds, key=lambda name: (_KINDS.index(kinds[name]), name))
    return PackageNames(texts, word, [kinds[name] for name in texts]) if texts else None


_KINDS = ("function", "class", "error")


def _kind(name: str) -> str:
    """What a public name stands for; nothing is imported for it."""
    from .. import errors

    return "error" if hasattr(errors, name) else "class" if name[:1].isupper() else "function"
