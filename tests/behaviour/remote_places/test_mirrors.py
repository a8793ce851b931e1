"""Mirrors at fsspec addresses: opened elsewhere, interrupted, and never deleted from."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fsspec
import pytest

import decart_nb as dnb
from decart_nb.cli import main as cli
from tests import sweeping
from tests.remote_places import MODEL, connected, downloaded, files_at, put


def test_a_mirror_opened_elsewhere_reuses_everything(
    live, canned_queue, submitted, place, small_video, tmp_path
) -> None:
    sweep = live.sweep(model=MODEL, prompt=["a", "b"], data=small_video, name="looks")
    sweep.run()
    live.generate(MODEL, "alone", data=small_video)
    first = live.mirror(f"{place}/runs")
    assert (len(first.copied), first.skipped, first.kept) == (7, 0, None)
    there = [file for file in downloaded(f"{place}/runs", tmp_path / "size").iterdir() if file.is_file()]
    assert first.size_bytes == sum(file.stat().st_size for file in there) + small_video.stat().st_size  # and the input
    live.generate(MODEL, "later", data=small_video)
    second = live.mirror(f"{place}/runs")
    assert (len(second.copied), second.skipped) == (2, 7)
    live.close()

    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(downloaded(f"{place}/runs", tmp_path / "fetched"), elsewhere / "runs")
    shutil.rmtree(live.store)
    other = connected(canned_queue, store=elsewhere / "runs")
    assert submitted() == 4
    for prompt in ("a", "b", "alone", "later"):
        clip = other.submit(MODEL, prompt, data=small_video).result()
        assert clip.reused
        assert hashlib.sha256(clip.path.read_bytes()).hexdigest() == clip.sha256
    assert other.sweep.load("looks").run()["reused"].all()
    assert other.reproduce(clip.path).result().take == 1
    assert submitted() == 5


def test_nothing_at_a_mirror_is_ever_deleted(live, place, small_video) -> None:
    live.generate(MODEL, "a", data=small_video)
    live.mirror(f"{place}/runs")
    put(f"{place}/runs/notes.txt", b"mine")
    before = files_at(f"{place}/runs")
    live.prune(model=MODEL, delete=True)
    live.generate(MODEL, "b", data=small_video)
    mirrored = live.mirror(f"{place}/runs")
    after = files_at(f"{place}/runs")
    assert before.items() - after.items() == {("store.sqlite3", before["store.sqlite3"])}
    assert mirrored.kept is not None
    assert after[mirrored.kept] == before["store.sqlite3"], "the snapshot with the job that was pruned"
    assert mirrored.kept in repr(mirrored)
    assert live.mirror(f"{place}/runs").kept is None
    assert files_at(f"{place}/runs").keys() == after.keys()


def test_a_mirror_that_was_killed_goes_on_where_it_stopped(live, s3, small_video) -> None:
    live.generate(MODEL, "a", data=small_video)
    for number in range(100):
        content = f"input {number}".encode()
        with (live.store / "inputs" / f"{hashlib.sha256(content).hexdigest()}.txt").open("wb") as file:
            file.write(content)
    child = subprocess.Popen([sys.executable, "-m", "decart_nb", "mirror", f"{s3}/runs"])
    sweeping.wait_until(lambda: len(fsspec.filesystem("s3").find(s3, refresh=True)) >= 5, seconds=60)
    child.kill()
    child.wait()
    time.sleep(0.2)  # what the server had begun
    partial = files_at(f"{s3}/runs")
    assert "store.sqlite3" not in partial, "it was over before it could be killed"
    mirrored = live.mirror(f"{s3}/runs")
    assert set(mirrored.copied).isdisjoint(partial), "copied twice"
    assert mirrored.skipped == len(partial)
    whole = files_at(f"{s3}/runs")
    assert partial.items() <= whole.items()
    assert set(whole) == {*partial, *mirrored.copied, "store.sqlite3"}
    for name in set(whole) - {"store.sqlite3"}:
        assert hashlib.sha256((live.store / name).read_bytes()).hexdigest() == whole[name]


def test_what_is_half_written_is_not_taken_for_whole(live, submitted, place, small_video) -> None:
    clip = live.generate(MODEL, "a", data=small_video)
    put(f"{place}/runs/{clip.path.name}", clip.path.read_bytes()[:1000])
    put(f"{place}/runs/{clip.path.name}.0123456789abcdef.part", clip.path.read_bytes()[:500])
    assert clip.path.name in live.mirror(f"{place}/runs").copied
    assert files_at(f"{place}/runs")[clip.path.name] == clip.sha256


def test_the_shell_mirrors_a_store(live, place, small_video, capsys) -> None:
    live.generate(MODEL, "a", data=small_video)
    capsys.readouterr()
    assert cli.main(["mirror", f"{place}/runs"]) == 0
    assert capsys.readouterr().out.startswith(f"{place}/runs: 3 files copied, 0 there already")
    assert "store.sqlite3" in files_at(f"{place}/runs")


def test_a_mirror_without_its_bucket_says_how_far_it_came(live, s3, small_video) -> None:
    live.generate(MODEL, "a", data=small_video)
    with pytest.raises(dnb.StoreError, match=r"s3://no-such-bucket/runs is not complete: of 3 files, 0 are there, and"):
        live.mirror("s3://no-such-bucket/runs")


# The working store.


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("s3://bucket/runs", "local folder. session.mirror('s3://bucket/runs') copies what is new in it there."),
        (Path("s3://bucket/runs"), "session.mirror('s3://bucket/runs')"),
        ("sftp://ann:hunter2@host/runs", "session.mirror('sftp://host/runs?…')"),
        ("https://example.com/runs", "session.mirror('s3://bucket/runs') copies what is new in it to such an address."),
    ],
)
def test_a_store_at_an_address_is_an_error_that_names_the_mirror(given: Any, said: str, monkeypatch) -> None:
    for ask in (lambda: dnb.connect("local", store=given), lambda: dnb.connect("local")):
        with pytest.raises(dnb.InvalidInputError, match=re.escape(said)) as caught:
            ask()
        assert "hunter2" not in caught.value.message
        monkeypatch.setenv("DECART_STORE", str(given))
    assert list(Path.cwd().iterdir()) == []


def test_the_shell_says_so_too(capsys) -> None:
    assert cli.main(["jobs", "--store", "s3://bucket/runs"]) != 0
    assert "decart-nb mirror s3://bucket/runs copies what is new in it there." in capsys.readouterr().err
