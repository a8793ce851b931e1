"""The store's folder: how videos and inputs are placed, kept and removed, and the database's file."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from decart_nb import StoreError
from decart_nb.store.database import Database
from decart_nb.store.files import StoreFiles
from decart_nb.store.store import Store
from tests.records import wanted


def _file(content: bytes, filename: str = "a.png") -> dict[str, str]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "filename": filename}


def _arrived(store: Store, content: bytes, name: str = "v.mp4") -> Path:
    """A video in staging."""
    path = store.staging / name
    path.write_bytes(content)
    return path


@pytest.fixture
def database(tmp_path: Path) -> tuple[Database, list[str]]:
    """A database without a store, and which of its callbacks were called."""
    called: list[str] = []
    names = ("opened", "beginning", "committing")
    callbacks = {name: lambda name=name: called.append(name) for name in names}
    return Database(tmp_path / "folder" / "a.sqlite3", None, **callbacks), called


def test_a_store_is_not_for_repositories_unless_somebody_says_so(tmp_path) -> None:
    store = Store(tmp_path / "new" / "runs")
    ignored = store.folder / ".gitignore"
    assert ignored.read_text(encoding="utf-8") == "# Videos and inputs do not belong into a repository.\n*\n"
    ignored.write_text("mine")
    assert Store(store.folder).folder == store.folder
    assert ignored.read_text() == "mine"


def test_a_relative_folder_stays_where_it_was(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(Path("runs"))
    assert store.folder == tmp_path / "runs"


def test_a_video_keeps_its_name_unless_another_one_has_it(store) -> None:
    placed = [store.place_video(_arrived(store, content)) for content in (b"one", b"two", b"three")]
    assert [path.name for path in placed] == ["v.mp4", "v-2.mp4", "v-3.mp4"]
    assert [path.read_bytes() for path in placed] == [b"one", b"two", b"three"]
    assert {path.parent for path in placed} == {store.folder}
    assert list(store.staging.iterdir()) == []
    assert store.place_video(_arrived(store, b"two")) == placed[1]  # placed by a process that ended right after it
    assert list(store.staging.iterdir()) == []
    assert placed[1].read_bytes() == b"two"


def test_two_videos_of_one_size_and_time_are_two(store) -> None:
    for number, content in enumerate((b"one", b"two")):
        arrived = _arrived(store, content)
        os.utime(arrived, (1, 1))
        assert store.place_video(arrived).name == ("v.mp4", "v-2.mp4")[number]
    assert (store.folder / "v.mp4").read_bytes() == b"one"


def test_a_link_is_not_taken_for_a_video_of_the_same_content(store, tmp_path) -> None:
    (tmp_path / "elsewhere.mp4").write_bytes(b"one")
    (store.folder / "v.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    placed = store.place_video(_arrived(store, b"one"))
    assert placed.name == "v-2.mp4"
    assert not placed.is_symlink()


def test_where_there_are_no_hard_links_a_video_is_moved(store) -> None:
    for number in (1, 2):  # folders stand for files here: no system makes hard links to folders
        (store.staging / "v.mp4").mkdir()
        (store.staging / "v.mp4" / "frame").write_text(str(number))
        placed = store.place_video(store.staging / "v.mp4")
        assert (placed.name, (placed / "frame").read_text()) == (("v.mp4", "v-2.mp4")[number - 1], str(number))
    assert list(store.staging.iterdir()) == []


def test_a_video_that_never_arrived_is_an_error(store) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        store.place_video(store.staging / "never.mp4")
    assert store.place_video(_arrived(store, b"one")).name == "v.mp4"


@pytest.mark.parametrize(
    ("name", "size"), [(None, 5), ("", 5), ("v.mp4", None), ("v.mp4", 4), ("missing.mp4", None), ("\0", 5), ("d", 5)]
)
def test_what_is_no_file_of_that_name_and_size_is_no_video(store, name, size) -> None:
    (store.folder / "v.mp4").write_bytes(b"video")
    (store.folder / "d").mkdir()
    assert store.files.video("v.mp4", 5) == store.folder / "v.mp4"
    assert store.files.video(name, size) is None
    store.files.remove_video(name, size)
    assert (store.folder / "v.mp4").exists()


def test_a_video_is_removed_with_its_record_and_without_one(store) -> None:
    for name in ("a.mp4", "b.mp4"):
        (store.folder / name).write_bytes(b"video")
    (store.folder / "a.mp4.json").write_text("{}")
    (store.folder / "other.json").write_text("{}")
    for name in ("a.mp4", "b.mp4", "b.mp4"):
        store.files.remove_video(name, 5)
    assert sorted(path.name for path in store.folder.glob("*.[mj]*")) == ["other.json"]


def test_an_input_is_named_by_its_digest_and_the_beginning_of_its_suffix(store) -> None:
    digest = _file(b"1")["sha256"]
    names = {"a.PNG": ".png", "a": "", "a.tar.gz": ".gz", f"a.{'x' * 30}": f".{'x' * 15}"}
    found = {name: store.files.input({"sha256": digest, "filename": name}) for name in names}
    assert found == {name: store.folder / "inputs" / f"{digest}{suffix}" for name, suffix in names.items()}
    for wrong in (digest.upper(), digest[:-1], f"{digest}0"):
        with pytest.raises(StoreError) as caught:
            store.files.input({"sha256": wrong, "filename": "a.png"})
        assert str(caught.value) == "The store runs/ is damaged: an input file has no digest."


def test_an_input_is_read_from_where_its_stream_stands_and_whole(store) -> None:
    content = bytes(range(256)) * 5000
    file = _file(content)
    assert not store.files.has_input(file)
    assert store.keep_input(file, io.BytesIO(content)) == store.files.input(file)
    assert store.files.has_input(file)
    assert StoreFiles(store.folder).has_input(file)
    assert store.files.input(file).read_bytes() == content


def test_an_input_that_is_kept_again_is_not_cleared_away(store) -> None:
    file = _file(b"1")
    path = store.keep_input(file, io.BytesIO(b"1"))
    os.utime(path, (1, 1))
    assert store.keep_input(file, io.BytesIO(b"other")) == path
    assert path.stat().st_mtime == 1  # another input may be read from this very file
    store.delete([])
    assert path.read_bytes() == b"1"
    assert store.files.has_input(file)


def test_an_input_comes_back_into_a_folder_that_was_removed(store) -> None:
    shutil.rmtree(store.folder / "inputs")
    store.delete([])
    file = _file(b"1")
    assert store.keep_input(file, io.BytesIO(b"1")).read_bytes() == b"1"
    shutil.rmtree(store.folder)
    assert store.keep_input(file, io.BytesIO(b"1")).read_bytes() == b"1"


def test_a_link_in_the_place_of_the_inputs_is_not_followed_to_clear_away_what_looks_like_an_input(
    store, tmp_path
) -> None:
    elsewhere = tmp_path / "elsewhere" / f"{_file(b'1')['sha256']}.png"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"1")
    os.utime(elsewhere, (1, 1))
    shutil.rmtree(store.folder / "inputs")
    (store.folder / "inputs").symlink_to(elsewhere.parent, target_is_directory=True)
    store.delete([])
    assert elsewhere.exists()


def test_an_input_of_which_no_job_is_known_is_kept_for_an_hour(store) -> None:
    paths = {}
    for age in (3500, 3700):
        content = str(age).encode()
        paths[age] = store.keep_input(_file(content), io.BytesIO(content))
        os.utime(paths[age], (time.time() - age,) * 2)
    store.delete([])
    assert {age: path.exists() for age, path in paths.items()} == {3500: True, 3700: False}


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("{digest}", False),
        ("{digest}.png", False),
        ("{digest}.fifteen-letters", False),
        ("{digest}.sixteen--letters", True),
        ("{digest}.png.{part}.part", False),
        ("{digest}.{part}.part", False),
        ("{digest}.png.part", False),
        ("{DIGEST}.PNG", False),
        ("x{digest}.png", True),
        ("notes.txt", True),
    ],
)
def test_only_files_that_are_named_as_inputs_are_cleared_away(store, name, stays) -> None:
    digest = _file(b"1")["sha256"]
    path = store.folder / "inputs" / name.format(digest=digest, DIGEST=digest.upper(), part=digest[:32])
    path.write_bytes(b"1")
    os.utime(path, (1, 1))
    store.delete([])
    assert path.exists() is stays


def test_an_input_that_is_needed_again_is_not_cleared_away_nor_its_time_of_change_moved(store) -> None:
    path = store.keep_input(_file(b"1"), io.BytesIO(b"1"))
    os.utime(path, (1, 1))
    assert store.files.has_input(_file(b"1"))  # which reads it: not the next time
    os.utime(path, (1, 1))
    assert store.keep_input(_file(b"1"), io.BytesIO(b"1")) == path
    assert path.stat().st_mtime == 1
    store.delete([])
    assert path.exists()


def test_a_snapshot_is_one_file_also_of_a_store_that_was_removed(store, tmp_path) -> None:
    store.claim(wanted())
    shutil.rmtree(store.folder)
    store.database.snapshot(tmp_path / "copy.sqlite3")
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
        assert copy.execute("SELECT request FROM jobs").fetchall() == [("r",)]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert [path.name for path in tmp_path.glob("copy*")] == ["copy.sqlite3"]


def test_a_drive_without_locks_has_snapshots_too(tmp_path) -> None:
    store = Store(tmp_path / "runs", vfs="unix-dotfile")
    store.claim(wanted())
    store.database.snapshot(tmp_path / "copy.sqlite3")
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
        assert copy.execute("SELECT request FROM jobs").fetchall() == [("r",)]


def test_a_snapshot_that_cannot_be_written_is_an_error_of_the_store(store, tmp_path) -> None:
    with pytest.raises(StoreError, match="runs/ cannot be used: unable to open database file"):
        store.database.snapshot(tmp_path / "nowhere" / "copy.sqlite3")


def test_inputs_that_cannot_be_listed_are_an_error_of_the_store(store) -> None:
    shutil.rmtree(store.folder / "inputs")
    (store.folder / "inputs").write_bytes(b"")
    with pytest.raises(StoreError, match="runs/ cannot be used: Not a directory"):
        store.delete([])


def test_an_input_that_cannot_be_written_is_an_error_of_the_store(store) -> None:
    shutil.rmtree(store.folder / "inputs")
    (store.folder / "inputs").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used"):
        store.keep_input(_file(b"1"), io.BytesIO(b"1"))


def test_a_store_survives_a_crash_of_the_machine_and_is_read_while_it_is_written(store) -> None:
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


def test_a_commit_is_on_the_disk_before_it_returns(database) -> None:
    with database[0].connection() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (3,)  # EXTRA, as SQLite calls it


def test_a_closed_store_opens_again(store) -> None:
    record, _ = store.claim(wanted())
    holder = store.holder
    store.close()
    store.close()
    assert store.find() == [record]
    assert store.holder == holder
    assert store.claim(wanted()) == (record, False)


def test_a_closed_store_leaves_no_lock_unless_it_carries_jobs(store) -> None:
    locks = store.folder / "holders"
    store.close()
    assert [*locks.iterdir()] == []
    record, _ = store.claim(wanted())
    store.close()
    assert [path.name for path in locks.iterdir()] == [store.holder]
    store.update(record, status="completed")
    store.release(record)
    store.close()
    assert [*locks.iterdir()] == []


def test_a_database_calls_back_once_for_a_file_and_for_each_transaction(database) -> None:
    opened, called = database
    with opened.connection() as connection:
        assert not connection.in_transaction
    assert called == ["opened"]
    opened.close()
    with opened.connection():
        pass
    assert called == ["opened"]
    with opened.transaction() as connection:
        assert connection.in_transaction
        with opened.transaction() as same:
            assert same is connection
    assert called == ["opened", "beginning", "committing"]
    assert not connection.in_transaction
    opened.path.unlink()
    with opened.connection():
        pass
    assert called == ["opened", "beginning", "committing", "opened"]


def test_what_fails_is_undone_in_reverse_order_and_what_is_committed_is_not(database) -> None:
    opened, called = database
    undone: list[str] = []

    def work(name: str, *, fails: bool = False) -> str:
        opened.on_rollback(lambda: undone.append(name))
        with opened.connection() as connection:
            connection.execute("INSERT INTO sweeps (name, definition, begun_at) VALUES (?, '', 0)", [name])
        if fails:
            raise ValueError(name)
        return name.upper()

    ends = opened.batch([lambda: work("a"), lambda: work("b", fails=True), lambda: work("c")])
    assert [(value, type(error)) for value, error in ends] == [
        ("A", type(None)),
        (None, ValueError),
        ("C", type(None)),
    ]
    assert undone == ["b"]
    with pytest.raises(ValueError, match="e"), opened.transaction():
        (work("d"), work("e", fails=True))
    assert undone == ["b", "e", "d"]
    with opened.connection() as connection:
        assert connection.execute("SELECT name FROM sweeps").fetchall() == [("a",), ("c",)]
        assert not connection.in_transaction
    assert called == ["opened", "beginning", "committing", "beginning"]


def test_a_batch_that_cannot_begin_is_one_error_for_all(store) -> None:
    shutil.rmtree(store.folder)
    store.folder.write_text("in the way")
    ends = store.batch([lambda: 1, lambda: 2])
    assert [value for value, _ in ends] == [None, None]
    assert all(isinstance(error, StoreError) for _, error in ends)
    store.folder.unlink()
    assert store.batch([lambda: 1, lambda: 2]) == [(1, None), (2, None)]


def test_a_newer_store_names_itself_and_one_of_this_version_is_read(store) -> None:
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {version + 1}")
    database.close()
    with pytest.raises(StoreError) as caught:
        Store(store.folder)
    assert str(caught.value) == (
        "The store runs/ was written by a newer decart_nb. Update this one, or give another folder, connect(store=…); "
        "nothing was changed."
    )


def test_a_folder_of_any_name_is_a_store(tmp_path) -> None:
    store = Store(tmp_path / "50% off? #1 Ä")
    record, _ = store.claim(wanted())
    assert Store(store.folder).find() == [record]
    assert (store.folder / "store.sqlite3").exists()


def test_many_may_make_a_store_at_once(tmp_path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for folder in (tmp_path / "a", tmp_path / "b", tmp_path / "c"):
            made = [threads.submit(Store, folder) for _ in range(8)]
            records = [one.result(60).claim(wanted(str(number)))[0] for number, one in enumerate(made)]
            assert len({record.holder for record in records}) == 8
            assert len(Store(folder).find()) == 8
