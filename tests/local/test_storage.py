from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest

from decart_nb.errors import LocalQueueError
from decart_nb.local.storage import LocalJob, Storage


@pytest.fixture
def storage(tmp_path):
    storage = Storage(tmp_path / "storage")
    yield storage
    storage.close()


@pytest.fixture
def other(tmp_path, storage):
    other = Storage(tmp_path / "storage")
    yield other
    other.close()


def kept(storage: Storage, **more) -> LocalJob:
    """A job that a storage has just been given."""
    record = LocalJob(uuid4().hex, "lucy-pro-t2v", {"prompt": "ö\ud800"}, ["data"], 7, storage.owner_id, 100.0, **more)
    storage.add(record, {})
    return record


@pytest.mark.parametrize(
    ("record", "statuses"),
    [
        ({}, ["pending", "pending", "pending"]),
        ({"started": 110.0}, ["pending", "processing", "processing"]),
        ({"started": 110.0, "ready": 120.0}, ["pending", "processing", "completed"]),
        ({"started": 110.0, "ready": 120.0, "error": "why"}, ["pending", "processing", "failed"]),
        ({"ready": 120.0}, ["pending", "pending", "completed"]),
    ],
)
def test_a_status_follows_from_the_time(storage, record, statuses):
    job = kept(storage, **record)
    assert [job.status(now) for now in (109.9, 110.0, 120.0)] == statuses


def test_without_a_time_it_is_now(storage):
    assert kept(storage, started=0.0, ready=1.0).status() == "completed"
    assert kept(storage, started=0.0, ready=1e12).status() == "processing"


def test_what_was_saved_is_loaded_by_any_shelf_on_the_folder(storage, other):
    record = kept(storage, started=110.0, ready=120.0, error="why")
    assert other.load(record.id) == record
    assert storage.load(record.id) == record
    assert [path.name for path in storage.video(record.id).parent.iterdir()] == ["job.json"]


@pytest.mark.parametrize("job_id", ["", "..", "../jobs", "0" * 31, "0" * 33, "A" * 32, "0" * 32, "0" * 32 + "\n", "\0"])
def test_an_unknown_id_is_no_job(storage, job_id):
    assert storage.load(job_id) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"id": "x", "colour": "red"}', "\xff"])
def test_a_record_that_cannot_be_read_is_no_job(storage, text):
    record = kept(storage)
    (storage.video(record.id).parent / "job.json").write_text(text, encoding="latin-1")
    assert storage.load(record.id) is None


def test_ids_come_oldest_first_and_strangers_are_left_out(tmp_path, storage):
    records = [kept(storage) for _ in range(4)]
    for age, record in enumerate(records):
        os.utime(storage.video(record.id).parent, (1000 - age, 1000 - age))
    (tmp_path / "storage" / "jobs" / "notes.txt").touch()
    assert storage.ids() == [record.id for record in reversed(records)]


def test_what_is_removed_is_gone(storage):
    record = kept(storage)
    storage.video(record.id).write_bytes(b"1")
    storage.remove(record.id)
    storage.remove(record.id)
    assert storage.load(record.id) is None
    assert storage.ids() == []


def test_a_job_is_not_adopted_while_its_owner_lives(storage, other):
    record = kept(storage)
    for asking in (other, storage):
        with asking.claim(record) as adopted:
            assert not adopted


def test_a_job_of_a_closed_shelf_is_adopted_once(storage, other):
    record = kept(storage)
    storage.close()
    with other.claim(record) as adopted:
        assert adopted
        record.owner = other.owner_id
        other.save(record)
    stale = LocalJob(**{**vars(record), "owner": storage.owner_id})
    with other.claim(stale) as adopted:
        assert not adopted


def test_a_job_that_was_removed_is_not_adopted(storage, other):
    record = kept(storage)
    storage.close()
    storage.remove(record.id)
    with other.claim(record) as adopted:
        assert not adopted


def test_of_many_at_once_one_adopts(storage, other):
    record = kept(storage)
    storage.close()
    together = Barrier(8)

    def adopt(_: int) -> bool:
        together.wait()
        with other.claim(record) as adopted:
            if adopted:
                other.save(LocalJob(**{**vars(record), "owner": other.owner_id}))
            return adopted is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(adopt, range(8))) == 1


_OWNER = """
import sys, time, uuid
from pathlib import Path
from decart_nb.local.storage import LocalJob, Storage
storage = Storage(Path(sys.argv[1]))
record = LocalJob(uuid.uuid4().hex, "lucy-pro-t2v", {}, [], 7, storage.owner_id, time.time())
storage.add(record, {})
print(record.id, flush=True)
time.sleep(60)
"""


