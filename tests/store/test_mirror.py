"""Mirrors of a store: what is copied, what is kept, and where a mirror may not be."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import sqlite3
import threading
import uuid
from pathlib import Path

import fsspec
import pytest

from decart_nb._util.remote_storage import RemoteStorage, StorageError
from decart_nb.errors import InvalidInputError, StoreError
from decart_nb.session.mirroring import mirror_store
from decart_nb.store.mirror import Mirrored, mirror
from decart_nb.store.store import Store
from tests.records import wanted


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with a completed job, its video, its record and an input."""
    store = Store(tmp_path / "runs")
    record, _ = store.claim(wanted("one"))
    video = store.folder / "one.mp4"
    video.write_bytes(b"a video")
    video.with_name("one.mp4.json").write_text("{}")
    store.update(record, status="completed", job_id="1", path=video.name, size_bytes=7)
    content = b"an input"
    with (tmp_path / "in.png").open("w+b") as file:
        file.write(content)
        file.seek(0)
        store.keep_input({"sha256": hashlib.sha256(content).hexdigest(), "filename": "in.png"}, file)
    return store


@pytest.fixture
def target() -> RemoteStorage:
    return RemoteStorage(f"memory://{uuid.uuid4().hex}")


INPUT = f"inputs/{hashlib.sha256(b'an input').hexdigest()}.png"
ALL = {"one.mp4", "one.mp4.json", INPUT}


def test_it_has_what_the_store_knows_and_nothing_else_of_its_folder(store: Store, target: RemoteStorage) -> None:
    (store.folder / "mine.mp4").write_bytes(b"mine")
    (store.folder / "posters").mkdir()
    (store.folder / "posters" / f"{'0' * 64}.webp").write_bytes(b"made again")
    (store.folder / INPUT).with_name(f"{'1' * 64}.png.{'2' * 32}.part").write_bytes(b"half")
    (store.folder / "inputs" / f"{'3' * 64}.png").symlink_to("/etc/passwd")
    (store.folder / "inputs" / "notes.txt").write_bytes(b"mine")
    assert set(mirror(store, target).copied) == ALL
    assert set(target.files()) == {*ALL, "store.sqlite3"}


def test_what_is_there_in_its_size_is_skipped_and_told(store: Store, target: RemoteStorage) -> None:
    first = mirror(store, target)
    assert (first.copied, first.skipped, first.kept) == (tuple(sorted(ALL)), 0, None)
    (store.folder / "one.mp4.json").write_text("{ }")
    second = mirror(store, target)
    assert (second.copied, second.skipped) == (("one.mp4.json",), 2)
    snapshot = target.child("store.sqlite3").read(10**9)
    assert second.size_bytes == len(snapshot) + 3


def test_the_video_of_a_job_that_is_not_completed_is_not_copied(store: Store, target: RemoteStorage) -> None:
    (record,) = store.find()
    store.update(record, status="failed")
    assert mirror(store, target).copied == (INPUT,)


def test_a_video_without_a_record_beside_it_is_copied(store: Store, target: RemoteStorage) -> None:
    (store.folder / "one.mp4.json").unlink()
    mirrored = mirror(store, target)
    assert (set(mirrored.copied), mirrored.skipped) == ({"one.mp4", INPUT}, 0)


def test_videos_and_inputs_that_are_gone_or_behind_a_link_are_left_out(
    store: Store, target: RemoteStorage, tmp_path: Path
) -> None:
    (store.folder / "one.mp4").unlink()
    (store.folder / "inputs").rename(tmp_path / "elsewhere")
    assert mirror(store, target).copied == ()
    (store.folder / "inputs").symlink_to(tmp_path / "elsewhere")
    assert mirror(store, target).copied == ()
    assert set(target.files()) == {"store.sqlite3"}


