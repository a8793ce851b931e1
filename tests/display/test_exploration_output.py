"""The notebook output of an exploration: its static form, and the blind rating as its live view."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from decart_nb.adaptive.exploration import Exploration
from decart_nb.display.exploration_html import exploration_html, exploration_text
from decart_nb.display.exploration_output import ExplorationOutput
from decart_nb.display.exploration_view import ExplorationView
from tests import front_end
from tests.explored_sweep import ExploredSweep, explored_sweep, prefers
from tests.fake_sweep import Outputs
from tests.sweeping import wait_until

_HTML = "<img src=x onerror=alert(1)>"
_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def sweep(tmp_path: Path) -> ExploredSweep:
    return explored_sweep(tmp_path / "runs", (_HTML, "b\x1b[31m"))


def _by_a_person(sweep: ExploredSweep) -> Exploration:
    exploration = sweep.explored(rater="me")
    exploration.start()
    wait_until(lambda: exploration.rating.open_pairs == 4 and exploration.status == "rating")
    return exploration


def test_the_static_form_says_what_is_decided_and_escapes_it(sweep, tmp_path) -> None:
    exploration = sweep.explored(rater=prefers(_HTML))
    exploration.run()
    html, text = exploration_html(exploration), exploration_text(exploration)
    assert f"{_HTML} is better than b [31m: preferred in 8 of 8 votes, and in at least 52 % of all" in text
    assert "16 of 40 rows made, about $1.60 of $100.00, rehearsed" in text
    assert "\x1b" not in html + text
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;img src=x onerror=alert(1)&gt; is better than" in html
    assert str(tmp_path) not in html + text


def test_what_is_not_decided_is_said_with_its_interval(sweep) -> None:
    exploration = sweep.explored(rater=prefers(), max_rows=8)
    exploration.run()
    assert f"{_HTML} or b [31m: not decided; {_HTML} is preferred in 0% to 100% of the votes, 4 ties left out." in (
        exploration_text(exploration)
    )


def test_without_votes_no_value_is_named(sweep) -> None:
    exploration = _by_a_person(sweep)
    assert "0 votes, 4 pairs to rate; it is not yet decided" in exploration_text(exploration)
    assert "onerror" not in exploration_html(exploration)
    exploration.stop()


def test_the_live_view_is_blind_and_follows_what_is_made(sweep) -> None:
    outputs, exploration = Outputs(), _by_a_person(sweep)
    ExplorationOutput(exploration, outputs.publish, live=True)
    static, live = outputs.outputs.values()
    assert _VIEW in live
    assert "0 votes, 4 pairs to rate" in static["text/plain"]
    before = outputs.published
    exploration.rating.vote("left")
    assert outputs.published > before
    assert "1 vote, 3 pairs to rate" in outputs.text
    for _ in range(3):
        exploration.rating.vote("left")
    wait_until(lambda: "4 votes, 4 pairs to rate" in outputs.text)  # more was made, and is there to be rated
    exploration.stop()
    assert "stopped; the same call goes on" in outputs.text


def test_the_live_view_has_a_stop_button_until_the_end(sweep) -> None:
    exploration = _by_a_person(sweep)
    view = ExplorationView(exploration, output_id="x")
    assert view.stop_label == "Stop"
    front_end.send(view, {"action": "vote", "outcome": "tie", "number": view.comparison["number"]})
    assert exploration.facts.votes == 1
    front_end.send(view, {"action": "stop"})
    assert exploration.status == "stopped"
    assert view.stop_label == ""
    assert "stopped; the same call goes on" in view.standing
    view.close()


def test_the_progress_beside_the_clips_names_no_value(sweep) -> None:
    exploration = _by_a_person(sweep)
    exploration.rating.vote("left")
    standing = exploration.rating.standing
    assert not standing.enough
    assert standing.text.startswith(
        "1 vote, 3 pairs to rate; it is not yet decided which of the two is better; 8 of 40"
    )
    assert not any(name in json.dumps(standing.text) for name in (_HTML, "[31m"))
    exploration.stop()


def test_while_nothing_is_there_yet_the_view_says_that_it_is_being_made(sweep) -> None:
    sweep.hold = True
    exploration, outputs = sweep.explored(rater="me"), Outputs()
    exploration.start()
    ExplorationOutput(exploration, outputs.publish, live=True)
    assert "the next clips are being made" in outputs.text
    sweep.make(sweep.begun[0])
    wait_until(lambda: "4 pairs to rate" in outputs.text)
    exploration.stop()


def test_what_cannot_be_shown_is_told_in_its_place(sweep) -> None:
    class Broken:
        options = property(lambda self: 1 / 0)

    outputs = Outputs()
    ExplorationOutput(Broken(), outputs.publish, live=False)  # type: ignore[arg-type]
    assert outputs.text == "The exploration cannot be shown: division by zero"
