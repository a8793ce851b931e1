"""Every call of the local queue, and what it refuses."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from decart_nb import models
from decart_nb.errors import LocalQueueError
from decart_nb.local.queue import LocalQueue
from tests.local.wire import ORDER, PROMPT, calling, followed, status, submitted, talk

_NO_JOB = "0" * 32
_ROUTES = [
    ("POST", "/v1/jobs/lucy-pro-t2v"),
    ("GET", f"/v1/jobs/{_NO_JOB}"),
    ("GET", f"/v1/jobs/{_NO_JOB}/content"),
    ("POST", "/v1/files"),
    ("GET", f"/v1/files/file_{_NO_JOB}"),
    ("DELETE", f"/v1/files/file_{_NO_JOB}"),
    ("POST", "/v1/models/resolve"),
    ("GET", "/stats"),
]


@pytest.mark.parametrize(("method", "path"), [*_ROUTES, ("GET", "/"), ("GET", "/v1/nothing")])
@pytest.mark.parametrize("key", [None, "", "dct_wrong", "prefix", "longer"])
def test_nobody_comes_in_without_the_key(queue, method, path, key):
    key = {"prefix": queue.api_key[:-1], "longer": queue.api_key + "x"}.get(key, key)
    with calling(queue.base_url, key) as stranger:
        answer = stranger.request(method, path, data=PROMPT if method == "POST" else None)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid API key"})


def test_every_route_answers_who_has_the_key(http):
    assert {http.request(method, path).status_code for method, path in _ROUTES} == {200, 404, 422}


def test_a_job_goes_from_submission_to_video(http, small_video):
    job_id = submitted(http)
    assert followed(http, job_id)[-1] == "completed"
    answer = http.get(f"/v1/jobs/{job_id}/content")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    assert answer.content == small_video.read_bytes()


@pytest.mark.parametrize(
    ("method", "path", "detail"),
    [
        ("GET", f"/v1/jobs/{_NO_JOB}", "Job not found"),
        ("GET", f"/v1/jobs/{_NO_JOB}/content", "Job not found"),
        ("POST", "/v1/jobs/lucy-pro-t3v", "lucy-pro-t2v"),
        ("GET", f"/v1/files/file_{_NO_JOB}", "File not found"),
        ("DELETE", f"/v1/files/file_{_NO_JOB}", "File not found"),
        ("GET", "/", "Not Found"),
        ("GET", "/v1", "Not Found"),
        ("POST", "/v1/generate/lucy-pro-t2v", "Not Found"),
        ("GET", f"/v1/jobs/{_NO_JOB}/content/more", "Not Found"),
    ],
)
def test_what_is_not_there_is_404(http, method, path, detail):
    answer = http.request(method, path)
    assert answer.status_code == 404
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/jobs/lucy-pro-t2v"),
        ("PUT", f"/v1/jobs/{_NO_JOB}"),
        ("POST", f"/v1/jobs/{_NO_JOB}/content"),
        ("GET", "/v1/files"),
        ("PATCH", f"/v1/files/file_{_NO_JOB}"),
        ("GET", "/v1/models/resolve"),
        ("POST", "/stats"),
    ],
)
def test_a_method_that_a_route_does_not_have_is_405(http, method, path):
    answer = http.request(method, path)
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "job_id", ["../x", "..", "%2e%2e", "..%2f..%2fjobs", "%2e%2e%2fstats", "..%5cx", "%00", "~", "x" * 3000, "%ff", "ö"]
)
@pytest.mark.parametrize("rest", ["", "/content"])
def test_no_trick_with_an_id_leads_out_of_the_folder(queue, job_id, rest):
    # Over a socket, since an HTTP client would clean the path up.
    head = f"Host: 127.0.0.1:{queue.port}\r\nConnection: close\r\nX-API-KEY: {queue.api_key}\r\n\r\n"
    request = f"GET /v1/jobs/{job_id}{rest} HTTP/1.1\r\n{head}"
    with socket.create_connection(("127.0.0.1", queue.port), timeout=10) as connection:
        connection.sendall(request.encode())
        with connection.makefile("rb") as answer:
            code = answer.readline().split()[1]
            answer.read()
    assert code in (b"400", b"404") if job_id == "ö" else code == b"404"


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"model": "lucy-latest"}, {"model_id": "lucy-2.5"}),
        ({"model": "lucy-pro-v2v"}, {"model_id": "lucy-clip"}),
        ({"model": "lucy-2.5"}, {"model_id": "lucy-2.5"}),
        ({"models": ["lucy-vton-latest"]}, {"model_ids": {"lucy-vton-latest": "lucy-vton-3.6"}}),
        (
            {"models": ["lucy-restyle-latest", "lucy-restyle-v2v", "lucy-2.1"]},
            {
                "model_ids": {
                    "lucy-restyle-latest": "lucy-restyle-2",
                    "lucy-restyle-v2v": "lucy-restyle-2",
                    "lucy-2.1": "lucy-2.1",
                }
            },
        ),
        ({"models": []}, {"model_ids": {}}),
    ],
)
def test_names_are_resolved(http, asked, answer):
    assert http.post("/v1/models/resolve", json=asked).json() == answer


def test_every_name_resolves_to_one_that_resolves_to_itself(http):
    names = [model.name for model in models]
    answer = http.post("/v1/models/resolve", json={"models": names}).json()["model_ids"]
    assert list(answer) == names
    assert all(answer[target] == target for target in answer.values())


@pytest.mark.parametrize("asked", [{"model": "lucy-9-latest"}, {"models": ["lucy-2.5", "lucy-9-latest"]}])
def test_an_unknown_name_is_404(http, asked):
    answer = http.post("/v1/models/resolve", json=asked)
    assert answer.status_code == 404
    assert "lucy-9-latest" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        "{}",
        '{"model": 7}',
        '{"models": "lucy-2.5"}',
        '{"models": [7]}',
        "[" * 60_000,
        "\xff",
    ],
    ids=lambda body: body[:24],
)
def test_a_question_that_is_none_is_422(http, body):
    answer = http.post("/v1/models/resolve", content=body.encode("latin-1"))
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"][0] == "body"
    assert problem["msg"]
    assert problem["type"]


def test_statuses_come_in_order_and_the_video_only_at_the_end(rendering_queue, small_image):
    with talk(rendering_queue) as http:
        job_id = submitted(
            http,
            "lucy-pro-i2v",
            data={"prompt": "Zoom", "resolution": "480p"},
            files={"data": small_image.read_bytes()},
        )
        seen = []
        while "completed" not in seen:
            early = http.get(f"/v1/jobs/{job_id}/content")
            seen.append(status(http, job_id))
            if seen[-1] != "completed":
                assert early.status_code == 409
                assert "not completed" in early.json()["detail"]
        assert seen == sorted(seen, key=ORDER.index)
        assert seen.count("processing") > 1
        assert http.get(f"/v1/jobs/{job_id}/content").content[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("model", "prompt", "content", "reason"),
    [
        ("lucy-pro-i2v", "Zoom", b"no image at all", "data is not an image"),
        ("lucy-pro-i2v", "Zoom", b"", "data is not an image"),
        ("lucy-2.1", "", b"no video at all", "data is not a video"),
        ("lucy-restyle-v2v", "Oil", b"\0\0\0\x18ftypmp42" + bytes(100), "data is not a video"),
    ],
)
def test_an_upload_that_cannot_be_decoded_fails_the_job(rendering_queue, model, prompt, content, reason):
    with talk(rendering_queue) as http:
        files = {"data": ("data", content, "application/octet-stream")}
        job_id = submitted(http, model, data={"prompt": prompt}, files=files)
        assert followed(http, job_id)[-1] == "failed"
        assert reason in http.get(f"/v1/jobs/{job_id}").json()["error"]
        content = http.get(f"/v1/jobs/{job_id}/content")
    assert (content.status_code, content.json()) == (409, {"detail": "The job is failed, not completed."})


def test_a_still_image_is_no_video(rendering_queue, small_image):
    with talk(rendering_queue) as http:
        job_id = submitted(http, "lucy-2.1", data={"prompt": ""}, files={"data": small_image.read_bytes()})
        assert followed(http, job_id)[-1] == "failed"
        assert "still image" in http.get(f"/v1/jobs/{job_id}").json()["error"]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("path", "most"), [("/v1/jobs/lucy-pro-i2v", 2**20), ("/v1/files", 2**20), ("/v1/models/resolve", 2**16)]
)
def test_too_much_is_413(tmp_path, small_video, path, most, chunked):
    head = b'--x\r\nContent-Disposition: form-data; name="data"; filename="a"\r\n\r\n'
    chunks = [head, *[bytes(2**16)] * 40, b"\r\n--x--\r\n"]
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with LocalQueue(tmp_path / "q", canned=small_video, max_upload=2**20) as queue, talk(queue) as http:
        answer = http.post(path, content=iter(chunks) if chunked else b"".join(chunks), headers=headers)
        assert answer.status_code == 413
        assert answer.json()["detail"] == f"The request is larger than {most} bytes."
        assert submitted(http, "lucy-pro-i2v", data={"prompt": "Zoom"}, files={"data": bytes(2**19)})


def test_as_much_as_is_allowed_is_taken(tmp_path, small_video):
    body = b"prompt=A+harbour"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with LocalQueue(tmp_path / "q", canned=small_video, max_upload=len(body)) as queue, talk(queue) as http:
        for content in (body, iter([body])):
            assert http.post("/v1/jobs/lucy-pro-t2v", content=content, headers=headers).status_code == 200
        for content in (body + b"s", iter([body, b"s"])):
            assert http.post("/v1/jobs/lucy-pro-t2v", content=content, headers=headers).status_code == 413


def test_too_many_unfinished_jobs_are_429(tmp_path, small_video):
    with (
        LocalQueue(tmp_path / "q", canned=small_video, draw_duration=lambda: 1.0, max_unfinished=2) as queue,
        talk(queue) as http,
    ):
        jobs = [submitted(http) for _ in range(2)]
        answer = http.post("/v1/jobs/lucy-pro-t2v", data=PROMPT)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["detail"]
        assert http.get("/stats").json()["refused"] == 1
        for job_id in jobs:
            followed(http, job_id)
        assert submitted(http)


def test_uploads_at_the_same_time_are_no_way_around_the_limit(tmp_path, small_video):
    with LocalQueue(tmp_path / "q", canned=small_video, draw_duration=lambda: 60.0, max_unfinished=3) as queue:

        def submit(_: int) -> int:
            with talk(queue) as http:
                files = {"data": bytes(2**20)}
                return http.post("/v1/jobs/lucy-pro-i2v", data=PROMPT, files=files).status_code

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(submit, range(16)))
    assert (answers.count(200), answers.count(429)) == (3, 13)


def test_every_end_that_was_told_is_counted(tmp_path, small_video):
    with LocalQueue(tmp_path / "q", canned=small_video, draw_duration=lambda: 0.01) as queue, talk(queue) as http:
        for _ in range(100):
            job_id = submitted(http)
            while status(http, job_id) != "completed":
                pass
        assert http.get("/stats").json()["detected"] == 100


def test_stats_count_what_was_asked(tmp_path, small_video):
    with LocalQueue(tmp_path / "q", canned=small_video, draw_duration=lambda: 0.2) as queue, talk(queue) as http:
        nothing = dict.fromkeys(("submissions", "refused", "polls", "downloads", "files", "detected"), 0)
        assert http.get("/stats").json() == nothing | {"mean_delay": None, "longest_delay": None}
        first, second, _ = (submitted(http) for _ in range(3))
        http.post("/v1/jobs/lucy-pro-t2v")
        status(http, first)
        time.sleep(0.5)
        for _ in range(2):
            status(http, first)
            status(http, second)
        for _ in range(2):
            http.get(f"/v1/jobs/{second}/content")
        http.post("/v1/files", files={"file": b"1"})
        stats = http.get("/stats").json()
    assert {name: stats[name] for name in nothing} == {
        "submissions": 3,
        "refused": 0,
        "polls": 5,
        "downloads": 2,
        "files": 1,
        "detected": 2,
    }
    assert 0.2 < stats["mean_delay"] <= stats["longest_delay"] < 5


def test_an_address_that_is_taken_is_told_in_a_sentence(queue, tmp_path):
    with pytest.raises(LocalQueueError, match=f"cannot listen on 127.0.0.1, port {queue.port}: .* Choose another port"):
        LocalQueue(tmp_path / "q", port=queue.port)


def test_a_folder_that_cannot_be_written_leaves_no_socket(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalQueueError):
        LocalQueue(tmp_path / "file")


def test_a_queue_that_stops_at_once_lets_go_of_its_port(tmp_path, small_video):
    with LocalQueue(tmp_path / "q", canned=small_video) as first:
        pass
    with LocalQueue(tmp_path / "q", canned=small_video, port=first.port) as second, talk(second) as http:
        assert http.get("/stats").status_code == 200
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", first.port), timeout=1).close()
    assert not list((tmp_path / "q" / "owners").iterdir())


def test_keys_are_made_up_and_differ(tmp_path, small_video, queue):
    with LocalQueue(tmp_path / "q", canned=small_video) as other:
        assert other.api_key != queue.api_key
        assert all(len(key) > 20 and key.startswith("dct_") for key in (other.api_key, queue.api_key))
