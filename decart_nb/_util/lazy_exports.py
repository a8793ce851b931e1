"""Names of a package that are imported from its modules on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def lazy_exports(package: str, exports: Mapping[str, Iterable[str]]) -> tuple[list[str], Callable[[str], Any]]:
    """What a package with lazy exports needs: the sorted names, and its ``__getattr__``.

    Args:
        package: the name of the package.
        exports: the exported names by the module, relative to the package, that defines them.
    """
    module_of = {name: module for module, names in exports.items() for name in names}

    def __getattr__(name: str) -> Any:  # noqa: N807 - what the package calls it
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{module_of[name]}", package), name)
        setattr(importlib.import_module(package), name, value)
        return value

    return sorted(module_of), __getattr__
