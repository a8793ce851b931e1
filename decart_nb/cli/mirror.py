"""The command ``decart-nb mirror``: copies what is new in a store to another place."""

from __future__ import annotations

import argparse
from typing import Any

from .._util.console import say
from .jobs import add_store_option, existing_store

_DESCRIPTION = (
    "Copies the videos, their records, the inputs and a snapshot of the database to an address, as far as they are not "
    "there yet. Nothing is deleted there. A mirror that was interrupted goes on with the same command."
)


def add_to(commands: Any) -> None:
    """Adds the command to the subparsers of ``decart-nb``."""
    command = commands.add_parser("mirror", help="copy a folder of videos to another place", description=_DESCRIPTION)
    command.add_argument("address", metavar="ADDRESS", help="such as s3://bucket/runs, or a folder")
    add_store_option(command)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from ..session.mirroring import mirror_store

    say(f"{mirror_store(existing_store(options.store), options.address)}.")
