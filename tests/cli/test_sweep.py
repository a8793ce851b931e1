"""``decart-nb sweep``: in this process, as a child that is interrupted, and in a terminal."""

from __future__ import annotations

import csv
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from decart_nb.cli import main as cli
from decart_nb.local.queue import LocalQueue
from decart_nb.store.store import Store
from tests.local.wire import SCRIPT
from tests.sweeping import SHORT
from tests.terminals import seen

pytestmark = pytest.mark.filterwarnings("ignore:lucy-.* is retired:decart_nb.ModelWarning")

_TABLE = 'prompt,note\nA cat,first\n"A dog, asleep",second\n'
_ADVICE = "The same command again fetches what was submitted, and goes on."


@pytest.fixture
def live(canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What makes the command reach a queue that answers at once; the table is there."""
    monkeypatch.delenv("DECART_BACKEND")
    monkeypatch.setenv("DECART_API_KEY", canned_queue.api_key)
    Path("prompts.csv").write_text(_TABLE)
    return ["prompts.csv", "--base-url", canned_queue.base_url, "--out", "runs"]


@pytest.fixture
def submissions(canned_queue: LocalQueue) -> Callable[[], int]:
    return lambda: canned_queue.jobs.stats.as_dict()["submissions"]


@pytest.fixture
def sweep(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command here, and gives its exit status and what it has said."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(["sweep", *arguments], polling=SHORT)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def _rows() -> list[dict[str, str]]:
    with Path("runs/results.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_row_is_made_with_every_model_and_seed(sweep, live, submissions):
    status, out, errors = sweep(
        *live, "--model", "lucy-pro-t2v", "--seed", "1", "--seed", "2", "--set", "resolution=480p"
    )
    assert (status, errors) == (0, "")
    plan, end = out.splitlines()
    assert plan.startswith("4 rows · 4 new · 20 s of video to make")
    assert re.fullmatch(r"sweep-\w+: 4 of 4 done in .*\. The table: runs/results\.csv", end)
    assert [(row["prompt"], row["seed"], row["input_note"], row["status"]) for row in _rows()] == [
        ("A cat", "1", "first", "completed"),
        ("A cat", "2", "first", "completed"),
        ("A dog, asleep", "1", "second", "completed"),
        ("A dog, asleep", "2", "second", "completed"),
    ]
    assert all(Path(row["path"]).is_file() for row in _rows())
    assert submissions() == 4


def test_the_same_command_again_makes_nothing_and_another_row_only_itself(sweep, live, submissions):
    asked = [*live, "--model", "lucy-pro-t2v", "--repeat", "2"]
    assert sweep(*asked)[0] == 0
    status, out, _ = sweep(*asked)
    assert (status, submissions()) == (0, 4)
    assert "4 of 4 done (4 reused)" in out
    Path("prompts.csv").write_text(f"{_TABLE}A bird,third\n")
    assert sweep(*asked)[0] == 0
    assert submissions() == 6
    assert {row["reused"] for row in _rows()[:4]} == {"True"}


def test_a_dry_run_shows_the_plan_and_sends_nothing(sweep, live, submissions):
    models = ["--model", "lucy-pro-t2v", "--model", "lucy-pro-i2v"]
    status, out, errors = sweep(*live, "--model", "lucy-pro-t2v", "--dry-run")
    assert (status, errors) == (0, "")
    totals, head, first, second = out.splitlines()
    assert totals.startswith("2 rows · 2 new")
    assert head.split() == ["row", "model", "prompt", "input_note", "plan", "seconds", "cost"]
    assert first.split()[:2] == ["0", "lucy-pro-t2v"]
    assert "A dog, asleep  second      new " in second
    status, out, _ = sweep(*live, *models, "--dry-run")
    assert status == 1  # rows are invalid
    assert out.splitlines()[3].endswith(
        "Invalid inputs for lucy-pro-i2v: data is missing: lucy-pro-i2v needs an image."
    )
    assert submissions() == 0
    assert not Path("runs").exists()


def test_a_dry_run_looks_into_the_store_that_is_there_and_writes_nothing(sweep, live, submissions):
    assert sweep(*live, "--model", "lucy-pro-t2v")[0] == 0
    before = {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}
    status, out, _ = sweep(*live, "--model", "lucy-pro-t2v", "--dry-run")
    assert (status, submissions()) == (0, 2)
    assert out.startswith("2 rows · 2 reused")
    assert {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()} == before


def test_a_long_plan_and_a_long_prompt_are_cut_and_move_no_cursor(sweep, live):
    Path("prompts.csv").write_text("prompt\n" + "".join(f'"{n} \x1b[2J\nand {"so on " * 20}"\n' for n in range(100)))
    _, out, _ = sweep(*live, "--model", "lucy-pro-t2v", "--dry-run")
    assert out.splitlines()[-1] == "and 40 more rows"
    assert len(out.splitlines()) == 63
    assert max(map(len, out.splitlines())) < 100
    assert "\x1b" not in out


def test_rows_that_are_not_done_are_told_and_the_status_says_so(sweep, live, submissions):
    status, out, errors = sweep(*live, "--model", "lucy-pro-t2v", "--model", "lucy-pro-i2v", "--seed", "3")
    assert status == 1
    assert "2 of 4 done in " in out
    first, second, note = errors.splitlines()
    assert first == (
        "row 1, lucy-pro-i2v · 3 · A cat: invalid: "
        "Invalid inputs for lucy-pro-i2v: data is missing: lucy-pro-i2v needs an image."
    )
    assert second.startswith("row 3, ")
    assert "--dry-run" in note
    assert submissions() == 2
    assert [row["status"] for row in _rows()] == ["completed", "invalid"] * 2


def test_what_the_cap_keeps_back_stays_planned(sweep, live, submissions):
    capped = [*live, "--model", "lucy-pro-t2v", "--name", "cats", "--price", "lucy-pro-t2v=0.04", "--max-cost", "0.30"]
    status, out, errors = sweep(*capped)
    assert (status, submissions()) == (1, 1)
    assert "sweep cats: 1 of 2 done" in out
    assert "about $0.20 of at most $0.30" in out
    assert errors == "1 row is kept back by --max-cost $0.30, and stays planned.\n"
    assert sorted(row["status"] for row in _rows()) == ["completed", "planned"]
    assert sweep(*capped[:-1], "0.40")[0] == 0
    assert submissions() == 2


def test_what_has_failed_is_made_anew_only_when_asked_for(sweep, live, canned_queue, submissions, small_video):
    asked = [*live, "--model", "lucy-pro-t2v"]
    assert sweep(*asked)[0] == 0
    store = Store(Path("runs").absolute())
    record = store.find()[0]
    store.video(record).unlink()
    store.update(record, status="failed", error="The light was bad.", path=None)
    status, out, errors = sweep(*asked)
    assert (status, submissions()) == (1, 2)
    assert "1 failed" in out
    said, note = errors.splitlines()
    assert said.endswith(": failed: The light was bad.")
    assert note == "Failed rows are submitted again only by --retry."
    assert "--retry makes it again" in sweep(*asked, "--dry-run")[1]
    assert sweep(*asked, "--retry")[0] == 0
    assert submissions() == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "lucy-pro-t2v", "absent.csv"], "There is no table absent.csv."),
        ([], "A sweep needs a model: --model lucy-2.5, or a column called model."),
        (["--model", "lucy-pro-t2v", "--set", "resolution"], "--set needs NAME=VALUE, not 'resolution'."),
        (["--model", "lucy-pro-t2v", "--set", "resolutoin=480p"], "Did you mean resolution?"),
        (["--model", "lucy-pro-t2v", "--set", "repeat=3"], "--repeat is an option of its own."),
        (["--model", "lucy-pro-t2v", "--set", "prompt=A cat"], "prompt is given 2 times; give it once."),
        (["--model", "lucy-pro-t2v", "--uncertain"], "--uncertain goes with --retry."),
        (["--model", "lucy-pro-t2v", "--max-cost", "nan"], "--max-cost must be USD, as a number from 0, not nan."),
        (
            ["--model", "lucy-pro-t2v", "--concurrency", "0"],
            "concurrency must be a whole number of jobs from 1, not 0.",
        ),
        (["--model", "lucy-pro-t2v", "--price", "lucy-pro-t2v=dear"], "must be USD per generated second, not 'dear'."),
        (["--model", "lucy-pro-t2v", "--out", "prompts.csv"], "store prompts.csv is not a folder that can be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_told_in_a_sentence(arguments, sentence, sweep, live, submissions):
    tables = [argument for argument in arguments if argument.endswith(".csv") and "--out" not in arguments]
    status, _, errors = sweep(*(live[1:] if tables else live), *arguments)
    assert status == 1
    [line] = errors.splitlines()
    assert line.startswith("decart-nb: ")
    assert sentence in line
    assert submissions() == 0


def test_an_unknown_price_under_a_cap_is_refused_in_the_shells_own_words(sweep, live, submissions, small_video):
    asked = [*live, "--model", "lucy-fast-v2v", "--set", f"data={small_video}"]
    status, _, errors = sweep(*asked, "--max-cost", "5")
    assert status == 1
    assert "--price MODEL=USD, or --allow-unknown-cost" in errors
    assert submissions() == 0
    assert sweep(*asked, "--max-cost", "5", "--allow-unknown-cost")[0] == 0
    assert submissions() == 2


def test_without_a_key_it_says_where_it_could_run(sweep, monkeypatch):
    monkeypatch.delenv("DECART_BACKEND")
    Path("prompts.csv").write_text(_TABLE)
    status, out, errors = sweep("prompts.csv", "--model", "lucy-pro-t2v", "--out", "runs")
    assert (status, out) == (1, "")
    assert errors == (
        "decart-nb: Where should this run? Set DECART_API_KEY for Decart, or give --local for previews on the local "
        "queue.\n"
    )
    assert not Path("runs").exists()


def test_a_table_that_cannot_be_written_keeps_the_one_that_was_there(sweep, live):
    Path("runs/results.csv").mkdir(parents=True)
    status, _, errors = sweep(*live, "--model", "lucy-pro-t2v")
    assert status == 1
    assert errors.startswith("decart-nb: runs/results.csv cannot be written: ")
    assert [path.name for path in Path("runs").glob(".results*")] == []


def test_the_local_queue_renders(sweep, small_video):
    Path("prompts.csv").write_text(_TABLE)
    model = ["--model", "lucy-2.5", "--set", f"data={small_video}", "--set", "resolution=480p"]
    status, out, errors = sweep("prompts.csv", *model, "--local", "--out", "runs")
    assert (status, errors) == (0, "")
    assert "2 of 2 done" in out
    assert {(row["backend"], row["height"]) for row in _rows()} == {("local", "480")}


@pytest.fixture
def slow_queue(tmp_path: Path, small_video: Path, monkeypatch: pytest.MonkeyPatch):
    """A queue whose jobs take two seconds, and what makes the command reach it; six rows."""
    with LocalQueue(tmp_path / "slow", canned=small_video, draw_duration=lambda: 2.0) as queue:
        monkeypatch.delenv("DECART_BACKEND")
        monkeypatch.setenv("DECART_API_KEY", queue.api_key)
        Path("prompts.csv").write_text(_TABLE)
        queue.asked = ["prompts.csv", "--base-url", queue.base_url, "--out", "runs", "--model", "lucy-pro-t2v"]
        queue.asked += ["--repeat", "3", "--concurrency", "3", "--name", "cats"]
        yield queue


def test_an_interrupt_loses_nothing_and_the_same_command_goes_on(slow_queue):
    command = [str(SCRIPT), "sweep", *slow_queue.asked]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while slow_queue.jobs.stats.as_dict()["submissions"] < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.endswith(f"cats submits no more. {_ADVICE}\n")  # after a warning of the model's age
    assert out.startswith("6 rows · 6 new")
    assert len(_rows()) == 6
    assert {row["status"] for row in _rows()} <= {"pending", "processing", "completed", "planned"}
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 0
    assert "submits" not in again.stderr
    assert "sweep cats: 6 of 6 done" in again.stdout
    assert slow_queue.jobs.stats.as_dict()["submissions"] == 6


def test_a_terminal_shows_one_line_of_progress_and_then_how_it_ended(slow_queue):
    text = seen([str(SCRIPT), "sweep", *slow_queue.asked], 90)
    lines = re.split(r"[\r\n]+", text)
    percents = [int(found[1]) for line in lines if (found := re.search(r"6 done.* (\d+)%\|", line))]
    assert len(set(percents)) >= 3
    assert percents == sorted(percents)
    assert all(len(line.rstrip()) <= 90 for line in lines if "%|" in line)
    assert len([line for line in lines if line.startswith("sweep cats: 6 of 6 done") and "|" not in line]) == 1
    assert "Traceback" not in text


def test_ctrl_c_in_a_terminal(slow_queue):
    keys = [b"\x03"]

    def typed() -> bytes:
        return keys.pop() if keys and slow_queue.jobs.stats.as_dict()["submissions"] >= 3 else b""

    text = seen([str(SCRIPT), "sweep", *slow_queue.asked], status=130, typed=typed)
    assert text.rstrip().endswith(f"cats submits no more. {_ADVICE}")
    assert "Traceback" not in text
    assert len(_rows()) == 6
