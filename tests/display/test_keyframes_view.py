"""The live view and the notebook's output of keyframes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from decart_nb.display.keyframes import Keyframes
from decart_nb.display.keyframes_output import KeyframesOutput
from decart_nb.display.keyframes_view import KeyframesView
from tests import front_end
from tests.media.test_timeline import film


@pytest.fixture
def picked(small_video: Path) -> Keyframes:
    return Keyframes(small_video)


@pytest.fixture
def view(picked: Keyframes):
    view = KeyframesView(picked, output_id="here")
    yield view
    view.close()


def test_what_is_picked_in_the_view_is_picked_and_the_other_way_round(view, picked) -> None:
    assert view.picks == {"first": 0, "last": 9, "frame": 0}
    view.set_state({"picks": {"first": 1, "last": 8, "frame": 4}})
    assert picked.value == {"first": 1, "last": 8, "frame": 4}
    picked.select(frame=2)
    assert view.picks == {"first": 1, "last": 8, "frame": 2}
    for wrong in ({"frame": 10}, {"frame": "x"}, {"second": 1}):
        view.set_state({"picks": wrong})
        assert view.picks == picked.value == {"first": 1, "last": 8, "frame": 2}
        assert view.problem
    view.close()
    picked.select(frame=0)
    assert view.picks["frame"] == 2


def test_the_times_are_sent_where_no_rate_says_them(view, tmp_path) -> None:
    assert view.video["times"] == []
    assert view.video["frames"] == 10
    varying = KeyframesView(Keyframes(film(tmp_path / "a.mp4", [0, 40, 60, 200])), output_id="here")
    assert varying.video["times"] == pytest.approx([0, 0.04, 0.06, 0.2])
    varying.close()


def test_the_video_and_its_stills_come_on_request_and_nothing_else(view, picked, small_video) -> None:
    state = json.dumps({name: getattr(view, name) for name in ("video", "picks")})
    assert len(state) < 300
    assert str(small_video.parent) not in state
    received = front_end.received(view)
    asked = [("video", "video"), ("poster", "3"), ("poster", "s9"), ("poster", "10"), ("poster", "²"), ("video", "3")]
    for number, (kind, key) in enumerate(asked):
        front_end.send(view, {"request": number, "kind": kind, "key": key})
    deadline = time.monotonic() + 20
    while len(received) < len(asked) and time.monotonic() < deadline:
        time.sleep(0.01)
    sent = {answer["reply"]: (answer, buffers) for answer, buffers in received}
    assert sent[0] == ({"reply": 0, "media_type": "video/mp4", "error": ""}, [small_video.read_bytes()])
    assert sent[1][1] == [picked.still(3)]
    assert sent[2][1] == [picked.small(9)]
    for number in (3, 4, 5):
        assert "has no such file" in sent[number][0]["error"]


@pytest.mark.parametrize("live", [True, False])
def test_the_static_output_follows_what_is_picked(picked, live) -> None:
    published: list[tuple[dict[str, Any], bool]] = []

    def publish(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        published.append((data, update))

    KeyframesOutput(picked, publish, live=live)
    assert len(published) == 1 + live
    static = published[0][0]
    assert '<div class="decart-fallback">' in static["text/html"]
    assert static["text/html"].count("<img") == 3
    picked.select(first=4)
    assert len(published) == 1 + 2 * live
    if live:
        assert "application/vnd.jupyter.widget-view+json" in published[1][0]
        assert published[-1][1]
        assert "first 4 (0.40 s)" in published[-1][0]["text/plain"]


def test_the_browser_is_told_where_the_server_has_the_video(small_video, tmp_path) -> None:
    path = tmp_path / "a" / '"><b>é.mp4'
    path.parent.mkdir()
    path.write_bytes(small_video.read_bytes())
    published: list[str] = []

    def publish(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        published.append(data["text/html"])

    KeyframesOutput(Keyframes(path), publish, live=True, folder=tmp_path)
    assert 'data-name="&quot;&gt;&lt;b&gt;é.mp4" src="a/%22%3E%3Cb%3E%C3%A9.mp4" preload="none" hidden' in published[0]
    for folder, live in ((None, True), (tmp_path, False)):
        published.clear()
        KeyframesOutput(Keyframes(path), publish, live=live, folder=folder)
        assert "<video" not in published[0]
