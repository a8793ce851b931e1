"""Tables do on pandas 2.2 what they do on today's, and Tab and errors on IPython 7.34, which Google Colab has."""

from __future__ import annotations

import subprocess

from tests.environments import ROOT, environment

_TESTS = (
    *("tests/job/test_table.py", "tests/job/test_job_frame.py", "tests/_util/test_short_traceback.py"),
    *("tests/notebook/test_pandas_accessor.py", "tests/notebook/test_call_completion.py"),
)


def test_tables_on_pandas_2_and_completion_and_errors_on_ipython_7() -> None:
    tests = ["pytest>=8.2", "pytest-timeout>=2.3", "hypothesis>=6.100"]
    python = environment("older", "pandas==2.2.3", "ipython==7.34.0", "pyarrow>=18", *tests, ours=True)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *_TESTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
