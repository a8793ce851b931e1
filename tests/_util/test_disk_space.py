"""What has no end fills no disk: downloads and fetched files are bounded, and leave some room."""

from __future__ import annotations

import functools
import shutil
import socket
from pathlib import Path

import pytest

from decart_nb import DecartClient, InvalidInputError, QueueResultError
from decart_nb._util.disk_space import DiskSpace, DiskSpaceError
from decart_nb.request.catalogue import models
from decart_nb.request.request import Request, prepare
from tests.scripted import answer, error_of, quick, serving

MEBIBYTE = 2**20


def endless(connection: socket.socket) -> None:
    """An act: an answer that announces no length, and goes on until the other side has gone."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"\0\0\0\x18ftypmp42" + bytes(100))
    while True:
        connection.sendall(bytes(MEBIBYTE))


def test_a_video_without_an_announced_length_is_bounded_and_nothing_of_it_stays(tmp_path: Path) -> None:
    target = tmp_path / "videos" / "a.mp4"
    target.parent.mkdir()
    with serving(endless) as server:
        error = error_of(
            QueueResultError,
            quick(server.url),
            lambda client: client.queue.download("job_1", target, max_bytes=2 * MEBIBYTE),
        )
    assert "announced no length, and sends more than 2 MiB" in error.message
    assert len(server.asked) == 1
    assert list(target.parent.iterdir()) == []


async def fetch(request: Request, client: DecartClient) -> Request:
    return await client.queue.fetch_inputs(request, max_bytes=3 * MEBIBYTE)


def test_a_file_from_a_url_is_bounded() -> None:
    for act in (endless, answer(length=10**12)):
        with serving(act) as server:
            request = prepare(models.video("lucy-2.5"), {"prompt": "", "data": f"{server.url}/a.mp4"})
            error = error_of(
                InvalidInputError,
                quick(server.url),
                functools.partial(fetch, request),
            )
        assert "(it has more than 3 MiB)" in error.message
        assert len(server.asked) == 1


def test_a_video_for_which_there_is_no_room_is_not_begun(tmp_path: Path) -> None:
    size = shutil.disk_usage(tmp_path).free + 10**9

    def announced(connection: socket.socket) -> None:
        connection.sendall(answer(length=size) + bytes(1000))

    target = tmp_path / "videos" / "a.mp4"
    target.parent.mkdir()
    with serving(announced) as server:
        error = error_of(QueueResultError, quick(server.url), lambda client: client.queue.download("job_1", target))
    assert "free some disk space" in error.message
    assert "can still be fetched" in error.message
    assert list(target.parent.iterdir()) == []


def test_room_is_looked_at_on_the_way_and_copies_count(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    DiskSpace(tmp_path).require(0)
    with pytest.raises(DiskSpaceError):
        DiskSpace(tmp_path).require(free)
    space = DiskSpace(tmp_path, copies=10**9)
    space.add(1000)
    with pytest.raises(DiskSpaceError, match="stay reserved; free some disk space"):
        space.add(8 * MEBIBYTE)


def test_a_disk_that_tells_nothing_is_written_to(tmp_path: Path) -> None:
    DiskSpace(tmp_path / "no such folder").require(10**18)
