"""Standard streams that are missing, closed, full or of another encoding: nothing breaks, and nothing is lost."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from decart_nb._util.console import StandardStream, say, stdout
from tests.local.wire import SCRIPT

_CLIP = """
import os, sys
import decart_nb as dnb
dnb.connect("local")
{prepare}
clip = dnb.generate("lucy-pro-t2v", "x", resolution="480p")
os.write(5, f"{{dnb.jobs()['status'].tolist()}} {{clip.path.exists()}}".encode())
os._exit(0)  # what Python itself says of such streams at its end is not ours
"""


def _told(prepare: str, redirection: str, tmp_path: Path) -> str:
    (tmp_path / "script.py").write_text(_CLIP.format(prepare=prepare))
    shell = f'"{sys.executable}" script.py 5>told {redirection}'
    subprocess.run(["bash", "-c", shell], timeout=60, check=True)
    return (tmp_path / "told").read_text()


@pytest.mark.parametrize(
    ("prepare", "redirection"),
    [
        ("sys.stdout = sys.stderr = None", ""),
        ("sys.stdout.close(); sys.stderr.close()", ""),
        ("", ">&- 2>&-"),
        ("", ">/dev/full 2>/dev/full"),
        ("", "> >(true) 2>&1"),
    ],
    ids=["None", "closed", "no descriptor", "full", "reader gone"],
)
def test_a_video_is_made_whatever_the_streams_are(prepare: str, redirection: str, tmp_path: Path) -> None:
    assert _told(prepare, redirection, tmp_path) == "['completed'] True"


@pytest.fixture
def table(tmp_path: Path) -> str:
    rows = "".join(f"“{'x' * 200}” {number}\n" for number in range(3000))
    (tmp_path / "p.csv").write_text(f"prompt\n{rows}", encoding="utf-8")
    return f"{SCRIPT} sweep p.csv --model lucy-pro-t2v --out o --local --dry-run"


def _ran(command: str, **more: str) -> subprocess.CompletedProcess[str]:
    whole = f"set -o pipefail; {command}"
    return subprocess.run(
        ["bash", "-c", whole],
        env=os.environ | more,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["", "--help", "--version", "sweep --help", "serve --port x", "jobs"])
@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_full_disk_is_an_exit_status_and_a_sentence(command: str, stream: str) -> None:
    whole = _ran(f"{SCRIPT} {command}")
    ended = _ran(f"{SCRIPT} {command} {stream}>/dev/full")
    assert "Traceback" not in ended.stderr + ended.stdout
    assert "Exception ignored" not in ended.stderr
    if stream == "1" and whole.stdout:
        assert ended.returncode == 1
        assert ended.stderr == "decart-nb: standard output could not be written: No space left on device.\n"
    else:
        assert ended.returncode == whole.returncode


def test_a_reader_that_has_gone_ends_it_as_it_ends_any_tool(table: str) -> None:
    ended = _ran(f"{table} | head -1")
    assert ended.stdout.startswith("3,000 rows")
    assert ended.stderr == ""
    assert ended.returncode in (0, 141)
    assert _ran(f"{table} | true").returncode == 141


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-16", "utf-8"])
def test_what_an_encoding_lacks_is_escaped(table: str, encoding: str) -> None:
    for command in (table, f"{SCRIPT} sweep --help"):
        ended = _ran(f"{command} | cat", PYTHONIOENCODING=encoding)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_lines_stay_and_what_a_terminal_obeys_goes(capsys: pytest.CaptureFixture[str]) -> None:
    assert say("a  b\n\x1b]0;T\x07c \x9b2J\u202ed\r\x00")
    assert capsys.readouterr().out == "a  b\n ]0;T c  2J d  \n"


def test_a_stream_is_the_one_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    for replaced in (io.StringIO(), io.StringIO()):
        monkeypatch.setattr(sys, "stdout", replaced)
        say("here")
        assert replaced.getvalue() == "here\n"


def test_a_stream_says_of_itself_what_is_true_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert not stdout.isatty()
    with pytest.raises(OSError, match=r"."):
        stdout.fileno()
    assert StandardStream("stderr").error is None
