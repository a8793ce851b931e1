"""``df.decart``, there whichever of pandas and decart_nb was imported first. pandas is not imported for it."""

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
    """Registers the accessor where pandas is there already; else as soon as it has been imported."""
    if "pandas" not in sys.modules and _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    if sys.modules.get("pandas") is not None:  # also if another thread has just imported it
        _register()


class _Finder:
    """Finds pandas as the finders behind it do, and leaves when pandas has been imported."""

    def __init__(self) -> None:
        self._asking: set[int] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of pandas, with a loader that registers the accessor."""
        thread = get_ident()
        # A finder like this one may ask all others in its turn, and so come back here.
        if name != "pandas" or thread in self._asking:
            return None
        self._asking.add(thread)
        try:
            spec = self._found_without_it(name, path, target)
        finally:
            self._asking.discard(thread)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            loader: Any = _Loader(spec.loader)  # it is whatever that one is
            spec.loader = loader
        return spec

    def _found_without_it(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        finders = list(sys.meta_path)
        behind = finders[finders.index(self) + 1 :] if self in finders else finders
        for finder in behind:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if find is None else find(name, path, target)
            if spec is not None:
                return spec
        return None


class _Loader:
    """The real loader, and the accessor after it."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the real loader does."""
        created: ModuleType | None = self._real.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Imports pandas; if that fails, the next attempt comes by here again."""
        # What asks pandas for its loader, such as a reload, finds the real one.
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
        from . import pandas_accessor as accessor  # noqa: F401 - being imported is what registers it
    except Exception as error:  # noqa: BLE001 - whoever imports pandas may not want the accessor at all
        import warnings

        warnings.warn(f"df.decart is missing: {error}", ImportWarning, stacklevel=2)
    with suppress(ValueError):  # it was not needed, or another thread was faster
        sys.meta_path.remove(_finder)
