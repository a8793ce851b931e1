"""Files of the store, and stores that are damaged or come from somebody else: nothing outside the folder is touched."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from decart_nb import StoreError
from decart_nb.store.store import Store
from tests.records import wanted


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_video_that_was_removed_or_changed_is_none(store) -> None:
    record, _ = store.claim(wanted())
    (store.folder / "v.mp4").write_bytes(b"video")
    store.update(record, status="completed", path="v.mp4", size_bytes=5)
    assert store.video(record)
    (store.folder / "v.mp4").write_bytes(b"other video")
    assert store.video(record) is None
    (store.folder / "v.mp4").unlink()
    assert store.video(record) is None


def test_where_no_write_ahead_log_is_to_be_had_it_keeps_a_journal(tmp_path) -> None:
    store = Store(tmp_path / "runs", vfs="unix-dotfile")
    record, _ = store.claim(wanted())
    store.update(record, status="completed")
    assert Store(tmp_path / "runs", vfs="unix-dotfile").claim(wanted()) == (record, False)
    assert sqlite3.connect(store.folder / "store.sqlite3").execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_newer_store_is_refused_and_left_as_it_is(store) -> None:
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer decart_nb"):
        Store(store.folder)
    assert sqlite3.connect(store.folder / "store.sqlite3").execute("PRAGMA user_version").fetchone() == (99,)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path) -> None:
    (tmp_path / "store.sqlite3").write_bytes(b"my notes" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path)
    assert (tmp_path / "store.sqlite3").read_bytes() == b"my notes" * 100


def test_a_full_disk_is_a_sentence_and_what_was_written_stands(store) -> None:
    record, _ = store.claim(wanted())
    with store.database.connection() as database:  # SQLite's own word for a disk that holds no more
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"full.*Free some space"):
        store.claim(wanted("large", inputs={"prompt": "x" * 10**6}))
    assert store.refreshed(record) == record


def test_an_input_lies_there_once_whatever_it_is_called(store) -> None:
    digest = _digest("1")
    first = store.keep_input({"sha256": digest, "filename": "a.PNG"}, io.BytesIO(b"1"))
    assert store.keep_input({"sha256": digest, "filename": "b.png"}, io.BytesIO(b"2")) == first
    assert first.read_bytes() == b"1"
    assert [path.name for path in first.parent.iterdir()] == [f"{digest}.png"]


def test_an_input_with_other_bytes_than_its_digest_says_is_not_kept(store) -> None:
    with pytest.raises(StoreError, match=r"in\.png was changed while it was copied"):
        store.keep_input({"sha256": _digest("before"), "filename": "in.png"}, io.BytesIO(b"after"))
    assert not [*(store.folder / "inputs").iterdir()]


def test_forgetting_takes_the_video_and_the_inputs_that_nothing_else_was_made_from(store) -> None:
    files = [{"data": {"sha256": _digest(name), "filename": "x.png"}} for name in ("one", "both", "both")]
    records = []
    for number, (file, content) in enumerate(zip(files, (b"one", b"both", b"both"), strict=True)):
        store.keep_input(file["data"], io.BytesIO(content))
        record, _ = store.claim(wanted(f"r{number}", files=file))
        (store.folder / f"{number}.mp4").write_bytes(b"video")
        (store.folder / f"{number}.mp4.json").write_text("{}")
        store.update(record, status="completed", path=f"{number}.mp4", size_bytes=5)
        records.append(record)
    (store.folder / "inputs" / f"{_digest('killed')}.png.{_digest('')[:32]}.part").write_bytes(b"x")
    for path in (store.folder / "inputs").iterdir():
        os.utime(path, (1, 1))
    store.keep_input({"sha256": _digest("new"), "filename": "x.png"}, io.BytesIO(b"new"))  # for a job that comes next
    store.save_sweep("cats", json.dumps({"data": {"sha256": _digest("swept")}}))
    store.keep_input({"sha256": _digest("swept"), "filename": "x.png"}, io.BytesIO(b"swept"))
    os.utime(store.folder / "inputs" / f"{_digest('swept')}.png", (1, 1))
    store.delete(records[:2])
    assert [record.row for record in store.find()] == [records[2].row]
    assert sorted(path.name for path in store.folder.glob("*.mp4*")) == ["2.mp4", "2.mp4.json"]
    left = {path.stem for path in (store.folder / "inputs").iterdir()}
    assert left == {_digest(name) for name in ("both", "new", "swept")}


@pytest.mark.parametrize("name", ["../thesis.tex", "/etc/hostname", "sub/x.mp4", "..", "link.mp4", "x.mp4/"])
def test_a_path_that_leads_elsewhere_is_not_believed(store, tmp_path, name) -> None:
    for path in (tmp_path / "thesis.tex", store.folder / "x.mp4", tmp_path / "linked"):
        path.write_bytes(b"x" * 9)
    (store.folder / "sub").mkdir()
    (store.folder / "sub" / "x.mp4").write_bytes(b"x" * 9)
    (store.folder / "link.mp4").symlink_to(tmp_path / "linked")
    record, _ = store.claim(wanted())
    store.update(record, status="completed", path=name, size_bytes=9)
    assert store.video(record) is None
    store.delete([record])
    assert (tmp_path / "thesis.tex").exists()
    assert (tmp_path / "linked").exists()
    assert (store.folder / "sub" / "x.mp4").exists()


def test_folders_that_are_links_are_not_cleared(store, tmp_path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "thesis.tex").write_text("twelve years")
    os.utime(papers / "thesis.tex", (1, 1))
    for name in ("inputs", "holders"):
        copy = tmp_path / f"store-{name}"
        shutil.copytree(store.folder, copy)
        shutil.rmtree(copy / name)
        (copy / name).symlink_to(papers, target_is_directory=True)
        if name == "holders":
            with pytest.raises(StoreError, match="is a link"):
                Store(copy)
        else:
            Store(copy).delete([])
    (store.folder / "inputs" / "notes.txt").write_text("mine")
    os.utime(store.folder / "inputs" / "notes.txt", (1, 1))
    (store.folder / "holders" / "notes").write_text("mine")
    Store(store.folder).delete([])
    assert (papers / "thesis.tex").exists()
    assert (store.folder / "inputs" / "notes.txt").exists()
    assert (store.folder / "holders" / "notes").exists()


@pytest.mark.parametrize("digest", ["../../x", "", None, 5.5, "a/b"])
def test_a_digest_that_is_none_is_no_file(store, digest) -> None:
    with pytest.raises(StoreError, match="no digest"):
        store.files.input({"sha256": digest, "filename": "x.png"})


@pytest.mark.parametrize(
    "damage",
    [
        "inputs = 'not json'",
        "files = '{\"data\": 5}'",
        "took = 'x'",
        "ended_at = 'x'",
        "created_at = 'x'",
        "take = 'x'",
    ],
    ids=lambda damage: damage.partition(" ")[0],
)
def test_a_damaged_row_is_read_as_far_as_it_can_be(store, damage) -> None:
    record, _ = store.claim(wanted(inputs={"prompt": "a"}))
    store.update(record, status="failed", took=1.0)
    with store.database.connection() as database:
        database.execute(f"UPDATE jobs SET {damage}")
    (found,) = store.find()
    assert found.status == "failed"
    assert store.durations("lucy-2.5", "local") in ([], [(1.0, None)])
    store.delete([found])


def test_two_may_delete_at_once(store) -> None:
    records = []
    for number in range(50):
        record, _ = store.claim(wanted(f"r{number}"))
        (store.folder / f"{number}.mp4").write_bytes(b"video")
        store.update(record, status="completed", path=f"{number}.mp4", size_bytes=5)
        records.append(record)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(Store(store.folder).delete, records) for _ in range(4)]:
            done.result(60)
    assert store.find() == []
    assert not list(store.folder.glob("*.mp4"))


def test_half_a_character_is_no_reason_to_lose_a_job(store) -> None:
    record, _ = store.claim(wanted())
    store.update(record, status="failed", error="why \ud800")
    assert store.refreshed(record).error == "why ?"


def test_an_input_is_known_by_its_bytes(store, tmp_path) -> None:
    file = {"sha256": _digest("mine"), "filename": "x.png"}
    path = store.files.input(file)
    path.write_bytes(b"somebody else's")
    assert not store.files.has_input(file)
    assert store.keep_input(file, io.BytesIO(b"mine")).read_bytes() == b"mine"
    assert store.files.has_input(file)
    path.write_bytes(b"thin")  # changed by hand afterwards
    os.utime(path, (1, 1))
    assert not store.files.has_input(file)
    path.unlink()
    (tmp_path / "secret").write_bytes(b"mine")
    path.symlink_to(tmp_path / "secret")
    assert not store.files.has_input(file)
    store.keep_input(file, io.BytesIO(b"mine"))
    assert not path.is_symlink()


@pytest.mark.parametrize("column", ["path", "holder", "job_id", "error", "sweep", "model", "request", "sha256"])
def test_a_blob_in_the_place_of_a_text_is_nothing(store, column) -> None:
    record, _ = store.claim(wanted())
    store.update(record, status="unreachable", job_id="j1", path="x.mp4")
    with store.database.connection() as database:
        database.execute(f"UPDATE jobs SET {column} = x'00ff'")
    assert len(store.find()) == 1
    assert len(store.orphaned("local")) == 1
    Store(store.folder).delete(store.find())


def test_a_poster_lies_there_once_by_the_digest_of_its_video(store) -> None:
    digest = _digest("video")
    assert store.files.poster(digest) is None  # also where there is no such folder, as in a store from before
    path = store.files.keep_poster(digest, b"first")
    assert store.files.keep_poster(digest, b"second", staging=store.staging) == path == store.files.poster(digest)
    assert (path.name, path.read_bytes()) == (f"{digest}.webp", b"second")
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert Store(store.folder).files.poster(digest) == path


@pytest.mark.parametrize("digest", ["../../x", "", "A" * 64, "a" * 63, "a/b", "a" * 64 + "\n"])
def test_a_digest_that_is_none_has_no_poster(store, digest) -> None:
    assert store.files.poster(digest) is None
    with pytest.raises(StoreError, match="SHA-256"):
        store.files.keep_poster(digest, b"x")
    assert store.files.poster(None) is None


def test_a_poster_that_is_no_regular_file_is_not_believed(store, tmp_path) -> None:
    digest, elsewhere = _digest("video"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / f"{digest}.webp").write_bytes(b"mine")
    path = store.files.keep_poster(digest, b"x")
    for content in (b"", b"x" * 2**19):
        path.write_bytes(content)
        assert store.files.poster(digest) is None
    path.unlink()
    path.symlink_to(elsewhere / f"{digest}.webp")
    assert store.files.poster(digest) is None
    store.files.remove_posters([digest])
    assert path.is_symlink()
    store.files.keep_poster(digest, b"x")
    assert not path.is_symlink()
    shutil.rmtree(path.parent)
    path.parent.symlink_to(elsewhere, target_is_directory=True)
    assert store.files.poster(digest) is None
    with pytest.raises(StoreError, match="is a link"):
        store.files.keep_poster(digest, b"x")
    store.files.remove_posters([digest])
    assert (elsewhere / f"{digest}.webp").read_bytes() == b"mine"


def test_forgetting_takes_the_posters_of_videos_and_inputs_that_nothing_else_has(store) -> None:
    inputs = {"data": {"sha256": _digest("input"), "filename": "x.mp4"}}
    store.files.keep_input(inputs["data"], io.BytesIO(b"input"))
    os.utime(store.files.input(inputs["data"]), (1, 1))
    of = {"one": _digest("one"), "twice": _digest("twice"), "source": _digest("source")}
    records = []
    for number, name in enumerate(["one", "twice", "twice", "source"]):
        record, _ = store.claim(wanted(f"r{number}", files=inputs if name == "one" else {}))
        store.update(record, status="completed", sha256=of[name])
        records.append(record)
    chained, _ = store.claim(wanted("chained", files={"data": {"sha256": of["source"], "filename": "s.mp4"}}))
    for digest in (*of.values(), _digest("input"), _digest("unknown")):
        store.files.keep_poster(digest, b"x")
    store.delete([records[0], records[1], records[3]])
    left = {path.stem for path in (store.folder / "posters").iterdir()}
    assert left == {of["twice"], of["source"], _digest("unknown")}
    store.update(chained, status="failed")
    store.delete([records[2], chained])
    assert store.files.poster(of["twice"]) is None
