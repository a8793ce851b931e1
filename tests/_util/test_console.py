"""Standard streams that are missing, closed, full or of another encoding: nothing breaks, and nothing is lost."""

from __future__ import annotations

import functools
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from decart_nb._util.console import StandardStream, say, stdout
from decart_nb.store.store import Store
from tests.local.wire import SCRIPT

_CLIP = """
import os, sys
import decart_nb as dnb
dnb.connect("local")
{prepare}
clip = dnb.generate("lucy-2.5", "x", data={video!r}, resolution="480p")
os.write(5, str(clip.path.exists()).encode())
os._exit(0)  # what Python itself says of such streams at its end is not ours
"""


def _told(prepare: str, redirection: str, video: Path, tmp_path: Path) -> str:
    (tmp_path / "script.py").write_text(_CLIP.format(prepare=prepare, video=str(video)))
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
def test_a_video_is_made_whatever_the_streams_are(
    prepare: str, redirection: str, small_video: Path, tmp_path: Path
) -> None:
    assert _told(prepare, redirection, small_video, tmp_path) == "True"
    assert [record.status for record in Store(tmp_path / "decart_runs").find()] == ["completed"]


def _table(folder: Path) -> list[str]:
    """What has the program print much text that is not ASCII, from a table in a folder."""
    rows = "".join(f"“{'x' * 200}” {number}\n" for number in range(3000))
    (folder / "p.csv").write_text(f"prompt\n{rows}", encoding="utf-8")
    return ["sweep", "p.csv", "--model", "lucy-pro-t2v", "--out", "o", "--local", "--dry-run"]


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


@functools.cache
def _whole(command: str) -> subprocess.CompletedProcess[str]:
    """The end of a command whose streams can be written: each command's, once."""
    return _ran(f"{SCRIPT} {command}")


@pytest.mark.parametrize("command", ["", "--help", "--version", "sweep --help", "serve --port x", "jobs"])
@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_full_disk_is_an_exit_status_and_a_sentence(command: str, stream: str) -> None:
    whole = _whole(command)
    ended = _ran(f"{SCRIPT} {command} {stream}>/dev/full")
    assert "Traceback" not in ended.stderr + ended.stdout
    assert "Exception ignored" not in ended.stderr
    if stream == "1" and whole.stdout:
        assert ended.returncode == 1
        assert ended.stderr == "decart-nb: standard output could not be written: No space left on device.\n"
    else:
        assert ended.returncode == whole.returncode


def test_a_reader_that_has_gone_ends_it_as_it_ends_any_tool(tmp_path: Path) -> None:
    table = f"{SCRIPT} {' '.join(_table(tmp_path))}"
    ended = _ran(f"{table} | head -1")
    assert ended.stdout.startswith("3,000 rows")
    assert ended.stderr == ""
    assert ended.returncode in (0, 141)
    assert _ran(f"{table} | true").returncode == 141


_ENCODINGS = ["ascii", "cp1252", "latin-1", "utf-16", "utf-8"]
#: One process for all, since loading pandas takes most of the time.
_TABLES = """
import os, sys
from decart_nb.cli.main import main
for encoding in sys.argv[1].split(","):
    sys.stdout.reconfigure(encoding=encoding)
    sys.stderr.reconfigure(encoding=encoding)
    os.write(5, f"{encoding} {main(sys.argv[2:])}\\n".encode())
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], str]:
    """The encodings with the exit status of a table printed in each, and all that was on standard error."""
    folder = tmp_path_factory.mktemp("tables")
    (folder / "tables.py").write_text(_TABLES)
    command = f"cd {folder} && {sys.executable} tables.py {','.join(_ENCODINGS)} {' '.join(_table(folder))}"
    ended = _ran(f"{command} 5>told | cat", DECART_BACKEND="local")
    return (folder / "told").read_text().splitlines(), ended.stderr


@pytest.mark.parametrize("encoding", _ENCODINGS)
def test_what_an_encoding_lacks_is_escaped(tables: tuple[list[str], str], encoding: str) -> None:
    told, errors = tables
    assert f"{encoding} 0" in told
    assert errors == ""
    ended = _ran(f"{SCRIPT} sweep --help | cat", PYTHONIOENCODING=encoding)
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
