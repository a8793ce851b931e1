"""Our client runs the same cases as Decart's own, with every model."""

from __future__ import annotations

import sys

import pytest

from decart_nb import models
from decart_nb.local.queue import LocalQueue
from tests.peers.cases import MISSION, SUMMER, TODAY, Case, check, drive

_ALL = [*MISSION, *TODAY, *SUMMER]


def test_every_model_goes_the_whole_way(rendering_queue, files):
    assert {case.model for case in _ALL} == {model.name for model in models}
    for case, outcome in zip(_ALL, drive(sys.executable, "decart_nb", rendering_queue, _ALL, files), strict=True):
        check(case, outcome)


@pytest.mark.parametrize(
    ("case", "error", "status"),
    [
        (Case("lucy-pro-t2v", way="status", more={"job_id": "0" * 32}), "QueueStatusError", 404),
        (Case("lucy-pro-t2v", way="status", more={"job_id": "../stats"}), "QueueStatusError", 404),
        (Case("lucy-pro-t2v", way="result", more={"job_id": "0" * 32}), "QueueResultError", 404),
        (Case("lucy-pro-t2v", {"prompt": "A harbour"}, way="early"), "QueueResultError", 409),
        (Case("lucy-pro-t2v", {"prompt": ""}, way="submit"), "InvalidInputError", None),
        (Case("lucy-pro-t3v", {"prompt": "A harbour"}, way="submit"), "ModelNotFoundError", None),
    ],
    ids=lambda value: value.way if isinstance(value, Case) else None,
)
def test_errors_are_those_of_the_sdk(case, error, status, tmp_path, small_video, files):
    with LocalQueue(tmp_path / "queue", canned=small_video, draw_duration=lambda: 60.0) as queue:
        [outcome] = drive(sys.executable, "decart_nb", queue, [case], files)
    assert (outcome["error"], outcome["status"]) == (error, status)


def test_a_wrong_key_is_told(canned_queue, files):
    case = Case("lucy-pro-t2v", {"prompt": "A harbour"}, way="submit")
    [outcome] = drive(sys.executable, "decart_nb", canned_queue, [case], files, api_key="dct_wrong")
    assert (outcome["error"], outcome["status"]) == ("QueueSubmitError", 401)
    assert "dct_wrong" not in outcome["message"]