def test_a_mirror_is_told_in_a_line() -> None:
    told = Mirrored("s3://bucket/runs", ("one.mp4",), 1200, 2_500_000)
    assert str(told) == "s3://bucket/runs: 1 file copied, 1,200 there already, 2.5 MB with the snapshot"
    kept = Mirrored("s3://bucket/runs", ("one.mp4",), 1200, 2_500_000, "store-1.sqlite3")
    assert str(kept) == f"{told}; the snapshot before it is kept as store-1.sqlite3, since not all of it is here"


def test_a_folder_of_this_machine_is_a_place_too(store: Store, tmp_path: Path) -> None:
    for place in (tmp_path / "a b", (tmp_path / "c d").as_uri(), "e"):
        mirrored = mirror_store(store, place)
        assert set(mirrored.copied) == ALL
        assert str(tmp_path) not in repr(mirrored)
    for folder in ("a b", "c d", "e"):
        assert (tmp_path / folder / "one.mp4").read_bytes() == b"a video"
        assert Store(tmp_path / folder).find(job_id="1")[0].status == "completed"


def test_a_store_that_somebody_works_with_is_no_mirror(store: Store, tmp_path: Path) -> None:
    mirror_store(store, "copy")
    other = Store(tmp_path / "copy")
    other.claim(wanted("two"))
    before = (tmp_path / "copy" / "store.sqlite3").read_bytes()
    with pytest.raises(InvalidInputError, match="copy is a store that somebody works with, and not a mirror"):
        mirror_store(store, "copy")
    assert (tmp_path / "copy" / "store.sqlite3").read_bytes() == before


