"""Sessions of the shell's commands: their options, and a session that only plans."""

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

_SETTINGS = ("DECART_API_KEY", "DECART_BACKEND")


def add_options(command: argparse.ArgumentParser) -> None:
    """Adds the options that choose the queue and the prices."""
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
        options: the command's.
        store: the folder that was asked for; ``None`` for the usual one.
    """
    prices: dict[str, float] = {}
    for model, text in pairs("--price", options.price):
        try:
            prices[model] = float(text)
        except ValueError:
            raise InvalidInputError(
                f"The price of {model} must be USD per generated second, not {short_repr(text)}."
            ) from None
    backend = _backend(options)
    if getattr(options, "dry_run", False):
        with _folder_to_plan_in(store) as folder:
            from ..session.planning import planning_session

            with planning_session(folder, backend, options.base_url, prices) as session:
                yield session
        return
    from ..job import shutdown
    from ..session.functions import connect

    shutdown.say_nothing()  # the command reports its unfinished jobs itself
    with contextlib.redirect_stdout(sys.stderr):  # standard output is for what the command makes
        opened = connect if store is None else functools.partial(connect, store=store)
        session = opened(backend, base_url=options.base_url, prices=prices)
    yield session


def pairs(option: str, given: Sequence[str]) -> list[tuple[str, str]]:
    """Splits the values of an option of the form ``NAME=VALUE``.

    Raises:
        InvalidInputError: one of them has another form.
    """
    split = [text.partition("=") for text in given]
    for name, equals, _ in split:
        if not name or not equals:
            raise InvalidInputError(f"{option} wants NAME=VALUE, not {short_repr(name + equals)}.")
    return [(name.replace("-", "_") if option == "--set" else name, value) for name, _, value in split]


def _backend(options: argparse.Namespace) -> str | None:
    """The queue that was chosen, or ``None`` where the environment chooses it.

    Raises:
        BackendError: neither chooses one.
    """
    if not (options.local or any(os.environ.get(name, "").strip() for name in _SETTINGS)):
        raise BackendError(
            "Where should this run? Set DECART_API_KEY for Decart, or give --local for previews on the local queue."
        )
    return "local" if options.local else None


@contextlib.contextmanager
def _folder_to_plan_in(store: Path | None) -> Iterator[Path]:
    """The store that a plan looks into: the one that is there, or else an empty one that goes away again."""
    from ..session.store_folder import find_folder, prepare_folder
    from ..store.store import DATABASE

    folder = find_folder(store)
    if (folder / DATABASE).is_file():
        yield folder
        return
    if folder.exists():
        prepare_folder(store)  # it writes nothing that stays, and says so where the folder cannot be a store
    with tempfile.TemporaryDirectory() as empty:
        yield Path(empty)
