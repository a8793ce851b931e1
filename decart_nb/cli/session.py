"""Sessions of the shell's commands: their options, and the session that ``--dry-run`` uses to plan without sending."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .._util.text import short_repr
from ..errors import BackendError, InvalidInputError

if TYPE_CHECKING:
    from ..session.session import Session

_VARIABLES = ("DECART_API_KEY", "DECART_BACKEND")


def add_options(command: argparse.ArgumentParser) -> None:
    """Adds the options that choose the backend, its address and the prices."""
    command.add_argument("--local", action="store_true", help="previews on the local queue, free of charge")
    command.add_argument(
        "--base-url", metavar="URL", help="another address of the queue, such as decart-nb serve prints"
    )
    command.add_argument(
        "--price", action="append", default=[], metavar="MODEL=USD", help="a model's price for a generated second"
    )


@contextlib.contextmanager
def command_session(options: argparse.Namespace, store: Path | None) -> Iterator[Session]:
    """The session of a command; with ``--dry-run``, one that plans and writes nothing.

    Args:
        options: the command's options.
        store: the store's folder; ``None`` for the usual one.

    Raises:
        BackendError: no backend is chosen.
        InvalidInputError: a price is invalid, or the store cannot be used.
    """
    prices: dict[str, float] = {}
    for model, text in pairs("--price", options.price):
        try:
            prices[model] = float(text)
        except ValueError:
            raise InvalidInputError(
                f"The price of {model} must be USD per generated second, not {short_repr(text)}."
            ) from None
    if getattr(options, "dry_run", False):
        with _store_to_read(store) as folder:
            from ..session.planning import planning_session

            target = "local" if options.local else None
            with planning_session(folder, target, options.base_url, prices) as session:
                yield session
        return
    backend = _backend(options)
    from ..job import shutdown
    from ..session.functions import connect

    shutdown.say_nothing()  # the command reports its unfinished jobs itself
    with contextlib.redirect_stdout(sys.stderr):  # standard output is for the results of the command
        opened = connect if store is None else functools.partial(connect, store=store)
        session = opened(backend, base_url=options.base_url, prices=prices, polling=options.polling)
    yield session


def pairs(option: str, given: Sequence[str]) -> list[tuple[str, str]]:
    """Splits values of the form ``NAME=VALUE``; in a name for ``--set``, hyphens become underscores.

    Args:
        option: the option that the values were given for.
        given: its values.

    Raises:
        InvalidInputError: a value has another form.
    """
    split = [text.partition("=") for text in given]
    for name, equals, _ in split:
        if not name or not equals:
            raise InvalidInputError(f"{option} needs NAME=VALUE, not {short_repr(name + equals)}.")
    return [(name.replace("-", "_") if option == "--set" else name, value) for name, _, value in split]


def _backend(options: argparse.Namespace) -> str | None:
    """The backend that the options choose; ``None`` if environment variables choose it.

    Raises:
        BackendError: neither do.
    """
    if not (options.local or any(os.environ.get(name, "").strip() for name in _VARIABLES)):
        raise BackendError(
            "Where should this run? Set DECART_API_KEY for Decart, or give --local for previews on the local queue."
        )
    return "local" if options.local else None


@contextlib.contextmanager
def _store_to_read(store: Path | None) -> Iterator[Path]:
    """The folder of the store that a plan reads. If there is no store yet, it is an empty temporary folder."""
    from ..session.store_folder import find_folder, prepare_folder
    from ..store.store import DATABASE

    folder = find_folder(store)
    if (folder / DATABASE).is_file():
        yield folder
        return
    if folder.exists():
        prepare_folder(store)  # leaves nothing in the folder; raises an error if it is not writable
    with tempfile.TemporaryDirectory() as empty:
        yield Path(empty)
