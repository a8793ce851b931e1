"""Registers ``df.decart`` when pandas is imported, before or after decart_nb, without importing pandas itself."""

from __future__ import annotations

import sys
from _thread import get_ident
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def install() -> None:
    """Registers the accessor if pandas has been imported; else installs a hook that registers it on import."""
    if "pandas" not in sys.modules and _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    if sys.modules.get("pandas") is not None:  # also if another thread has just imported pandas
        _register()


class _Finder:
    """A meta path finder that wraps the loader of pandas, and is removed when pandas has been imported."""

    def __init__(self) -> None:
        self._asking: set[int] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of pandas, with a loader that registers the accessor."""
        thread = get_ident()
        # Another finder of this kind may ask all finders, and so call this one again.
        if name != "pandas" or thread in self._asking:
            return None
        self._asking.add(thread)
        try:
            spec = self._find_with_others(name, path, target)
        finally:
            self._asking.discard(thread)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            loader: Any = _Loader(spec.loader)  # delegates to a loader of any type
            spec.loader = loader
        return spec

    def _find_with_others(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        finders = list(sys.meta_path)
        behind = finders[finders.index(self) + 1 :] if self in finders else finders
        for finder in behind:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if find is None else find(name, path, target)
            if spec is not None:
                return spec
        return None


class _Loader:
    """Wraps a loader: registers the accessor after the module has been executed."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Delegates to the real loader."""
        created: ModuleType | None = self._real.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Executes pandas, then registers the accessor; a failed import keeps the hook."""
        # A reload must find the real loader.
        module.__loader__ = self._real
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        self._real.exec_module(module)
        if sys.modules.get("pandas") is module:
            _register()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


_finder: Any = _Finder()


def _register() -> None:
    try:
        from . import pandas_accessor as accessor  # noqa: F401 - importing it registers the accessor
    except Exception as error:  # noqa: BLE001 - importing pandas must not fail because of the accessor
        import warnings

        warnings.warn(f"df.decart is missing: {error}", ImportWarning, stacklevel=2)
    with suppress(ValueError):  # it was not installed, or another thread has removed it
        sys.meta_path.remove(_finder)
