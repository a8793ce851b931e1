"""What a submission may look like, and how one that is wrong is told so; over HTTP, as it comes from strangers."""

from __future__ import annotations

import json

import pytest

from tests.local.wire import submitted

_POINTS = [{"frame": 0, "x": 0.5, "y": 0.5}, {"frame": 24, "x": 0.75, "y": 0.25}]


@pytest.fixture
def values(queue, http):
    """What the queue has understood of a submission: its plain values, and the names of its files."""

    def of(model: str, **request):
        record = queue.jobs.get(submitted(http, model, **request))
        assert record.model == model
        return record.values, record.files

    return of


def test_multipart_and_urlencoded_mean_the_same(values):
    fields = {"prompt": "Ein Käfer, ein 🐞 & more=less", "seed": "0", "resolution": "480p", "orientation": "portrait"}
    expected = {**fields, "seed": 0}, []
    assert values("lucy-pro-t2v", data=fields) == expected
    assert values("lucy-pro-t2v", files={name: (None, text) for name, text in fields.items()}) == expected


@pytest.mark.parametrize(
    ("text", "meant"), [("true", True), ("True", True), ("1", True), ("false", False), ("False", False), ("0", False)]
)
def test_flags(values, small_video, text, meant):
    data = {"prompt": "Oil", "enhance_prompt": text}
    assert values("lucy-2.1", data=data, files={"data": small_video.read_bytes()})[0]["enhance_prompt"] is meant


@pytest.mark.parametrize(
    "text",
    [json.dumps(_POINTS), str(_POINTS), json.dumps([[0, 0.5, 0.5], [24, 0.75, 0.25]])],
    ids=["JSON", "Python", "triples"],
)
def test_trajectories(values, small_image, text):
    assert values("lucy-motion", data={"trajectory": text}, files={"data": small_image.read_bytes()}) == (
        {"trajectory": _POINTS},
        ["data"],
    )


@pytest.mark.parametrize("name", ["data", "photo.png", "nothing.txt"])
@pytest.mark.parametrize("media_type", ["application/octet-stream", "image/png", "text/plain", None])
def test_a_file_is_a_file_whatever_it_is_called(queue, http, small_image, name, media_type):
    part = (name, small_image.read_bytes(), *([media_type] if media_type else []))
    job_id = submitted(http, "lucy-pro-i2v", data={"prompt": "Zoom"}, files={"data": part})
    assert queue.jobs.get(job_id).files == ["data"]


def test_other_fields_are_ignored(values, small_image):
    fields = {"prompt": "Zoom", "num_inference_steps": "30", "data2": "x", "orientation": "portrait"}
    files = {"data": small_image.read_bytes(), "start": small_image.read_bytes()}
    assert values("lucy-pro-i2v", data=fields, files=files) == ({"prompt": "Zoom"}, ["data"])


def test_a_prompt_of_a_model_that_needs_none_may_be_empty(values, small_video):
    assert values("lucy-2.1", data={"prompt": ""}, files={"data": small_video.read_bytes()})[0] == {"prompt": ""}


_IMAGE = {"data": b"\x89PNG"}
_DEEP = "[" * 100_000
_HUGE = json.dumps([{"frame": 10**400, "x": 0, "y": 0}, *_POINTS])


