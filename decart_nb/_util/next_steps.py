"""What a person types next, as the interface in use calls it: Python's API, or the command ``decart-nb``.

A sentence gets these names when it is made. Nothing is replaced in a finished one, which may hold a file's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_PYTHON = {
    "plan": ".plan",
    "retry": ".retry()",
    "retry uncertain": ".retry(uncertain=True)",
    "max_cost": "max_cost",
    "max_cost=": "max_cost=",
    "concurrency": "concurrency",
    "prices": "connect(prices={…: USD per generated second})",
    "allow_unknown_cost": "allow_unknown_cost=True",
    "model": 'sweep(model="lucy-2.5", …)',
}
_SHELL = {
    "plan": "--dry-run",
    "retry": "--retry",
    "retry uncertain": "--retry --uncertain",
    "max_cost": "--max-cost",
    "max_cost=": "--max-cost ",
    "concurrency": "--concurrency",
    "prices": "--price MODEL=USD",
    "allow_unknown_cost": "--allow-unknown-cost",
    "model": "--model lucy-2.5",
}
_names = _PYTHON


def step(name: str) -> str:
    """What to type for a step.

    Args:
        name: a key of the tables above.
    """
    return _names[name]


@contextmanager
def shell_names() -> Iterator[None]:
    """Calls every step of this process as ``decart-nb`` does, in all threads."""
    global _names
    _names = _SHELL
    try:
        yield
    finally:
        _names = _PYTHON
