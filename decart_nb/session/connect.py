"""What ``connect`` chooses and opens: backend, polling, API key, and the one store and local queue of a folder."""

from __future__ import annotations

import getpass
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from .._util.console import say
from .._util.text import short_repr
from ..client.polling import LIVE, LOCAL, Polling
from ..display.environment import is_interactive
from ..errors import BackendError, InvalidAPIKeyError, InvalidInputError
from ..store.store import Store
from .current import current_session

if TYPE_CHECKING:
    from ..local.queue import LocalQueue

_BACKENDS = ("live", "local")


def choose_backend(target: str | None, *, has_key: bool) -> str:
    """Choose the backend: ``live`` or ``local``.

    Args:
        target: the argument of ``connect``.
        has_key: whether an API key or an address was passed or set.

    Raises:
        BackendError: neither was chosen, or the name is not valid.
    """
    asked = os.environ.get("DECART_BACKEND", "").strip().lower()
    for value, origin in ((asked, "DECART_BACKEND"), (target, "connect")):
        if value and value not in _BACKENDS:
            raise BackendError(f"{origin} says {value!r}; it must be 'live' or 'local'.")
    if asked == "local" or (asked and not target):
        return asked
    if target:
        return target
    if has_key:
        return "live"
    if is_interactive():
        say(
            "There is no DECART_API_KEY, so this is the local queue: it makes previews, free of charge. "
            'connect("live") asks for a key.'
        )
        return "local"
    raise BackendError(
        'Where should this run? Set DECART_API_KEY, or call decart_nb.connect("live", api_key=…), for Decart; call '
        'decart_nb.connect("local"), or set DECART_BACKEND=local, for previews on the local queue.'
    )


def choose_polling(polling: Polling | None, backend: str) -> Polling:
    """Choose how often jobs are polled: as given, or the default of the backend.

    Raises:
        InvalidInputError: ``polling`` is something else.
    """
    if polling is None:
        return LOCAL if backend == "local" else LIVE
    if not isinstance(polling, Polling):
        raise InvalidInputError(f"polling must be a decart_nb.Polling, not {short_repr(polling)}.")
    return polling


def ask_for_key(api_key: str | None) -> str | None:
    """Return the API key, or ask for one with getpass if none is set and the notebook is interactive.

    Raises:
        InvalidAPIKeyError: nothing was typed, or there is nobody to ask.
    """
    if api_key or os.environ.get("DECART_API_KEY", "").strip():
        return api_key
    if not is_interactive():
        raise InvalidAPIKeyError
    typed = getpass.getpass("Decart API key: ").strip()
    if not typed:
        raise InvalidAPIKeyError
    return typed


def missing_key_message() -> str | None:
    """The error text for a client without a key while a session is open: how to reach that queue; else ``None``."""
    session = current_session()
    if session is None:
        return None
    origin = 'decart_nb.connect("local")' if session.backend == "local" else "what connect has returned"
    return (
        "There is no API key. The queue of the open session is reached by DecartClient(api_key=session.api_key, "
        f"base_url=session.base_url), with session = {origin}. For Decart: pass api_key=…, or set DECART_API_KEY."
    )


#: The stores and running local queues of this process, by their folders, and the lock that opens each one once.
_stores: dict[Path, Store] = {}
_queues: dict[Path, LocalQueue] = {}
_lock = threading.RLock()


def _reset_lock() -> None:
    """Replace the lock in a forked process: the thread that may have held it does not exist there."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_lock)


def shared_store(folder: Path) -> Store:
    """The store of a folder; a process opens each one once."""
    with _lock:
        place = folder.resolve()  # which a link to it shares
        if place not in _stores:
            _stores[place] = Store(folder)
        return _stores[place]


def shared_queue(folder: Path) -> LocalQueue:
    """The running local queue of a folder; a process starts each one once."""
    from ..local.queue import LocalQueue

    with _lock:
        queue = _queues.get(folder)
        if queue is None or not queue.running:
            queue = _queues[folder] = LocalQueue(folder).start()
        return queue