def test_a_store_that_nobody_works_with_at_the_moment_is_no_mirror_either(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    record, _ = other.claim(wanted("two"))
    other.release(record)
    other.close()
    assert not any((tmp_path / "other" / "holders").iterdir())
    with pytest.raises(InvalidInputError, match="other is a store that somebody works with, and not a mirror"):
        mirror_store(store, "other")
    assert len(Store(tmp_path / "other").find()) == 1


@pytest.mark.parametrize("name", [".gitignore", "holders/1", "store.sqlite3-wal", "store.sqlite3-journal"])
def test_each_file_of_a_working_store_beside_its_database_is_a_sign_of_one(
    store: Store, target: RemoteStorage, name: str
) -> None:
    file_system, path = fsspec.url_to_fs(target.address)
    file_system.pipe(f"{path}/{name}", b"")
    assert set(mirror(store, target).copied) == ALL, "without a database it is no store"
    with pytest.raises(InvalidInputError, match="is a store that somebody works with"):
        mirror(store, target)


@pytest.mark.parametrize("place", ["runs", "runs/mirror", ".", "runs/../runs/x"])
def test_a_mirror_is_not_in_the_store_or_around_it(store: Store, place: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be in the store's own folder"):
        mirror_store(store, place)


def test_what_no_folder_can_be_called_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInputError, match=r"^a b cannot be a folder: embedded null byte"):
        mirror_store(store, "a\0b")


def test_the_snapshot_is_consistent_while_others_write(store: Store, target: RemoteStorage, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            store.batch([functools.partial(store.claim, wanted(f"{name}{number}")) for name in "rs"])

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _ in range(10):
            mirror(store, target)
            (tmp_path / "read.sqlite3").write_bytes(target.child("store.sqlite3").read(10**9))
            with sqlite3.connect(tmp_path / "read.sqlite3") as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                (count,) = database.execute("SELECT count(*) FROM jobs").fetchone()
                assert count % 2 == 1, "half of a transaction"
            database.close()
    finally:
        stop.set()
        writing.join()


@pytest.mark.parametrize(
    "content", [b"", b"no database", b"SQLite format 3\0" + bytes(200)], ids=["empty", "text", "damaged"]
)
def test_an_earlier_snapshot_that_cannot_be_read_is_kept(store: Store, target: RemoteStorage, content: bytes) -> None:
    file_system, path = fsspec.url_to_fs(target.address)
    file_system.pipe(f"{path}/store.sqlite3", content)
    kept = mirror(store, target).kept
    assert kept == f"store-{hashlib.sha256(content).hexdigest()[:16]}.sqlite3"
    assert file_system.cat(f"{path}/{kept}") == content


def test_an_earlier_snapshot_with_other_votes_is_kept(store: Store, target: RemoteStorage, tmp_path: Path) -> None:
    mirror_store(store, "copy")
    with contextlib.closing(sqlite3.connect(tmp_path / "copy" / "store.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO votes (rater, by_column, pair_key, left_sha256, right_sha256, outcome, repeated, voted_at)"
            " VALUES ('ann', 'model', 'x', 'y', 'z', 'left', 0, 1.5)"
        )
    target.child("store.sqlite3").upload(tmp_path / "copy" / "store.sqlite3")
    kept = mirror(store, target).kept
    assert kept is not None
    assert target.child(kept).read(10**9) == (tmp_path / "copy" / "store.sqlite3").read_bytes()
    assert mirror(store, target).kept is None


def test_what_is_removed_while_it_is_mirrored_is_left_out(store: Store, target: RemoteStorage) -> None:
    class Removing(RemoteStorage):
        def files(self) -> dict[str, int | None]:
            (store.folder / "one.mp4").unlink()
            return super().files()

    assert set(mirror(store, Removing(target.address)).copied) == ALL - {"one.mp4"}
    assert set(target.files()) == {*ALL, "store.sqlite3"} - {"one.mp4"}


def test_two_stores_at_one_place_lose_nothing(store: Store, target: RemoteStorage, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    record, _ = other.claim(wanted("two"))
    other.update(record, status="failed", job_id="2")
    mirror(store, target)
    kept = mirror(other, target).kept
    assert kept is not None
    for name, job in ((kept, "1"), ("store.sqlite3", "2")):
        (tmp_path / job).mkdir()
        (tmp_path / job / "store.sqlite3").write_bytes(target.child(name).read(10**9))
        assert [one.job_id for one in Store(tmp_path / job).find()] == [job]


def test_a_place_that_cannot_be_written_is_an_error_that_says_how_far_it_came(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        StoreError, match="The mirror file is not complete: of 3 files, 0 are there, and then: it is a file"
    ):
        mirror_store(store, "file")


def test_a_mirror_whose_snapshot_cannot_be_written_has_all_the_files(store: Store, target: RemoteStorage) -> None:
    class WithoutSnapshot(RemoteStorage):
        def child(self, name: str) -> RemoteStorage:
            if name == "store.sqlite3":
                raise StorageError("it is locked")
            return super().child(name)

    file_system, path = fsspec.url_to_fs(target.address)
    file_system.pipe(f"{path}/one.mp4", b"a video")
    with pytest.raises(StoreError, match=r"not complete: of 3 files, 3 are there, and then: it is locked\. The same"):
        mirror(store, WithoutSnapshot(target.address))
    assert set(target.files()) == ALL


def test_a_full_disk_of_this_machine_is_told_as_such(store: Store, target: RemoteStorage) -> None:
    class Full(RemoteStorage):
        def files(self) -> dict[str, int | None]:
            raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/secret")

    with pytest.raises(StoreError, match=r"and then: No space left on device\. The same call"):
        mirror(store, Full(target.address))


def test_an_earlier_snapshot_of_many_jobs_is_read_to_its_end(store: Store, target: RemoteStorage) -> None:
    store.batch([functools.partial(store.claim, wanted(f"r{number}")) for number in range(500)])
    assert [mirror(store, target).kept for _ in range(2)] == [None, None]


def test_an_earlier_snapshot_that_is_never_read_to_its_end_is_kept(
    store: Store, target: RemoteStorage, tmp_path: Path
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "endless.sqlite3")) as database:
        endless = "WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n) SELECT key FROM n WHERE key < 0"
        database.execute(f"CREATE VIEW jobs AS {endless}")
    target.child("store.sqlite3").upload(tmp_path / "endless.sqlite3")
    assert mirror(store, target).kept is not None
