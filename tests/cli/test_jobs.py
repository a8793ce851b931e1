"""``decart-nb jobs``: what a folder of videos remembers."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from decart_nb.cli import main as cli
from decart_nb.cli.jobs import whole_id
from decart_nb.errors import InvalidInputError
from decart_nb.store.job_row import Record
from decart_nb.store.store import Store
from tests.local.wire import SCRIPT
from tests.terminals import seen

_IDS = [f"{number:02d}c0ffee-1111-2222-3333-444455556666" for number in range(3)]


@pytest.fixture
def jobs(capsys: pytest.CaptureFixture[str]):
    """Runs the command, and gives its exit status and what it has said."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(["jobs", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def _filled(folder: Path) -> None:
    store = Store(folder)
    prompts = ["A cat\x1b[2J playing piano in a cozy living room, with the light of the evening", "A dog", "A bird"]
    for number, (job_id, prompt) in enumerate(zip(_IDS, prompts, strict=True)):
        made = Record(f"r{number}", "local", "local", "lucy-2.5", "lucy-2.5", inputs={"prompt": prompt, "seed": number})
        record, _ = store.claim(made)
        store.update(record, status="pending", job_id=job_id, submitted_at=1.8e9)
    store.update(record, status="failed", error=f"no such picture{' at all' * 40}")
    store.close()


def test_there_may_be_no_store_and_no_job(jobs, tmp_path):
    assert jobs() == (1, "", "decart-nb: There is no store in decart_runs/; --store names another folder.\n")
    assert not Path("decart_runs").exists()
    Store(tmp_path / "decart_runs")
    assert jobs() == (0, "No jobs yet.\n", "")


def test_it_fits_a_hundred_columns_and_has_prompts_the_newest_first(jobs):
    _filled(Path("kept"))
    status, out, errors = jobs("--store", "kept")
    assert (status, errors) == (0, "")
    head, bird, reason, dog, cat = out.splitlines()
    assert max(map(len, out.splitlines())) <= 100
    assert head.split() == ["id", "model", "status", "submitted", "prompt"]
    assert cat.split()[:4] == [_IDS[0][:8], "lucy-2.5", "pending", "2027-01-15"]
    assert "A cat [2J playing piano in a cozy" in cat.replace("\N{REPLACEMENT CHARACTER}", " ").replace("  ", " ")
    assert "\x1b" not in out
    assert dog.endswith("A dog")
    assert (bird.split()[2], bird.endswith("A bird")) == ("failed", True)
    assert reason.startswith("  no such picture at all")


def test_a_narrow_terminal_keeps_ids_states_and_prompts(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)  # which would stand for the terminal's width
    _filled(Path("decart_runs"))
    lines = seen([str(SCRIPT), "jobs"], 60).replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[0].split() == ["id", "model", "status", "prompt"]
    assert lines[3].split() == [_IDS[1][:8], "lucy-2.5", "pending", "A", "dog"]


def test_one_status_can_be_asked_for(jobs):
    _filled(Path("decart_runs"))
    assert [line.split()[0] for line in jobs("--status", "pending")[1].splitlines()[1:]] == [_IDS[1][:8], _IDS[0][:8]]
    assert jobs("--status", "rejected")[1] == "No job is rejected.\n"


def test_programs_get_all_columns_as_csv(jobs):
    _filled(Path("decart_runs"))
    rows = list(csv.DictReader(io.StringIO(jobs("--csv")[1])))
    assert [row["job_id"] for row in rows] == _IDS[::-1]
    assert [row["seed"] for row in rows] == ["2", "1", "0"]
    assert rows[0]["error"].endswith("at all")


def test_a_job_is_found_by_the_beginning_of_its_id():
    assert whole_id("01", _IDS) == _IDS[1]
    assert whole_id(_IDS[2], [*_IDS, f"{_IDS[2]}-more"]) == _IDS[2]
    assert whole_id("unknown", _IDS) == "unknown"
    with pytest.raises(InvalidInputError, match="3 jobs have ids that begin with 0"):
        whole_id("0", _IDS)
