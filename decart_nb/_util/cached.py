"""A cached property without a lock.

Until Python 3.12, :func:`functools.cached_property` has one lock for all instances of a class: a process that is forked
while another thread computes a value would wait for that lock forever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

_T = TypeVar("_T")


class Cached(Generic[_T]):
    """Decorator: a property that is computed once for each instance, or twice if two threads ask at the same time.

    Args:
        compute: the method that computes the value.
    """

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> _T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | _T:
        """Python calls this as long as the instance has no attribute of that name."""
        if instance is None:
            return self
        value: _T = self._compute(instance)
        instance.__dict__[self._name] = value
        return value
