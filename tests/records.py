"""What the tests of the store share: records of jobs, and processes that are gone after what they did with a store."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from decart_nb.store.job_row import Record
from decart_nb.store.schema import MIGRATIONS
from decart_nb.store.store import Store


def wanted(request: str = "r", **values: Any) -> Record:
    """The record of a job that is to be submitted."""
    return Record(request, "local", "local", "lucy-2.5", "lucy-2.5", **values)


def claim_in_sweep(store: Store, request: str, **terms: Any) -> tuple[Record, bool]:
    """Claim a job of a sweep that costs 0.20."""
    return store.claim(wanted(request, sweep="cats", expected_cost=0.2), exact=True, **terms)


@contextlib.contextmanager
def older_database(folder: Path, version: int) -> Iterator[sqlite3.Connection]:
    """The database of a new store, with the schema of an older version."""
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "store.sqlite3")) as database, database:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {version}")
        yield database


def run_and_end(folder: Path, script: str) -> None:
    """Another process does something with the store, and ends."""
    begin = (
        "import os\nfrom pathlib import Path\nfrom decart_nb.store.job_row import Record\n"
        f"from decart_nb.store.store import Store\nstore = Store(Path({str(folder)!r}))\n"
    )
    record = 'wanted = Record("r", "local", "local", "m", "m")\n'
    subprocess.run([sys.executable, "-c", begin + record + textwrap.dedent(script)], check=True, timeout=60)
