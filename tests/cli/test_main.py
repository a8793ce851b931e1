"""``decart-nb`` as a shell runs it, and what it refuses, in this process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest

from decart_nb import __version__
from decart_nb.cli import main as cli
from decart_nb.local.durations import usage
from decart_nb.local.faults import HITS
from tests.local.wire import ORDER, PROMPT, SCRIPT, calling, followed, serving, submitted


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SCRIPT), *arguments], capture_output=True, text=True, timeout=15, check=False)


def test_serve_prints_its_address_and_the_key_that_it_has_made_up(tmp_path):
    with serving() as served:
        assert served.line == f"The local queue listens on {served.base_url}; Ctrl+C stops it.\n"
        assert served.base_url.startswith("http://127.0.0.1:")
        label, _, key = served.process.stdout.readline().strip().partition(": ")
        assert label == "API key"
        with calling(served.base_url, key) as http:
            assert http.get("/stats").status_code == 200
        with calling(served.base_url, "dct_other") as http:
            assert http.get("/stats").status_code == 401
        assert (tmp_path / "decart_runs" / "local" / "jobs").is_dir()


def test_serve_does_not_print_a_key_that_was_given():
    with serving("--api-key", "dct_given_to_it") as served:
        with calling(served.base_url, "dct_given_to_it") as http:
            assert http.get("/stats").status_code == 200
        served.process.send_signal(signal.SIGINT)
        out, errors = served.process.communicate(timeout=10)
    assert "dct_given_to_it" not in served.line + out + errors


def test_serve_answers_with_the_video_in_the_time_it_is_told(small_video):
    arguments = ("--canned", str(small_video), "--durations", "fixed:1", "--api-key", "dct_k", "--folder", "kept")
    with serving(*arguments) as served, calling(served.base_url, "dct_k") as http:
        job_id = submitted(http)
        assert followed(http, job_id) == ORDER
        assert http.get(f"/v1/jobs/{job_id}/content").content == small_video.read_bytes()


def test_serve_takes_its_key_from_the_environment_where_nobody_can_read_it(small_video, monkeypatch):
    monkeypatch.setenv("DECART_LOCAL_API_KEY", "dct_from_the_environment")
    with serving("--canned", str(small_video)) as served, calling(served.base_url, "dct_from_the_environment") as http:
        assert http.get("/stats").status_code == 200
        served.process.send_signal(signal.SIGINT)
        said, errors = served.process.communicate(timeout=10)
    assert "dct_from" not in served.line + said + errors + " ".join(served.process.args)


def test_serve_goes_wrong_as_it_is_told(small_video):
    arguments = ("--canned", str(small_video), "--faults", "503:0.5,seed:7", "--api-key", "dct_k")
    with serving(*arguments) as served, calling(served.base_url, "dct_k") as http:
        codes = [http.post("/v1/jobs/lucy-pro-t2v", data=PROMPT).status_code for _ in range(20)]
        stats = http.get("/stats").json()
        served.process.send_signal(signal.SIGINT)
        ended = served.process.communicate(timeout=10)
    assert stats["faults"] == {"503": codes.count(503)}
    assert stats["submissions"] == codes.count(200) == 20 - codes.count(503)
    assert 0 < codes.count(503) < 20
    assert ended == ("", "")


def test_serve_renders_and_takes_the_delay(small_video):
    request = PROMPT | {"resolution": "480p"}
    with serving("--delay", "1.2", "--api-key", "dct_k") as served, calling(served.base_url, "dct_k") as http:
        began = time.monotonic()
        job_id = submitted(http, "lucy-vton-2", data=request, files={"data": small_video.read_bytes()})
        assert followed(http, job_id)[-2:] == ["processing", "completed"]
        assert time.monotonic() - began >= 1.2
        assert http.get(f"/v1/jobs/{job_id}/content").content[4:8] == b"ftyp"


def test_serve_listens_on_this_machine_only_unless_told_otherwise():
    with serving() as served:
        port = int(served.base_url.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        # What listens on every address would listen on this one too.
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), timeout=5).close()


def test_interrupting_serve_ends_it_quietly_and_lets_go_of_its_jobs(tmp_path):
    with serving("--api-key", "dct_k", "--folder", "kept") as served, calling(served.base_url, "dct_k") as http:
        assert followed(http, submitted(http), until="processing")[-1] == "processing"
        # In the middle of a render, with a connection open.
        served.process.send_signal(signal.SIGINT)
        out, errors = served.process.communicate(timeout=10)
    assert served.process.returncode in (0, 130)
    assert (out, errors) == ("", "")
    assert not list((tmp_path / "kept" / "owners").iterdir())


def test_a_port_in_use_is_told_in_one_line():
    with serving() as served:
        port = served.base_url.rpartition(":")[2]
        refused = ran("serve", "--port", port)
    assert refused.returncode == 1
    assert refused.stdout == ""
    [line] = refused.stderr.splitlines()
    assert line.startswith(f"decart-nb: The local queue cannot listen on 127.0.0.1, port {port}: ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--canned", "absent.mp4"], "There is no file absent.mp4 to answer with."),
        (["--canned", "."], "There is no file . to answer with."),
        (["--delay=-1"], "--delay must be"),
        (["--delay", "nan"], "--delay must be"),
        (["--delay", "inf"], "--delay must be"),
        (["--durations", "fixed:1"], "--durations goes with --canned FILE"),
        (["--canned", "CANNED", "--durations", "weekly:1"], f"give one of {usage()}"),
        (["--canned", "CANNED", "--durations", "lognormal:30"], f"give one of {usage()}"),
        (["--faults", ""], f"The faults are {', '.join(HITS)}."),
        (["--faults", "rest-after:0.1"], "Did you mean reset-after"),
        (["--faults", "429:2"], "The rate of 429 must be a number from 0 to 1."),
        (["--folder", "CANNED"], "The local queue cannot keep its jobs in"),
        (["--host", "192.0.2.1"], "The local queue cannot listen on 192.0.2.1"),
        (["--job-limit", "0"], "--job-limit must be more than 0 seconds"),
        (["--job-limit", "nan"], "--job-limit must be"),
        (["--api-key", "blank "], "key must be printable ASCII"),
        (["--api-key", "schlüssel"], "key must be printable ASCII"),
        (["--host", "a..b"], "a..b is not an address to listen on"),
        (["--port", "70000"], "port 70000"),
        (["--port=-1"], "port -1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_serve_cannot_do_is_told_in_a_line(arguments, sentence, small_video, capsys):
    status = cli.main(["serve", *[str(small_video) if argument == "CANNED" else argument for argument in arguments]])
    said = capsys.readouterr()
    assert (status, said.out) == (1, ""), said.err
    [line] = said.err.splitlines()
    assert line.startswith("decart-nb: ")
    assert sentence in line


@pytest.mark.parametrize("arguments", [["bake"], ["serve", "--port", "x"], ["serve", "--delay", "soon"]])
def test_what_is_no_command_is_told_with_the_usage(arguments, capsys):
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: decart-nb")


def test_the_status_of_no_command_is_the_process_own():
    assert ran("bake").returncode == 2


def test_version():
    assert ran("--version").stdout == f"decart_nb {__version__}\n"


def test_without_a_command_it_is_its_help_also_as_a_module():
    bare = ran()
    assert (bare.returncode, bare.stderr) == (0, "")
    assert bare.stdout == ran("--help").stdout
    module = [sys.executable, "-m", "decart_nb"]
    assert subprocess.run(module, capture_output=True, text=True, timeout=15, check=True).stdout == bare.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["demo", "make", "attach", "models", "jobs", "serve", "sweep", "--version"]),
        (["demo"], ["prompt"]),
        (
            ["serve"],
            [
                "--host",
                "127.0.0.1",
                "--port",
                "--api-key",
                "DECART_LOCAL_API_KEY",
                "--job-limit",
                "--delay",
                "--folder",
                "--canned",
                "--durations",
                "--seed",
            ],
        ),
        (["serve"], ["--faults", ", ".join(HITS)]),
        (["sweep"], ["--model", "--seed", "--set", "--repeat", "--name", "--out", "--max-cost", "--concurrency"]),
        (
            ["sweep"],
            ["--price", "--allow-unknown-cost", "--retry", "--uncertain", "--dry-run", "--local", "--base-url"],
        ),
    ],
    ids=["all", "demo", "serve", "faults", "sweep", "price"],
)
def test_help_names_everything(arguments, words, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "400")
    assert cli.main([*arguments, "--help"]) == 0
    shown = capsys.readouterr().out
    assert [word for word in words if word not in shown] == []
    assert arguments != ["serve"] or usage() in shown