def test_a_job_of_a_killed_process_is_adopted(tmp_path, storage):
    command = [sys.executable, "-c", _OWNER, str(tmp_path / "storage")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        try:
            record = storage.load(owner.stdout.readline().strip())
            with storage.claim(record) as adopted:
                assert not adopted
        finally:
            owner.send_signal(signal.SIGKILL)
    with storage.claim(record) as adopted:
        assert adopted


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalQueueError, match=r"^The local queue cannot keep its jobs in .*file.*\. Choose another"):
        Storage(tmp_path / "file")


_HALF_DONE = """
import os, sys, time, uuid
from pathlib import Path
from decart_nb.local.files import UploadStore
from decart_nb.local.storage import LocalJob, Storage
storage = Storage(Path(sys.argv[1]))
def half(path):
    path.write_bytes(b"half of it")
    (storage.staging / "rendered.mp4").write_bytes(b"half of it too")
    if sys.argv[2] == "file":
        UploadStore(Path(sys.argv[1]) / "files", storage.stage).add("a", "b", 1, None, wait)
    wait(path)
def wait(path):
    path.write_bytes(b"half")
    print("now", flush=True)
    time.sleep(60)
storage.add(LocalJob(uuid.uuid4().hex, "lucy-pro-i2v", {}, ["data"], 7, storage.owner_id, time.time()), {"data": half})
"""


@pytest.mark.parametrize("what", ["job", "file"])
def test_what_a_killed_process_leaves_half_written_goes_at_the_next_start(tmp_path, storage, what):
    folder = tmp_path / "storage"
    (storage.staging / "mine").write_text("of one that lives")
    with subprocess.Popen(
        [sys.executable, "-c", _HALF_DONE, str(folder), what], stdout=subprocess.PIPE, text=True
    ) as owner:
        try:
            assert owner.stdout.readline() == "now\n"
            Storage(folder).close()  # nothing goes while its owner lives
            assert len(list((folder / "staging").rglob("rendered.mp4"))) == 1
        finally:
            owner.send_signal(signal.SIGKILL)
    late = Storage(folder)
    assert {path.name for path in (folder / "staging").iterdir()} == {storage.owner_id, late.owner_id}
    assert (storage.staging / "mine").read_text() == "of one that lives"
    assert storage.ids() == []
    assert not list((folder / "files").glob("*"))
    late.close()
    assert {path.name for path in (folder / "owners").iterdir()} == {storage.owner_id}


def test_an_upload_that_cannot_be_kept_leaves_nothing(storage):
    def full(path: Path) -> None:
        path.write_bytes(b"1")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        storage.add(LocalJob(uuid4().hex, "lucy-pro-i2v", {}, ["data"], 7, storage.owner_id, 1.0), {"data": full})
    assert storage.ids() == list(storage.staging.iterdir()) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "0" * 32},
        {"id": 7},
        {"owner": "../../elsewhere"},
        {"owner": None},
        {"files": ["../../../etc/passwd"]},
        {"files": ["/etc/passwd"]},
        {"files": ["job.json"]},
        {"files": "data"},
        {"files": [["data"]]},
        {"values": ["prompt"]},
        {"model": None},
        {"created": "now"},
        {"created": float("nan")},
        {"ready": float("inf")},
        {"started": []},
        {"seed": "7"},
        {"error": {"text": 1}},
        {"attempts": "many"},
        {"more": 1},
    ],
    ids=repr,
)
def test_a_record_of_another_shape_is_no_job(storage, changed):
    record = kept(storage)
    path = storage.video(record.id).with_name("job.json")
    path.write_text(json.dumps(vars(record) | changed))
    assert storage.load(record.id) is None
    path.write_text(json.dumps(vars(record)))
    assert storage.load(record.id) == record


def test_a_record_that_is_endless_is_no_job(storage):
    record = kept(storage)
    with storage.video(record.id).with_name("job.json").open("r+b") as file:
        file.truncate(2**40)  # sparse
    assert storage.load(record.id) is None


