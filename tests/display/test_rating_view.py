"""The live view of a blind rating, and its static output."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from decart_nb._util.observed import is_observed
from decart_nb.display.rating_html import rating_html, rating_text
from decart_nb.display.rating_output import RatingOutput
from decart_nb.display.rating_view import RatingView
from decart_nb.errors import StoreError
from decart_nb.rating.rating import Rating
from decart_nb.store.ratings import Vote
from decart_nb.store.store import Store
from tests import front_end
from tests.fake_sweep import Outputs
from tests.rating_tables import rating, results

_HTML = "<img src=x onerror=alert(1)>"
_MODELS = ("model-alpha", "model-beta")


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    """Clips whose files are named for what has made them."""
    table = results(model=list(_MODELS), prompt=[f"{_HTML} {number}" for number in range(5)])
    for number, model in enumerate(table["model"]):
        (tmp_path / f"{model}-{number}.mp4").write_bytes(f"{model} {number}".encode())
    table["path"] = [str(tmp_path / f"{model}-{number}.mp4") for number, model in enumerate(table["model"])]
    return table


@pytest.fixture
def found(table: pd.DataFrame, tmp_path: Path) -> Rating:
    return rating(table, Store(tmp_path / "runs"))


@pytest.fixture
def view(found: Rating):
    view = RatingView(found, output_id="here")
    yield view
    view.close()


def _send(view: RatingView, **message: Any) -> None:
    front_end.send(view, message)


def _vote(view: RatingView, outcome: str) -> None:
    _send(view, action="vote", outcome=outcome, number=view.comparison["number"])


def _traits(view: RatingView) -> str:
    return json.dumps({name: getattr(view, name) for name in view.keys if not name.startswith("_")}, default=str)


def test_nothing_in_the_view_tells_what_is_compared(view, table) -> None:
    assert view.comparison["prompt"].startswith(_HTML)
    for outcome in ("left", "tie", "right", "bad"):
        traits = _traits(view)
        assert not any(name in traits for name in _MODELS)
        assert not any(digest in traits for digest in table["sha256"])
        assert not any(job_id in traits for job_id in table["job_id"])
        assert ".mp4" not in traits
        _vote(view, outcome)


def test_a_vote_is_stored_and_the_next_pair_shown(view, found) -> None:
    number = view.comparison["number"]
    assert not view.can_undo
    _vote(view, "left")
    assert [*found.ratings["outcome"]] == ["left"]
    assert view.comparison["number"] == number + 1
    assert view.standing.startswith("1 vote, ")
    assert view.can_undo


def test_a_vote_on_a_pair_that_is_no_longer_shown_is_ignored(view, found) -> None:
    number = view.comparison["number"]
    for _ in range(3):  # as by a double click
        _send(view, action="vote", outcome="right", number=number)
    assert len(found.ratings) == 1
    _send(view, action="vote", outcome="left")
    _send(view, action="skip", number=number)
    assert len(found.ratings) == 1


def test_skip_and_undo(view, found) -> None:
    first = found.current()
    _send(view, action="skip", number=view.comparison["number"])
    assert found.current() != first
    _send(view, action="undo")
    assert found.current() == first
    _vote(view, "tie")
    _send(view, action="undo")
    assert found.current() == first
    assert found.ratings.empty
    _send(view, action="undo")
    assert view.problem == "There is no vote to undo."
    _vote(view, "tie")
    assert view.problem == ""


def test_scores_are_sent_when_they_are_asked_for(view) -> None:
    _vote(view, "left")
    assert view.scores == {}
    _send(view, action="scores")
    assert {row["name"] for row in view.scores["rows"]} == set(_MODELS)
    assert view.scores["note"]
    _vote(view, "left")
    assert sum(row["counts"][-1] for row in view.scores["rows"]) == 4
    _send(view, action="scores")
    assert view.scores == {}


def test_when_all_is_rated_there_is_no_pair(view) -> None:
    for _ in range(20):
        if view.comparison:
            _vote(view, "tie")
    assert view.comparison == {}
    assert "all pairs are rated" in view.standing
    _send(view, action="undo")
    assert view.comparison


def test_clips_come_on_request_by_their_side_and_errors_name_no_file(view, found) -> None:
    sent = front_end.received(view)

    def ask(key: str) -> tuple[dict[str, Any], list[bytes]]:
        _send(view, request=1, kind="video", key=key)
        deadline = time.monotonic() + 20
        while not sent and time.monotonic() < deadline:
            time.sleep(0.01)
        return sent.pop()

    number = view.comparison["number"]
    for side, clip in zip(("left", "right"), found.current().clips, strict=True):
        answer, buffers = ask(f"{number}-{side}")
        assert buffers == [clip.path.read_bytes()]
        clip.path.unlink()
        answer, buffers = ask(f"{number}-{side}")
        assert answer["error"] == f"The file of the {side} clip cannot be read. Skip this pair."
        assert buffers == []
    _vote(view, "tie")
    assert ask(f"{number}-left")[0]["error"]


def test_closing_the_view_ends_its_observing(found) -> None:
    changed: list[Rating] = []
    view = RatingView(found, output_id="here", on_change=changed.append)
    found.vote("left")
    view.close()
    found.vote("left")
    assert len(changed) == 1
    assert not is_observed(found)


def test_the_static_form_has_the_scores_without_a_script_or_a_path(found, tmp_path) -> None:
    empty = rating_html(found)
    assert "0 votes" in empty
    assert not any(name in empty for name in _MODELS)
    for outcome in ("left", "right", "tie", "bad"):
        found.vote(outcome)
    shown, text = rating_html(found), rating_text(found)
    for form in (shown, text):
        assert all(name in form for name in _MODELS)
        assert "undecided" in form
        assert "me: 4 votes, chose left 1 and right 1 times." in form
        assert str(tmp_path) not in form
    assert shown.count('role="img"') == 2
    assert "<script" not in shown


def test_a_preference_for_a_side_is_told(found) -> None:
    for _ in range(5):
        found.vote("left")
    assert "chose left 5 and right 0 times, which is further from half than chance explains." in rating_text(found)


def test_values_are_escaped(tmp_path) -> None:
    table = results(model=[_HTML, "b\x1b[31m"], prompt=["cat", "dog"])
    found = rating(table, Store(tmp_path / "runs"))
    found.vote("left")
    assert _HTML not in rating_html(found)
    assert "&lt;img" in rating_html(found)
    assert "\x1b" not in rating_text(found)


def test_a_person_gets_the_clips_and_a_headless_run_the_scores(found) -> None:
    outputs = Outputs()
    RatingOutput(found, outputs.publish, live=False)
    (static,) = outputs.outputs.values()
    assert "decart-output" not in static["text/html"]
    outputs = Outputs()
    RatingOutput(found, outputs.publish, live=True)
    static, live = itertools.islice(outputs.outputs.values(), 2)
    assert "decart-output" in static["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in live
    found.vote("left")
    static = next(iter(outputs.outputs.values()))
    assert "1 vote" in static["text/plain"]


class _FullStore(Store):
    def add_vote(self, vote: Vote) -> int:
        raise StoreError("The disk is full.")


def test_a_vote_that_cannot_be_stored_is_said_and_the_pair_stays(table, tmp_path) -> None:
    view = RatingView(rating(table, _FullStore(tmp_path / "runs")), output_id="here")
    number = view.comparison["number"]
    _vote(view, "left")
    assert view.problem == "The disk is full."
    assert view.comparison["number"] == number
    assert not view.can_undo
    view.close()
