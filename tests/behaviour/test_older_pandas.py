"""Tables do on pandas 2.2 what they do on today's."""

from __future__ import annotations

import subprocess

from tests.environments import ROOT, environment


def test_tables_on_pandas_2() -> None:
    wanted = ["pandas==2.2.3", "pyarrow>=18", "pytest>=8.2", "pytest-timeout>=2.3", "hypothesis>=6.100"]
    python = environment("pandas-2.2", *wanted, ours=True)
    tests = ["tests/job/test_table.py", "tests/notebook/test_pandas_accessor.py"]
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
