"""Inputs, tables, exports and copies at fsspec addresses: in memory, and on an S3 server on loopback."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
import uuid
from pathlib import Path

import fsspec
import pandas as pd
import pytest

import decart_nb as dnb
from decart_nb.cli import main as cli
from tests import sweeping
from tests.odd_file_system import FailingFileSystem, OddFileSystem, failing_address, odd_address
from tests.remote_places import MODEL, downloaded, files_at, put

# Inputs.


def test_an_input_at_an_address_is_found_by_its_content(live, submitted, place, small_video) -> None:
    address = put(f"{place}/clips/in.mp4", small_video.read_bytes())
    clip = live.generate(MODEL, "a", data=address)
    assert clip.inputs["data"] == "in.mp4"
    assert live.submit(MODEL, "a", data=small_video).result().reused
    assert live.submit(MODEL, "a", data=put(f"{place}/other.mp4", small_video.read_bytes())).result().reused
    assert submitted() == 1


def test_the_client_takes_an_address_too(canned_queue, submitted, s3, small_video) -> None:
    address = put(f"{s3}/in.mp4", small_video.read_bytes())

    async def submit() -> None:
        async with dnb.DecartClient(api_key=canned_queue.api_key, base_url=canned_queue.base_url) as client:
            await client.queue.submit({"model": MODEL, "prompt": "a", "data": address})

    asyncio.run(submit())
    assert submitted() == 1


def test_a_plan_downloads_an_input_once_and_the_run_sends_what_was_planned(live, submitted, place, small_video) -> None:
    address = put(f"{place}/in.mp4", small_video.read_bytes())
    live.generate(MODEL, "a", data=small_video, seed=1)
    sweep = live.sweep(model=MODEL, prompt=["a", "b"], seed=[1, 2], data=address, name="there")
    plan = sweep.plan
    assert plan["plan"].value_counts().to_dict() == {"new": 3, "reused": 1}
    assert plan["cost"].tolist() == pytest.approx([0.04] * 4)
    assert set(plan["data"]) == {address}
    fsspec.filesystem(address.partition(":")[0]).rm(address)
    results = sweep.run(max_cost=1)
    assert results["status"].tolist() == ["completed"] * 4
    assert submitted() == 4
    again = dnb.sweep.load("there")
    assert again.plan["plan"].tolist() == ["reused"] * 4
    assert set(again.plan["data"]) == {address}


def test_a_row_whose_input_is_not_there_is_invalid_and_the_others_are_made(live, place, small_video) -> None:
    there = put(f"{place}/in.mp4", small_video.read_bytes())
    sweep = live.sweep(model=MODEL, prompt="a", data=[there, f"{place}/gone.mp4"])
    plan = sweep.plan
    assert plan["plan"].tolist() == ["new", "invalid"]
    assert f"data cannot be fetched from {place}/gone.mp4 (there is no such file" in plan["why"][1]
    assert sweep.run()["status"].tolist() == ["completed", "invalid"]


def test_a_run_reads_an_address_again_that_the_plan_could_not_read(live, place, small_video) -> None:
    sweep = live.sweep(model=MODEL, prompt="a", data=f"{place}/late.mp4")
    assert sweep.plan["plan"].tolist() == ["invalid"]
    put(f"{place}/late.mp4", small_video.read_bytes())
    assert sweep.run()["status"].tolist() == ["completed"]


def test_the_process_need_not_wait_for_the_downloads_of_an_interrupted_plan(live) -> None:
    sweep = live.sweep(model=MODEL, prompt="a", data=f"{odd_address()}/held")
    before = threading.enumerate()

    def begun() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in before]

    def interrupt() -> None:
        sweeping.wait_until(lambda: any("remote file" in thread.name for thread in begun()))
        os.kill(os.getpid(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt, daemon=True)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        _ = sweep.plan
    sweeping.wait_until(lambda: all(thread.daemon for thread in begun()))
    assert not OddFileSystem.released.is_set()
    OddFileSystem.released.set()


def test_a_secret_in_an_address_is_nowhere(live, small_video, tmp_path) -> None:
    address = f"memory://{uuid.uuid4().hex}/in.mp4?token=5ec3e7"
    put(address, small_video.read_bytes())
    live.generate(MODEL, "a", data=address)
    sweep = live.sweep(model=MODEL, prompt="a", data=[address, address.replace("in", "gone")], name="secret")
    results = sweep.run()
    assert results["data"][0] == address.replace("?token=5ec3e7", "?…")
    for table in (sweep.plan, results, live.jobs()):
        assert "5ec3e7" not in table.to_csv()
    live.close()
    for path in live.store.rglob("*"):
        assert path.is_dir() or b"5ec3e7" not in path.read_bytes()


def test_an_input_is_cut_and_fitted_from_an_address(place, small_video) -> None:
    address = put(f"{place}/in.mp4", small_video.read_bytes())
    assert Path(dnb.trim(address, 0, 0.5)).read_bytes() == Path(dnb.trim(small_video, 0, 0.5)).read_bytes()


# Tables.


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_of_rows_is_read_from_an_address(live, place, small_video, ending) -> None:
    data = put(f"{place}/in.mp4", small_video.read_bytes())
    table = pd.DataFrame({"prompt": ["a", "007"], "seed": [1, 2], "data": data})
    with fsspec.open(f"{place}/rows.{ending}", "wb") as file:
        table.to_csv(file, index=False) if ending == "csv" else table.to_parquet(file, index=False)
    plan = live.sweep(f"{place}/rows.{ending}", model=MODEL).plan
    assert plan[["prompt", "seed", "plan"]].to_numpy().tolist() == [["a", 1, "new"], ["007", 2, "new"]]


def test_the_shell_reads_a_table_at_an_address(s3, small_video, capsys) -> None:
    put(f"{s3}/rows.csv", b"prompt,seed\na,1\nb,2\n")
    data = put(f"{s3}/in.mp4", small_video.read_bytes())
    held = ["--model", MODEL, "--set", f"data={data}"]
    assert cli.main(["sweep", f"{s3}/rows.csv", *held, "--out", "runs", "--local", "--dry-run"]) == 0
    assert "2 new" in capsys.readouterr().out
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("memory://none.csv", r"The table memory://none.csv cannot be fetched \(there is no such file"),
        ("memory://a.docx", "a.docx is not a table of a type that can be read"),
        ("memory://a.csv::s3://b/c.csv", "is a chain of addresses"),
        ("foo://a.csv", "is an address of the kind foo:, which is not fetched"),
    ],
)
def test_a_table_that_is_not_there_is_an_error(live, table, said) -> None:
    with pytest.raises(dnb.InvalidInputError, match=said):
        live.sweep(table, model=MODEL)


# Copies and exports.


def test_a_copy_is_saved_at_an_address_with_its_tags(live, place, small_video, tmp_path) -> None:
    clip = live.generate(MODEL, "a", data=small_video)
    assert clip.save(f"{place}/cat.mp4") == f"{place}/cat.mp4"
    assert clip.save(f"{place}/cats/") == f"{place}/cats/{clip.path.name}"
    assert set(files_at(place)) == {"cat.mp4", f"cats/{clip.path.name}"}
    downloaded(place, tmp_path / "fetched")
    assert dnb.provenance(tmp_path / "fetched" / "cat.mp4")["job_id"] == clip.job_id
    clip.save(tmp_path / "local.mp4")
    assert (tmp_path / "local.mp4").read_bytes() == (tmp_path / "fetched" / "cat.mp4").read_bytes()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://cat.avi", "the name must end in .mp4"),
        ("http://example.com/cat.mp4", "of the kind http:, to which nothing is written"),
        ("foo://cat.mp4", "of the kind foo:, to which nothing is written; give a path, or an address of s3, "),
        (Path("memory://a/cat.mp4"), "memory://a/cat.mp4 is an address: give it as text, and not as a Path"),
        (Path("sftp://ann:hunter2@host/cat.mp4"), "sftp://host/cat.mp4?… is an address: give it as text"),
        ("memory://a::memory://b.mp4", "is a chain of addresses"),
        ("s3://", "names no file"),
        ("memory://a/cat.mp4?versionId=1", "has a query, memory://a/cat.mp4?…; leave out what follows"),
    ],
)
def test_what_cannot_be_written_to_is_said(live, small_video, address, said) -> None:
    clip = live.generate(MODEL, "a", data=small_video)
    with pytest.raises(dnb.InvalidInputError, match=re.escape(said)) as caught:
        clip.save(address)
    assert "hunter2" not in caught.value.message


def test_a_file_address_is_a_path_of_this_machine(live, small_video, tmp_path) -> None:
    clip = live.generate(MODEL, "a", data=small_video)
    assert clip.save((tmp_path / "a b.mp4").as_uri()) == tmp_path / "a b.mp4"
    assert (tmp_path / "a b.mp4").exists()


def test_a_bucket_that_is_not_there_is_an_error_of_the_export(live, s3, small_video) -> None:
    clip = live.generate(MODEL, "a", data=small_video)
    with pytest.raises(
        dnb.MediaError, match=r"cat.mp4 cannot be saved at s3://no-such-bucket/cat.mp4: there is no such"
    ):
        clip.save("s3://no-such-bucket/cat.mp4")


def test_exports_are_written_at_addresses(live, place, small_video, tmp_path) -> None:
    table = live.sweep(model=MODEL, prompt=["a", "b"], data=small_video).run()
    assert table.decart.contact_sheet(f"{place}/sheet.png", cell_width=120) == f"{place}/sheet.png"
    assert table.decart.grid_video(f"{place}/grid.mp4", cell_width=120) == f"{place}/grid.mp4"
    assert table.decart.to_html(f"{place}/page.html", single_file=True) == f"{place}/page.html"
    for _ in range(2):  # a gallery is replaced
        assert table.decart.to_html(f"{place}/looks") == f"{place}/looks/index.html"
    fetched, local = downloaded(place, tmp_path / "fetched"), tmp_path / "local"
    table.decart.to_html(local / "looks")
    for name in ("sheet.png", "grid.mp4", "page.html"):
        assert (fetched / name).stat().st_size > 1000
    for path in (path for path in local.rglob("*") if path.is_file()):
        assert path.read_bytes() == (fetched / path.relative_to(local)).read_bytes()
    put(f"{place}/mine/notes.txt", b"mine")
    with pytest.raises(dnb.InvalidInputError, match="mine has other files in it: name a new folder"):
        table.decart.to_html(f"{place}/mine")
    assert set(files_at(f"{place}/mine")) == {"notes.txt"}


def test_a_gallery_whose_upload_broke_off_is_written_again(live, small_video) -> None:
    place = failing_address()
    table = live.sweep(model=MODEL, prompt="a", data=small_video).run()
    FailingFileSystem.failing.add("gallery.js")
    with pytest.raises(dnb.MediaError, match="looks cannot be saved at oss://bucket/looks: the line is down"):
        table.decart.to_html(f"{place}/looks")
    assert b"is being written" in fsspec.filesystem("oss").cat(f"{place}/looks/index.html")
    FailingFileSystem.failing.clear()
    assert table.decart.to_html(f"{place}/looks") == f"{place}/looks/index.html"
    assert b"is being written" not in fsspec.filesystem("oss").cat(f"{place}/looks/index.html")