@pytest.mark.parametrize(
    ("model", "data", "files", "problems"),
    [
        ("lucy-pro-t2v", {}, {}, [("prompt", "missing")]),
        ("lucy-pro-t2v", {"prompt": ""}, {}, [("prompt", "string_too_short")]),
        ("lucy-pro-t2v", {"prompt": "x" * 1001}, {}, [("prompt", "string_too_long")]),
        ("lucy-pro-t2v", {"prompt": "a", "seed": "x"}, {}, [("seed", "int_type")]),
        ("lucy-pro-t2v", {"prompt": "a", "seed": "1.5"}, {}, [("seed", "int_type")]),
        ("lucy-pro-t2v", {"prompt": "a", "seed": "-1"}, {}, [("seed", "greater_than_equal")]),
        ("lucy-pro-t2v", {"prompt": "a", "seed": str(2**32)}, {}, [("seed", "less_than_equal")]),
        ("lucy-pro-t2v", {"prompt": "a", "seed": "9" * 5000}, {}, [("seed", "int_type")]),
        ("lucy-pro-t2v", {"prompt": "a", "resolution": "8K"}, {}, [("resolution", "enum")]),
        ("lucy-pro-t2v", {"prompt": "a", "orientation": "square"}, {}, [("orientation", "enum")]),
        ("lucy-dev-i2v", {"prompt": "a", "resolution": "480p"}, _IMAGE, [("resolution", "enum")]),
        ("lucy-pro-i2v", {"prompt": "a"}, {}, [("data", "missing")]),
        ("lucy-pro-i2v", {"prompt": "a", "data": "cat.png"}, {}, [("data", "value_error")]),
        ("lucy-pro-i2v", {}, {**_IMAGE, "prompt": b"a"}, [("prompt", "string_type")]),
        ("lucy-pro-i2v", {"prompt": "a"}, {**_IMAGE, "seed": b"1"}, [("seed", "int_type")]),
        ("lucy-pro-flf2v", {"prompt": "a"}, {"start": b"1"}, [("end", "missing")]),
        ("lucy-pro-v2v", {"prompt": "a", "enhance_prompt": "maybe"}, _IMAGE, [("enhance_prompt", "bool_type")]),
        ("lucy-motion", {}, _IMAGE, [("trajectory", "missing")]),
        ("lucy-motion", {"trajectory": "null"}, _IMAGE, [("trajectory", "list_type")]),
        ("lucy-motion", {"trajectory": "left, then up"}, _IMAGE, [("trajectory", "list_type")]),
        ("lucy-motion", {"trajectory": "{}"}, _IMAGE, [("trajectory", "list_type")]),
        ("lucy-motion", {"trajectory": "7"}, _IMAGE, [("trajectory", "list_type")]),
        ("lucy-motion", {"trajectory": _DEEP}, _IMAGE, [("trajectory", "value_error")]),
        ("lucy-motion", {"trajectory": "{[]: 1}"}, _IMAGE, [("trajectory", "list_type")]),
        ("lucy-motion", {"trajectory": "__import__('os').getcwd()"}, _IMAGE, [("trajectory", "list_type")]),
        ("lucy-motion", {"trajectory": json.dumps(_POINTS[:1])}, _IMAGE, [("trajectory", "too_short")]),
        ("lucy-motion", {"trajectory": json.dumps(_POINTS * 501)}, _IMAGE, [("trajectory", "too_long")]),
        ("lucy-motion", {"trajectory": "[1, 2]"}, _IMAGE, [("trajectory", "value_error")]),
        ("lucy-motion", {"trajectory": "[[0, 0, NaN], [1, 0, 0]]"}, _IMAGE, [("trajectory", "greater_than_equal")]),
        ("lucy-motion", {"trajectory": "[[0, -1, 0], [1, 0, 0]]"}, _IMAGE, [("trajectory", "greater_than_equal")]),
        ("lucy-motion", {"trajectory": _HUGE}, _IMAGE, [("trajectory", "value_error")]),
        ("lucy-restyle-v2v", {}, _IMAGE, [("prompt", "missing")]),
        (
            "lucy-restyle-v2v",
            {"prompt": "a"},
            {**_IMAGE, "reference_image": b"1"},
            [("reference_image", "value_error")],
        ),
        (
            "lucy-restyle-v2v",
            {"enhance_prompt": "true"},
            {**_IMAGE, "reference_image": b"1"},
            [("enhance_prompt", "value_error")],
        ),
        ("lucy-pro-i2v", {"seed": "x"}, {}, [("seed", "int_type"), ("prompt", "missing"), ("data", "missing")]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_told_as_fastapi_tells_it(http, model, data, files, problems):
    before = http.get("/stats").json()["submissions"]
    answer = http.post(f"/v1/jobs/{model}", data=data, files=files or None)
    assert answer.status_code == 422, answer.text
    detail = answer.json()["detail"]
    assert [(problem["loc"], problem["type"]) for problem in detail] == [
        (["body", name], kind) for name, kind in problems
    ]
    assert all(problem["msg"] and len(problem["msg"]) < 300 for problem in detail)
    assert http.get("/stats").json()["submissions"] == before


def test_a_file_without_a_name_is_text_and_so_refused(http):
    head = 'Content-Disposition: form-data; name="data"\r\nContent-Type: application/octet-stream'
    body = f"--x\r\n{head}\r\n\r\n".encode() + bytes(range(256)) + b"\r\n--x--\r\n"
    answer = http.post(
        "/v1/jobs/lucy-motion", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 422
    assert {"data", "trajectory"} == {problem["loc"][1] for problem in answer.json()["detail"]}


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b"nonsense", b"--x\r\nnonsense\r\n\r\n--x--", b"--x--\r\n"])
def test_a_body_that_is_no_form_is_refused(http, body):
    answer = http.post(
        "/v1/jobs/lucy-pro-t2v", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "multipart/form-data", ""])
def test_a_body_of_another_sort_is_refused(http, media_type):
    answer = http.post("/v1/jobs/lucy-pro-t2v", content=b'{"prompt": "a"}', headers={"Content-Type": media_type})
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]
