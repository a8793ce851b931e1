"""What has no end is never waited for, and a file that changes is never read half."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb.request.catalogue import models
from decart_nb.request.local_files import LocalFile, UnusableFileError, copy_to_temporary, read_bytes, read_unchanged
from decart_nb.request.models import ModelDefinition
from decart_nb.request.request import prepare
from decart_nb.request.uploads import Upload

OWN = ModelDefinition(name="own", width=64, height=64, fps=5)


def refused(value: Any) -> str:
    """What is said of a file input, by a model that knows its inputs and by one that does not."""
    said = set()
    for model in (models.video("lucy-2.5"), OWN):
        with pytest.raises(dnb.InvalidInputError) as caught:
            prepare(model, {"prompt": "a", "data": value})
        said.add(caught.value.message.partition(": data ")[2])
    assert len(said) == 1
    return said.pop()


def test_what_is_no_regular_file_is_refused_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo("pipe.mp4")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("socket.mp4")
    listening.close()
    for name, target in {"dangling": "nowhere", "loop": "loop", "link": "pipe"}.items():
        Path(f"{name}.mp4").symlink_to(f"{target}.mp4")
    for name, said in {
        "pipe.mp4": "is a named pipe",
        "link.mp4": "is a named pipe",
        "socket.mp4": "is a socket",
        "/dev/zero": "is a device",
        "/dev/null": "is a device",
        "/dev": "is a folder",
        "/proc/self/status": "is empty",
        "dangling.mp4": "is a link to what is not there",
        "loop.mp4": "cannot be read",
        "x" * 5000: "cannot be read",
        "in\0.mp4": "cannot be read",
        "no/such/in.mp4": "is not there",
    }.items():
        assert refused(name).startswith(said), name
        assert refused(name).isprintable()
        assert refused(Path(name)).startswith(said)


def test_a_file_beyond_the_bound_is_refused_by_its_size(tmp_path: Path) -> None:
    with Path("large.mp4").open("wb") as stream:
        stream.truncate(2**40)
    assert refused("large.mp4").startswith("has 1,048,576 MiB; at most 4,096 MiB are read")


def test_a_stream_without_an_end_is_given_up_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with (
        Path("/dev/zero").open("rb") as endless,
        pytest.raises(UnusableFileError, match="does not end; at most 3 MiB are read"),
    ):
        copy_to_temporary(endless, most=3 * 2**20)
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_of_this_process_is_read_once_to_its_end(small_video: Path) -> None:
    def piped(content: bytes) -> str:
        out, into = os.pipe()
        threading.Thread(target=_write, args=(into, content)).start()
        opened.append(out)
        return f"/dev/fd/{out}"

    opened: list[int] = []
    try:
        upload = prepare(models.video("lucy-2.5"), {"prompt": "a", "data": piped(small_video.read_bytes())}).files[
            "data"
        ]
        assert isinstance(upload, Upload)
        assert upload.sha256() == Upload("in.mp4", small_video).sha256()
        assert read_bytes(Path(piped(b"prompt\n")), 100) == b"prompt\n"
        with pytest.raises(UnusableFileError, match="does not end; at most 0 MiB"):
            read_bytes(Path(piped(b"x" * 101)), 100)
        assert "nothing left to read" in refused_once(piped(b""))
    finally:
        for one in opened:
            os.close(one)


def test_a_sweep_reads_a_pipe_and_a_stream_once_for_its_plan_and_its_run(small_video: Path) -> None:
    dnb.connect("local")
    out, into = os.pipe()
    thread = threading.Thread(target=_write, args=(into, small_video.read_bytes()))
    thread.start()
    sweep = dnb.sweep(model="lucy-2.5", prompt=["a", "b"], data=f"/dev/fd/{out}")
    assert sweep.plan["plan"].tolist() == ["new", "new"]
    thread.join()
    os.close(out)
    assert sweep.sample(1, seed=0).plan["plan"].tolist() == ["new"]
    assert sweep.plan["seconds"].tolist() == [1.0, 1.0]


def test_a_file_that_changes_is_read_again_or_refused_and_never_half(tmp_path: Path) -> None:
    path = tmp_path / "in.bin"
    path.write_bytes(b"a" * 3_000_000)
    upload = Upload("in.bin", LocalFile(path))
    for change in (
        lambda: path.write_bytes(b"b" * 2_000_000),
        lambda: os.truncate(path, 1_000_000),
        lambda: _grow(path),
    ):
        with upload.open() as stream:
            stream.read(10)
            change()
            with pytest.raises(OSError, match="has changed"):
                stream.read()
        with pytest.raises(OSError, match="has changed"):
            upload.open()
        upload = Upload("in.bin", LocalFile(path))
    assert upload.snapshot().size == path.stat().st_size


def test_what_comes_to_rest_is_used_and_what_does_not_is_refused(tmp_path: Path) -> None:
    path, reads = tmp_path / "in.bin", []

    def read(changes: int) -> bytes:
        path.write_bytes(bytes([len(reads)]) * 10)
        with LocalFile(path).open() as stream:
            reads.append(stream.read(3))
            if len(reads) <= changes:
                _grow(path)
            return reads[-1] + stream.read()

    assert read_unchanged(lambda: read(1)) == b"\1" * 10
    with pytest.raises(UnusableFileError, match="is being written while it is read"):
        read_unchanged(lambda: read(10))
    assert len(reads) == 5


def _write(into: int, content: bytes) -> None:
    with open(into, "wb") as stream:
        stream.write(content)


def _grow(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"more")


def refused_once(value: Any) -> str:
    with pytest.raises(dnb.InvalidInputError) as caught:
        prepare(models.video("lucy-2.5"), {"prompt": "a", "data": value})
    return caught.value.message
