"""The live view and the notebook's output of a comparison."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from decart_nb.display.compare_output import CompareOutput
from decart_nb.display.compare_view import CompareView
from decart_nb.display.comparison import Comparison
from tests import front_end


@pytest.fixture
def comparison(small_video) -> Comparison:
    return Comparison([small_video, small_video], ["one", "other"])


def test_the_view_holds_what_is_said_of_the_videos_and_sends_their_bytes_on_request(comparison, small_video) -> None:
    view = CompareView(comparison.videos, output_id="here")
    facts = {"facts": ["64×48", "1.0 s", "10 fps"], "width": 64, "height": 48, "fps": 10.0, "duration": 1.0}
    assert view.items == [{"key": "0", "label": "one", **facts}, {"key": "1", "label": "other", **facts}]
    assert str(small_video.parent) not in json.dumps(view.items)

    received = front_end.received(view)
    for number, kind in enumerate(("video", "poster")):
        front_end.send(view, {"request": number, "kind": kind, "key": "1"})
    deadline = time.monotonic() + 20
    while len(received) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    sent = {answer["reply"]: (answer, buffers) for answer, buffers in received}
    assert sent[0] == ({"reply": 0, "media_type": "video/mp4", "error": ""}, [small_video.read_bytes()])
    assert sent[1][0]["media_type"] == "image/jpeg"
    assert sent[1][1][0].startswith(b"\xff\xd8")
    assert view.text() == "Comparison of 2 videos: A: one, B: other"
    view.close()


def test_the_output_is_static_with_a_live_view_beside_it_where_somebody_looks(comparison) -> None:
    published: list[dict[str, Any]] = []

    def publish(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        published.append(data)

    CompareOutput(comparison, publish, live=False)
    (static,) = published
    assert static["text/html"].count("<img") == 2
    assert static["text/plain"] == "Comparison of 2 videos: A: one, B: other"

    published.clear()
    CompareOutput(comparison, publish, live=True)
    static, live = published
    assert '<div class="decart-fallback">' in static["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in live
