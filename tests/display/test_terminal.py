"""generate and sweeps in a script and in a terminal: a line of progress where there is a terminal, then the outcome."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from decart_nb.local.queue import LocalQueue
from tests.terminals import seen

_SCRIPT = """
import decart_nb as dnb
dnb.connect("local")
clip = dnb.generate("lucy-2.5", prompt="x", data={video!r}, resolution="480p")
"""
#: The same, at a queue that lets the job take a second.
_SLOW_SCRIPT = """
import decart_nb as dnb
polling = dnb.Polling(expected=1.0, shortest=0.1)
dnb.connect("live", api_key="dct_k", base_url={url!r}, polling=polling)
clip = dnb.generate("lucy-2.5", prompt="x", data={video!r})
"""

_SWEEP = """
from decart_nb.display import show_sweep
from decart_nb.sweeps.progress import Progress
class Sweep:
    name, over, blocks_main_thread, observers, progress = "cats", False, True, [], Progress(4, reused=1, waiting=3)
    def observe(self, observer):
        self.observers.append(observer)
        return lambda: self.observers.remove(observer)
sweep = Sweep()
with show_sweep(sweep, waiting=True):
    for done in range(4):
        sweep.progress = Progress(4, reused=1, done=done, waiting=3 - done, cost=0.2 * done, note="It is slow.")
        sweep.over = done == 3
        for observer in sweep.observers:
            observer(sweep)
assert not sweep.observers
"""


def test_a_script_prints_the_path_and_nothing_else(tmp_path: Path, small_video: Path) -> None:
    command = [sys.executable, "-c", _SCRIPT.format(video=str(small_video))]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert Path(answer.stdout.strip()).is_file()
    assert Path(answer.stdout.strip()).parent == tmp_path / "decart_runs"


@pytest.mark.parametrize(
    "command", [["-c"], ["-m", "IPython", "--no-banner", "--simple-prompt", "-c"]], ids=["command0", "command1"]
)
def test_a_terminal_shows_one_line_of_progress(
    command: list[str], tmp_path: Path, small_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    with LocalQueue(tmp_path / "slow", canned=small_video, api_key="dct_k", draw_duration=lambda: 1.0) as queue:
        text = seen([*command, _SLOW_SCRIPT.format(url=queue.base_url, video=str(small_video))])
    percents = [int(number) for number in re.findall(r"lucy-2\.5: [^\r\n]*? (\d+)%", text)]
    assert len(set(percents)) >= 2
    assert percents == sorted(percents)
    assert re.search(r"decart_runs/lucy-2\.5-x-\w+\.mp4", text)
    assert "Traceback" not in text


def test_a_sweep_in_a_script_prints_nothing() -> None:
    answer = subprocess.run([sys.executable, "-c", _SWEEP], capture_output=True, text=True, timeout=60, check=False)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("columns", "said"), [(100, "sweep cats: 3 of 4 done (1 reused), about $0.40"), (40, "3 of 4")]
)
def test_a_terminal_shows_one_line_of_a_sweep_and_then_how_it_ended(columns: int, said: str) -> None:
    text = seen(["-c", _SWEEP], columns)
    lines = re.split(r"[\r\n]+", text)
    (line,) = {line for line in lines if line.startswith(said)}
    assert " 75%|" in line
    assert all(len(line.rstrip()) <= columns for line in lines if "%" in line)
    assert "sweep cats: 4 of 4 done (1 reused) in under 1 s, about $0.60\r\nIt is slow.\r\n" in text
