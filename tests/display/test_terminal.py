"""generate in a script and in a terminal: a line of progress where there is a terminal, then the path."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest

_SCRIPT = """
import decart_nb as dnb
dnb.connect("local")
clip = dnb.generate("lucy-pro-t2v", prompt="x", resolution="480p")
"""


def test_a_script_prints_the_path_and_nothing_else(tmp_path: Path) -> None:
    answer = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert Path(answer.stdout.strip()).is_file()
    assert Path(answer.stdout.strip()).parent == tmp_path / "decart_runs"


@pytest.mark.parametrize(
    "command", [["-c", _SCRIPT], ["-m", "IPython", "--no-banner", "--simple-prompt", "-c", _SCRIPT]]
)
def test_a_terminal_shows_one_line_of_progress(command: list[str]) -> None:
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, 100))
    process = subprocess.Popen([sys.executable, *command], stdout=child, stderr=child, stdin=child)
    os.close(child)
    seen = b""
    while True:
        try:
            chunk = os.read(parent, 4096)
        except OSError:  # Linux's word for: the other side has hung up
            break
        if not chunk:
            break
        seen += chunk
    os.close(parent)
    assert process.wait(60) == 0
    text = seen.decode()
    percents = [int(number) for number in re.findall(r"lucy-pro-t2v: [^\r\n]*? (\d+)%", text)]
    assert len(set(percents)) >= 2
    assert percents == sorted(percents)
    assert re.search(r"decart_runs/lucy-pro-t2v-x-\w+\.mp4", text)
    assert "Traceback" not in text
