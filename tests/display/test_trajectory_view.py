"""The live view and the notebook's output of a trajectory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from decart_nb.display.trajectory import Trajectory
from decart_nb.display.trajectory_output import TrajectoryOutput
from decart_nb.display.trajectory_view import TrajectoryView

_PATH = [{"frame": 0, "x": 0.25, "y": 0.5}, {"frame": 124, "x": 0.75, "y": 0.5}]


@pytest.fixture
def path(small_image: Path) -> Trajectory:
    return Trajectory(small_image, _PATH)


@pytest.fixture
def view(path: Trajectory):
    view = TrajectoryView(path, output_id="here")
    yield view
    view.close()


def _set(view: TrajectoryView, points: Any) -> None:
    """What a frontend does."""
    view.set_state({"points": points})


def test_what_is_drawn_is_the_value_and_what_is_set_is_drawn(view, path) -> None:
    assert view.points == _PATH
    assert view.picture == {"name": "small.png", "width": 64, "height": 48, "fps": 25, "frames": 125}
    drawn = [{"frame": 3, "x": 0, "y": 1}, {"frame": 9, "x": 0.5, "y": 0.5}]
    _set(view, drawn)
    assert path.value == drawn
    path.value = _PATH
    assert view.points == _PATH
    assert view.text() == "Trajectory on small.png, 64×48: 2 points, frames 0 to 124"


@pytest.mark.parametrize("wrong", [[{"frame": 500, "x": 0, "y": 0}], [{"frame": 0}], [17]], ids=["late", "half", "odd"])
def test_what_cannot_be_set_is_taken_back_and_said(view, path, wrong) -> None:
    _set(view, wrong)
    assert path.value == view.points == _PATH
    assert "point 0" in view.problem
    _set(view, [])
    assert path.value == []
    assert view.problem == ""


def test_the_image_is_in_no_trait(view, path) -> None:
    state = json.dumps({name: getattr(view, name) for name in ("output_id", "picture", "points", "problem")})
    assert len(state) < 400


def test_a_closed_view_hears_no_more(view, path) -> None:
    view.close()
    path.value = []
    assert view.points == _PATH


@pytest.mark.parametrize("live", [True, False])
def test_the_static_output_follows_what_is_drawn(path, live) -> None:
    published: list[tuple[dict[str, Any], bool]] = []

    def publish(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        published.append((data, update))

    TrajectoryOutput(path, publish, live=live)
    assert len(published) == 1 + live
    static = published[0][0]
    assert '<div class="decart-fallback">' in static["text/html"]
    assert "2 points" in static["text/plain"]
    path.value = [*_PATH, {"frame": 50, "x": 0.1, "y": 0.1}]
    assert len(published) == 1 + 2 * live
    if live:
        assert "application/vnd.jupyter.widget-view+json" in published[1][0]
        again, update = published[-1]
        assert update
        assert "3 points" in again["text/plain"]
        assert 'points="16.0,24.0 6.4,4.8 48.0,24.0"' in again["text/html"]
