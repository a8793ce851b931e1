"""The decisions of ``connect``, backend and API key; and the stores and local queues of this process."""

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
    """Chooses ``live`` or ``local``.

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
    """Returns how often jobs are polled: as asked for, or by what is assumed of the backend.

    Raises:
        InvalidInputError: ``polling`` is something else.
    """
    if polling is None:
        return LOCAL if backend == "local" else LIVE
    if not isinstance(polling, Polling):
        raise InvalidInputError(f"polling must be a decart_nb.Polling, not {short_repr(polling)}.")
    return polling


def ask_for_key(api_key: str | None) -> str | None:
    """Returns the API key, or asks for one with getpass if none is set and the notebook is interactive.

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
    """What a client without a key is told while a session is open, whose queue it could use; else ``None``."""
    session = current_session()
    if session is None:
        return None
    origin = 'decart_nb.connect("local")' if session.backend == "local" else "what connect has returned"
    return (
        "There is no API key. The queue of the open session is reached by DecartClient(api_key=session.api_key, "
        f"base_url=session.base_url), with session = {origin}. For Decart: pass api_key=…, or set DECART_API_KEY."
    )


_stores: dict[Path, Store] = {}
_queues: dict[Path, LocalQueue] = {}
_opening = threading.RLock()


def _begin_anew() -> None:
    """In a fork, no other thread is there that may hold the lock."""
    global _opening
    _opening = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def shared_store(folder: Path) -> Store:
    """The store of a folder; a process opens each one once."""
    with _opening:
        place = folder.resolve()  # which a link to it shares
        if place not in _stores:
            _stores[place] = Store(folder)
        return _stores[place]


def shared_queue(folder: Path) -> LocalQueue:
    """The running local queue of a folder; a process starts each one once."""
    from ..local.queue import LocalQueue

    with _opening:
        queue = _queues.get(folder)
        if queue is None or not queue.running:
            queue = _queues[folder] = LocalQueue(folder).start()
        return queue
