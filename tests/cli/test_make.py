"""``decart-nb make`` and ``decart-nb attach``: in this process, as a child, and in a terminal."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

import decart_nb as dnb
from decart_nb.cli import main as cli
from decart_nb.local.queue import LocalQueue
from decart_nb.store.store import Store
from tests.local.wire import SCRIPT
from tests.sweeping import SHORT
from tests.terminals import seen


@pytest.fixture
def live(canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What makes the command reach a queue that answers at once."""
    monkeypatch.delenv("DECART_BACKEND")
    monkeypatch.setenv("DECART_API_KEY", canned_queue.api_key)
    return ["--base-url", canned_queue.base_url]


@pytest.fixture
def submissions(canned_queue: LocalQueue) -> Callable[[], int]:
    return lambda: canned_queue.jobs.stats.as_dict()["submissions"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command here, and gives its exit status and what it has said."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(arguments, polling=SHORT)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def _files() -> set[str]:
    return {str(path) for path in Path().rglob("*") if not path.is_relative_to("queue")}


def test_a_video_is_made_and_its_path_is_all_that_is_printed(run, live, small_video):
    status, out, errors = run("make", "lucy-2.5", "--prompt", "An oil painting", "--data", str(small_video), *live)
    assert (status, errors) == (0, "")
    assert re.fullmatch(r"decart_runs/lucy-2.5-an-oil-painting-\w+\.mp4\n", out)
    assert Path(out.strip()).read_bytes() == small_video.read_bytes()


def test_the_same_command_again_gives_the_stored_video_and_fresh_another(run, live, submissions):
    asked = ["make", "lucy-2.5", "--prompt", "A {woodcut}", "--sample", "--seed", "3", *live]
    first = run(*asked)
    assert run(*asked) == first
    assert submissions() == 1
    status, out, _ = run(*asked, "--fresh")
    assert (status, submissions()) == (0, 2)
    assert out != first[1]


def test_it_is_saved_where_it_is_asked_for_with_what_made_it(run, live):
    status, out, _ = run("make", "lucy-2.5", "--prompt", "A woodcut", "--sample", "--seed", "3", "-o", "out.mp4", *live)
    assert (status, out) == (0, "out.mp4\n")
    made = dnb.provenance("out.mp4")
    assert made["inputs"]["prompt"] == "A woodcut"
    assert made["inputs"]["seed"] == 3
    Path("clips").mkdir()
    _, out, _ = run("make", "lucy-2.5", "--prompt", "A woodcut", "--sample", "--seed", "3", "-o", "clips", *live)
    assert Path(out.strip()).parent == Path("clips")


def test_every_input_of_every_model_is_an_option(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    _, out, _ = run("make", "--help")
    names = {field.name.replace("_", "-") for model in dnb.models for field in model.fields}
    assert [name for name in names if f"--{name} " not in out] == []


@pytest.mark.filterwarnings("ignore:lucy-motion is retired:decart_nb.ModelWarning")
def test_options_become_the_types_of_the_models_inputs(run, live, small_image):
    path = '[{"frame": 0, "x": 0.5, "y": 0.5}, {"frame": 60, "x": 0.7, "y": 0.4}]'
    asked = ["make", "lucy-motion", "--data", str(small_image), "--trajectory", path, "--seed", "7"]
    assert run(*asked, *live)[0] == 0
    (record,) = Store(Path("decart_runs")).find()
    assert record.inputs["seed"] == 7
    assert [point["frame"] for point in record.inputs["trajectory"]] == [0, 60]


@pytest.mark.parametrize("made_before", [False, True], ids=["no store", "a store"])
def test_a_dry_run_says_what_it_would_cost_and_writes_nothing(made_before, run, live, submissions):
    asked = ["make", "lucy-2.5", "--prompt", "A {woodcut}", "--sample", "--seed", "3", *live]
    if made_before:
        assert run(*asked)[0] == 0
    before, sent = _files(), submissions()
    status, out, errors = run(*asked, "--dry-run")
    assert (status, errors, submissions()) == (0, "", sent)
    assert out.startswith("1 row · 1 reused" if made_before else "1 row · 1 new · 3 s of video to make · about $0.12")
    status, _, errors = run("make", "lucy-2.5", "--sample", "--seed", "x", *live, "--dry-run")
    assert status == 1
    assert "prompt is missing" in errors
    assert _files() == before


def test_a_dry_run_needs_no_key_to_tell_decarts_price(run, monkeypatch):
    monkeypatch.delenv("DECART_BACKEND")
    status, out, errors = run("make", "lucy-2.5", "--prompt", "A woodcut", "--sample", "--dry-run")
    assert (status, errors) == (0, "")
    assert out.startswith("1 row · 1 new · 3 s of video to make · about $0.12")
    assert _files() == set()


def test_a_dry_run_on_the_local_queue_starts_none(run, monkeypatch):
    monkeypatch.delenv("DECART_BACKEND")
    status, out, _ = run("make", "lucy-2.5", "--prompt", "A woodcut", "--sample", "--local", "--dry-run")
    assert status == 0
    assert "no cost" in out
    assert _files() == set()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["A cat playing piano"], "decart-nb models lists them all."),
        (["lucy-2.6x", "--prompt", "a"], "Did you mean lucy-2.6"),
        (["lucy-2.5", "--sample"], "prompt is missing"),
        (["lucy-2.5", "--prompt", "a", "--sample", "--data", "in.mp4"], "--sample and --data"),
        (["lucy-pro-t2v", "--prompt", "a", "--sample"], "which lucy-pro-t2v does not take"),
        (["lucy-2.5", "--prompt", "a", "--data", "in.mp4"], "no file in.mp4."),
        (["lucy-2.5", "--prompt", "a", "--sample", "-o", "absent/out.mp4"], "there is no folder absent."),
        (["lucy-2.5", "--prompt", "a", "--sample", "--price", "lucy-2.5"], "--price needs NAME=VALUE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_told_without_python_or_notebooks(arguments, sentence, run, live, submissions):
    status, out, errors = run("make", *arguments, *live)
    assert (status, out, submissions()) == (1, "", 0)
    assert sentence in errors
    assert not re.search(r"notebook|kernel|decart_nb\.|ModelDefinition|=…", errors)


def test_without_a_key_it_says_where_it_could_run(run, monkeypatch):
    monkeypatch.delenv("DECART_BACKEND")
    status, _, errors = run("make", "lucy-2.5", "--prompt", "a", "--sample")
    assert (status, errors.startswith("decart-nb: Where should this run? Set DECART_API_KEY")) == (1, True)
    assert _files() == set()


def test_a_job_is_fetched_by_the_beginning_of_its_id(run, live, submissions):
    run("make", "lucy-2.5", "--prompt", "A woodcut", "--sample", "--seed", "3", *live)
    (record,) = Store(Path("decart_runs")).find()
    status, out, _ = run("attach", record.job_id[:6], *live)
    assert (status, Path(out.strip()).name, submissions()) == (0, record.path, 1)
    status, _, errors = run("attach", "no-such-job", *live)
    assert status == 1
    assert "This queue knows no such job" in errors


def test_a_job_of_the_local_queue_is_fetched_there(run, small_video, monkeypatch):
    monkeypatch.delenv("DECART_BACKEND")
    made = ["make", "lucy-2.5", "--prompt", "A woodcut", "--data", str(small_video), "--resolution", "480p", "--local"]
    assert run(*made)[0] == 0
    (record,) = Store(Path("decart_runs")).find()
    status, out, _ = run("attach", record.job_id[:6])
    assert (status, Path(out.strip()).name) == (0, record.path)


def test_an_interrupt_says_how_to_go_on_in_the_shell(small_video, tmp_path, monkeypatch):
    with LocalQueue(tmp_path / "slow", canned=small_video, draw_duration=lambda: 30.0) as queue:
        monkeypatch.delenv("DECART_BACKEND")
        monkeypatch.setenv("DECART_API_KEY", queue.api_key)
        command = [str(SCRIPT), "make", "lucy-2.5", "--prompt", "A", "--sample", "--base-url", queue.base_url]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            until = time.monotonic() + 30
            while not _has_ids(tmp_path / "decart_runs"):
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert re.match(r"Stopped waiting. Job (\S+) goes on: decart-nb attach \1 waits for it again", errors)


def _has_ids(folder: Path) -> bool:
    if not (folder / "store.sqlite3").is_file():
        return False
    return any(record.job_id for record in Store(folder).find())


def test_a_terminal_shows_progress_the_facts_and_the_path(live):
    text = seen([str(SCRIPT), "make", "lucy-2.5", "--prompt", "A woodcut", "--sample", "--seed", "3", *live], 90)
    *_, facts, path, rest = re.split(r"[\r\n]+", text)
    assert facts.startswith("lucy-2.5 · A woodcut · seed 3")
    assert (path.endswith(".mp4"), rest) == (True, "")


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("http://example.com/cat.mp4", "is an address of the kind http:, to which nothing is written"),
        ("s3://", "names no file"),
    ],
)
def test_an_address_that_is_not_written_to_is_refused_before_anything_is_made(run, live, submissions, out, said):
    status, _, errors = run("make", "lucy-2.5", "--prompt", "A woodcut", "--sample", "-o", out, *live)
    assert (status, submissions()) == (1, 0)
    assert said in errors


def test_a_video_is_saved_at_an_address(run, live):
    status, out, _ = run("make", "lucy-2.5", "--prompt", "A woodcut", "--sample", "-o", "memory://made/cat.mp4", *live)
    assert (status, out) == (0, "memory://made/cat.mp4\n")
    assert fsspec.filesystem("memory").exists("/made/cat.mp4")
