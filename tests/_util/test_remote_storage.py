"""Files at fsspec addresses: whole or not at all, within limits, and with errors that say what to do."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

from decart_nb._util.disk_space import DiskSpace, DiskSpaceError
from decart_nb._util.remote_storage import RemoteStorage, StorageError, upload_all
from tests.odd_file_system import OddFileSystem, odd_address


@pytest.fixture
def folder() -> str:
    """An address at which nothing is."""
    return f"memory://{uuid.uuid4().hex}"


def test_a_file_is_written_read_and_listed(tmp_path: Path, folder: str) -> None:
    source = tmp_path / "a.bin"
    source.write_bytes(b"abc" * 1000)
    storage = RemoteStorage(f"{folder}/deep/a.bin")
    storage.upload(source)
    assert storage.read(3000) == source.read_bytes()
    assert RemoteStorage(folder).files() == {"deep/a.bin": 3000}
    assert RemoteStorage(folder).child("deep/a.bin").read(3000) == source.read_bytes()
    sibling = storage.sibling("b.bin")
    source.write_bytes(b"")
    sibling.upload(source)
    assert (sibling.name, sibling.shown, sibling.read(1)) == ("b.bin", f"{folder}/deep/b.bin", b"")
    assert RemoteStorage(f"{folder}/not/there").files() == {}


def test_several_files_are_written_and_one_that_has_gone_is_left_out(tmp_path: Path, folder: str) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    told = []
    pairs = [(tmp_path / name, RemoteStorage(folder).child(name)) for name in "abc"]
    upload_all(pairs, lambda path, _: told.append(path.name))
    assert RemoteStorage(folder).files() == {"a": 1, "b": 1}
    assert sorted(told) == ["a", "b"]


@pytest.mark.parametrize("name", ["a[1].bin", "a*.bin", "a?b.bin"])
def test_a_name_is_no_pattern(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    for place in (RemoteStorage(folder), RemoteStorage.local(tmp_path / "there", "there")):
        place.child("abb.bin").upload(tmp_path / "a")
        place.child(name).upload(tmp_path / "a")
        assert place.child(name).read(5) == b"12345"
        assert place.files() == {"abb.bin": 5, name: 5}


def test_an_error_of_this_machine_s_disk_names_no_folder_of_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(StorageError, match=r"^Not a directory$"):
        RemoteStorage.local(tmp_path / "file" / "there", "there").child("a").upload(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "said"), [("none.bin", "no such file"), ("deep", "it is a folder"), ("a.bin", "more than 0 MiB")]
)
def test_what_cannot_be_read_is_said(tmp_path: Path, folder: str, name: str, said: str) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    for place in ("a.bin", "deep/a.bin"):
        RemoteStorage(folder).child(place).upload(tmp_path / "a")
    with pytest.raises(StorageError, match=said):
        RemoteStorage(f"{folder}/{name}").read(4)


def test_a_folder_that_is_a_file_is_not_listed(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a").write_bytes(b"1")
    RemoteStorage(f"{folder}/a").upload(tmp_path / "a")
    with pytest.raises(StorageError, match="it is a file"):
        RemoteStorage(f"{folder}/a").files()


@pytest.fixture
def odd() -> str:
    return odd_address()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("silent", "nothing has come for 0 s"),
        ("slow", "it takes more than 1 s"),
        ("endless", "more than 0 MiB"),
        ("broken", "the line is [2J down"),
    ],
)
def test_reading_has_limits_of_time_and_size(odd: str, kind: str, said: str) -> None:
    content = io.BytesIO()
    with pytest.raises(StorageError) as caught:
        RemoteStorage(f"{odd}/{kind}").download(content, 10**5, silence=0.4, longest=0.6)
    assert str(caught.value).endswith(said)
    size = len(content.getvalue())
    time.sleep(0.2)
    assert len(content.getvalue()) == size, "what was given up writes on"


def test_a_download_can_be_given_up(odd: str) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(StorageError, match="it was given up"):
        RemoteStorage(f"{odd}/held").download(io.BytesIO(), 10**5, stop=stop)


def test_uploads_that_have_begun_do_not_keep_the_process_after_an_error(odd: str, tmp_path: Path) -> None:
    for name in ("held", "broken"):
        (tmp_path / name).touch()
    before = threading.enumerate()
    with pytest.raises(StorageError, match="no room"):
        upload_all((tmp_path / name, RemoteStorage(f"{odd}/{name}")) for name in ("held", "broken"))
    (held,) = (thread for thread in threading.enumerate() if thread not in before)
    assert held.daemon
    OddFileSystem.released.set()
    held.join(30)


def test_a_download_keeps_space_on_the_disk(odd: str, tmp_path: Path) -> None:
    class Full(DiskSpace):
        def add(self, size: int) -> None:
            raise DiskSpaceError("there is no room")

    with pytest.raises(StorageError, match="there is no room"):
        RemoteStorage(f"{odd}/endless").download(io.BytesIO(), 10**5, space=Full(tmp_path))


def test_an_error_of_a_file_system_shows_no_secret_and_no_folder_of_this_machine(odd: str, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    for address, said in {
        "oci://ann:hunter2@bucket/x": "OSError, whose text is not shown, since the address has a password or a query",
        "oci://bucket/x?sig=5ec3e7": "OSError, whose text is not shown, since the address has a password or a query",
        "oci://bucket/x": "cannot read config: no room at https://host/x?…",
    }.items():
        with pytest.raises(StorageError) as caught:
            RemoteStorage(address).upload(tmp_path / "a")
        assert str(caught.value) == said


def test_a_missing_package_is_named_with_the_line_that_installs_it() -> None:
    script = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
import decart_nb as dnb
from decart_nb.request.request import prepare
for address in sys.argv[2:]:
    try:
        prepare(dnb.models["lucy-2.5"], {"prompt": "a", "data": address})
    except dnb.InvalidInputError as error:
        print(error.message)
"""

    def told(blocked: str, *addresses: str) -> list[str]:
        command = [sys.executable, "-c", script, blocked, *addresses]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    (s3,) = told("s3fs", "s3://bucket/in.mp4")
    assert s3.endswith(
        "data cannot be fetched from s3://bucket/in.mp4 (s3:// needs the package s3fs: "
        'pip install "decart_nb[remote]" s3fs (in a notebook, %pip install "decart_nb[remote]" s3fs)).'
    )
    memory, gcs = told("fsspec,gcsfs", "memory://in.mp4", "gs://bucket/in.mp4")
    assert 'memory:// needs the package fsspec: pip install "decart_nb[remote]" (in' in memory
    assert 'gs:// needs the package gcsfs: pip install "decart_nb[remote]" gcsfs (in' in gcs
