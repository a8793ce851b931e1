"""Decart's own clients work with the local queue as with Decart."""

from __future__ import annotations

from pathlib import Path

import pytest

from decart_nb import models
from decart_nb.local.queue import LocalQueue
from tests.peers.cases import MISSION, TODAY, Case, check, drive

#: Width, height and rate as 0.0.20 has them, where Decart has said otherwise since.
_BEFORE = {"lucy-fast-v2v": (1280, 704, 25), "lucy-restyle-v2v": (1280, 704, 25)}
_DEPRECATED = [case for case in MISSION if case.model == "lucy-restyle-v2v"]


@pytest.mark.parametrize(
    ("peer", "cases", "before"),
    [("decart_0_0_20", MISSION, _BEFORE), ("decart_0_2_4", TODAY + _DEPRECATED, {})],
    ids=["0.0.20", "0.2.4"],
)
def test_every_model_goes_the_whole_way(peer, cases, before, rendering_queue, files, request):
    python = request.getfixturevalue(peer)
    for case, outcome in zip(cases, drive(python, "decart", rendering_queue, cases, files), strict=True):
        check(case, outcome)
        model = models.video(case.model)
        ours = before.get(case.model, (model.width, model.height, model.fps))
        assert tuple(outcome[name] for name in ("width", "height", "fps")) == ours


def test_the_table_has_the_eight_models():
    kinds = ("pro-t2v", "pro-i2v", "dev-i2v", "pro-v2v", "fast-v2v", "pro-flf2v", "motion", "restyle-v2v")
    assert {case.model for case in MISSION} == {f"lucy-{kind}" for kind in kinds}


def test_a_field_that_its_table_lacks_is_sent_as_its_custom_model_sends_it(decart_0_2_4, rendering_queue, files):
    model = models.video("lucy-2.5")
    custom = {name: getattr(model, name) for name in ("name", "url_path", "width", "height", "fps")}
    inputs = {"prompt": "Night", "self_anchor": True, "enhance_prompt": False, "seed": 11, "unheard_of": "x"}
    case = Case("lucy-2.5", inputs, {"data": ("video", "bytes")}, more={"custom": custom})
    [outcome] = drive(decart_0_2_4, "decart", rendering_queue, [case], files)
    check(case, outcome)


def test_the_same_seed_makes_the_same_bytes_whoever_asks(
    decart_0_0_20, decart_0_2_4, rendering_queue, files, tmp_path, monkeypatch
):
    case = Case("lucy-restyle-v2v", {"prompt": "Charcoal", "seed": 12}, {"data": ("video", "path")}, "by_hand")
    videos = set()
    for folder, python in (("old", decart_0_0_20), ("new", decart_0_2_4)):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        [outcome] = drive(python, "decart", rendering_queue, [case], files)
        videos.add(Path(outcome["target"]).read_bytes())
    assert len(videos) == 1


_T2V = {"prompt": "A harbour", "seed": 1}
_NO_JOB = {"job_id": "0" * 32}


@pytest.mark.parametrize("peer", ["decart_0_0_20", "decart_0_2_4"])
def test_errors_are_those_that_it_knows(peer, request, tmp_path, files, small_video):
    model, data = ("lucy-pro-t2v", {}) if peer == "decart_0_0_20" else ("lucy-2.5", {"data": ("video", "bytes")})
    refused = ("lucy-motion", {"trajectory": [[0, 0]]}) if peer == "decart_0_0_20" else ("lucy-2.5", {})
    expected = [
        (Case(model, way="status", more=_NO_JOB), "QueueStatusError", 404),
        (Case(model, way="result", more=_NO_JOB), "QueueResultError", 404),
        (Case(model, _T2V, data, "early"), "QueueResultError", 409),
        (Case(model, {**_T2V, "resolution": "8K"}, data, "submit"), "QueueSubmitError", 422),
        (Case(model, {**_T2V, "seed": -1}, data, "submit"), "QueueSubmitError", 422),
        (Case(model, {"prompt": "x" * 1001}, data, "submit"), "InvalidInputError", None),
        (Case(*refused, way="submit"), "InvalidInputError", None),
        (Case("lucy-pro-t2i", _T2V, way="submit"), "ModelNotFoundError", None),
    ]
    python = request.getfixturevalue(peer)
    with LocalQueue(tmp_path / "queue", canned=small_video, draw_duration=lambda: 60.0) as queue:
        outcomes = drive(python, "decart", queue, [case for case, _, _ in expected], files)
        wrong = drive(python, "decart", queue, [Case(model, _T2V, data, "submit")], files, api_key="dct_wrong")
    assert [(outcome.get("error"), outcome.get("status")) for outcome in outcomes] == [
        (error, status) for _, error, status in expected
    ]
    assert [(outcome["error"], outcome["status"]) for outcome in wrong] == [("QueueSubmitError", 401)]
    assert "Invalid API key" in wrong[0]["message"]


@pytest.mark.parametrize("peer", ["decart_0_0_20", "decart_0_2_4"])
def test_a_failed_job_is_returned_not_raised(peer, request, rendering_queue, files, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(files["video"].read_bytes()[:100])
    case = Case("lucy-restyle-v2v", {"prompt": "Charcoal"}, {"data": ("broken", "path")})
    [outcome] = drive(request.getfixturevalue(peer), "decart", rendering_queue, [case], files | {"broken": broken})
    assert outcome["result"] == outcome["statuses"][-1] == "failed"
