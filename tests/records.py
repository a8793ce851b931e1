"""What the tests of the store share: records of jobs, and processes that are gone after what they did with a store."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from decart_nb.store.job_row import Record
from decart_nb.store.store import Store


def wanted(request: str = "r", **values: Any) -> Record:
    """The record of a job that is to be submitted."""
    return Record(request, "local", "local", "lucy-2.5", "lucy-2.5", **values)


def claim_in_sweep(store: Store, request: str, **terms: Any) -> tuple[Record, bool]:
    """Claim a job of a sweep that costs 0.20."""
    return store.claim(wanted(request, sweep="cats", expected_cost=0.2), exact=True, **terms)


def run_and_end(folder: Path, script: str) -> None:
    """Another process does something with the store, and ends."""
    begin = (
        "import os\nfrom pathlib import Path\nfrom decart_nb.store.job_row import Record\n"
        f"from decart_nb.store.store import Store\nstore = Store(Path({str(folder)!r}))\n"
    )
    record = 'wanted = Record("r", "local", "local", "m", "m")\n'
    subprocess.run([sys.executable, "-c", begin + record + textwrap.dedent(script)], check=True, timeout=60)
