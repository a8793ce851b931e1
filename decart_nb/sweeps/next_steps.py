"""Names of options and methods for messages, as the interface in use spells them: Python or the command ``decart-nb``.

Names are inserted while a message is formatted: replacing them later could change a file's name in it.
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
    """The spelling of an option or method in the current interface.

    Args:
        name: a key of the tables above.
    """
    return _names[name]


@contextmanager
def shell_names() -> Iterator[None]:
    """Use the command line's spelling in all threads of this process."""
    global _names
    _names = _SHELL
    try:
        yield
    finally:
        _names = _PYTHON