def _fifo(path: Path, elsewhere: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    "put",
    [
        lambda path, elsewhere: path.symlink_to(elsewhere),
        lambda path, elsewhere: path.symlink_to(path),
        lambda path, elsewhere: path.mkdir(),
        _fifo,
        lambda path, elsewhere: None,
    ],
    ids=["link", "circle", "folder", "pipe", "nothing"],
)
@pytest.mark.parametrize("name", ["video.mp4", "data", "job.json"])
def test_what_is_no_file_of_the_job_s_own_is_not_there(tmp_path, storage, put, name):
    (tmp_path / "secret").write_text("{}")
    record = kept(storage)
    path = storage.video(record.id).with_name(name)
    path.unlink(missing_ok=True)
    put(path, tmp_path / "secret")
    assert storage.file(record.id, name) is None
    assert name != "job.json" or storage.load(record.id) is None


def test_a_job_s_folder_that_is_a_link_is_none(tmp_path, storage):
    record = kept(storage)
    folder = storage.video(record.id).parent
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert storage.load(record.id) is None
    storage.remove(record.id)
    assert (tmp_path / "elsewhere" / "job.json").exists()


def test_a_shelf_behind_a_link_is_as_good_as_another(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    storage = Storage(tmp_path / "link")
    record = kept(storage)
    storage.video(record.id).write_bytes(b"1")
    assert storage.load(record.id) == record
    assert storage.file(record.id, "video.mp4").read_bytes() == b"1"
    storage.close()


def test_a_folder_that_was_removed_is_made_anew_and_its_owner_still_counts_as_alive(tmp_path, storage):
    kept(storage)
    shutil.rmtree(tmp_path / "storage")
    with ThreadPoolExecutor(4) as pool:
        records = list(pool.map(lambda _: kept(storage), range(8)))
    assert sorted(storage.ids()) == sorted(record.id for record in records)
    late = Storage(tmp_path / "storage")
    with late.claim(records[0]) as adopted:
        assert adopted is None
    assert storage.staging.is_dir()
    late.close()


def test_many_that_start_and_end_at_once_all_count_as_alive(tmp_path):
    def live(_: int) -> bool:
        one = Storage(tmp_path / "storage")
        record = kept(one)
        with Storage(tmp_path / "storage").claim(record) as adopted:
            lives = adopted is None
        one.close()
        return lives

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(live, range(40)))


def _shared(storage: Storage, copy: Path, content: bytes = b"a video") -> Path:
    """The video of a job that a storage has just been given, after it was shared with a copy."""
    record = kept(storage, started=0.0, ready=1.0)
    video = storage.video(record.id)
    video.write_bytes(content)
    storage.share_video(record.id, copy)
    assert video.read_bytes() == content
    assert not list(storage.staging.iterdir())
    return video


def test_a_video_and_its_copy_are_one_file_of_which_either_may_go(tmp_path, storage):
    for number in (0, 1):
        copy = tmp_path / f"{number}.mp4"
        copy.write_bytes(b"a video")
        video = _shared(storage, copy)
        assert video.samefile(copy)
        assert storage.file(video.parent.name, "video.mp4") == video.resolve()
        storage.share_video(video.parent.name, copy)  # once more changes nothing
        if number:
            storage.remove(video.parent.name)
            assert copy.read_bytes() == b"a video"
        else:
            copy.unlink()
            copy.write_bytes(b"another")
            assert video.read_bytes() == b"a video"


def test_a_file_that_is_no_copy_is_left_alone(tmp_path, storage):
    other = tmp_path / "other.mp4"
    other.write_bytes(b"of it")
    assert not _shared(storage, other, b"a cat").samefile(other)
    assert not _shared(storage, tmp_path / "missing.mp4").is_symlink()
    assert other.read_bytes() == b"of it"
    assert not (tmp_path / "missing.mp4").exists()


@pytest.mark.parametrize("job_id", ["0" * 32, "..", "../../x", ""])
def test_of_no_job_nothing_is_shared(tmp_path, storage, job_id):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(b"a video")
    storage.share_video(job_id, copy)
    assert copy.stat().st_nlink == 1


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second file system")
def test_between_two_file_systems_each_keeps_its_own(storage):
    copy = Path("/dev/shm") / f"{uuid4().hex}.mp4"
    copy.write_bytes(b"a video")
    try:
        assert not _shared(storage, copy).samefile(copy)
        assert copy.read_bytes() == b"a video"
    finally:
        copy.unlink()


def test_the_inputs_of_a_job_can_go_without_the_job(storage):
    record = LocalJob(uuid4().hex, "lucy-pro-i2v", {}, ["data", "start"], 7, storage.owner_id, 1.0)
    storage.add(record, {"data": lambda path: path.write_bytes(b"1")})
    storage.remove_inputs(record)
    assert [path.name for path in storage.video(record.id).parent.iterdir()] == ["job.json"]
    assert storage.load(record.id) == record
