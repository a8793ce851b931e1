"""The channel on which a frontend asks for videos and posters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from decart_nb.display.live_view import LiveView, assets
from decart_nb.display.media_channel import SEND_LIMIT, Media, MediaChannel
from tests import front_end


class _View(LiveView):
    _esm, _css = assets("media_channel", "job_view")

    def text(self) -> str:
        return "a view"


@pytest.fixture
def files(tmp_path: Path) -> dict[tuple[str, str], Media]:
    video = tmp_path / "in.mp4"
    video.write_bytes(b"picture and sound")
    return {
        ("video", "a"): Media(video, "video/mp4"),
        ("poster", "a"): Media(lambda: b"a still", "image/webp"),
    }


@pytest.fixture
def ask(files: dict[tuple[str, str], Media]) -> Iterator[Callable[..., tuple[dict[str, Any], list[bytes]]]]:
    """Sends what a frontend does, and waits for the answer."""
    view = _View()
    MediaChannel(view, files)
    sent = front_end.received(view)

    def ask(**message: Any) -> tuple[dict[str, Any], list[bytes]]:
        front_end.send(view, message)
        deadline = time.monotonic() + 20
        while not sent and time.monotonic() < deadline:
            time.sleep(0.01)
        return sent.pop()

    yield ask
    view.close()


def test_a_file_is_answered_with_its_bytes_and_type(ask) -> None:
    assert ask(request=7, kind="video", key="a") == (
        {"reply": 7, "media_type": "video/mp4", "error": ""},
        [b"picture and sound"],
    )
    assert ask(request=8, kind="poster", key="a") == (
        {"reply": 8, "media_type": "image/webp", "error": ""},
        [b"a still"],
    )


@pytest.mark.parametrize("key", ["b", "../in.mp4", "/etc/passwd", None, ["a"]])
def test_a_key_that_was_not_given_is_refused(ask, key) -> None:
    answer, buffers = ask(request=1, kind="video", key=key)
    assert answer == {"reply": 1, "media_type": "", "error": "This view has no such file: run its cell again."}
    assert buffers == []


def test_a_file_that_is_added_later_is_found(ask, files) -> None:
    assert ask(request=1, kind="poster", key="b")[0]["error"]
    files["poster", "b"] = Media(lambda: b"b", "image/png")
    assert ask(request=1, kind="poster", key="b")[1] == [b"b"]


def test_a_file_that_is_too_large_or_gone_is_refused_by_its_name(ask, files, tmp_path) -> None:
    large = tmp_path / "large.mp4"
    with large.open("wb") as file:
        file.truncate(SEND_LIMIT + 1)
    files["video", "large"] = Media(large, "video/mp4")
    answer, buffers = ask(request=1, kind="video", key="large")
    assert answer["error"].startswith("large.mp4 is larger than 64 MiB, ")
    assert buffers == []
    large.unlink()
    assert ask(request=1, kind="video", key="large")[0]["error"] == (
        "large.mp4 cannot be read: No such file or directory."
    )


def test_what_goes_wrong_in_making_a_file_is_answered(ask, files) -> None:
    def broken() -> bytes:
        raise ValueError("no frame\x1b[31m")

    files["poster", "a"] = Media(broken, "image/webp")
    assert ask(request=1, kind="poster", key="a")[0]["error"] == "no frame [31m"


def test_a_message_that_is_no_request_is_not_answered(ask, files) -> None:
    seen: list[str] = []
    files["poster", "a"] = Media(lambda: seen.append("asked") or b"", "image/webp")
    view = _View()
    MediaChannel(view, files)
    for message in ({"action": "stop"}, {}, {"request": "1", "kind": "poster", "key": "a"}):
        front_end.send(view, message)
    assert ask(request=1, kind="poster", key="a")[0]["reply"] == 1
    assert seen == ["asked"]
    view.close()
