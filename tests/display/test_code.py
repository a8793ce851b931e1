"""A job as code: pasted into a fresh cell it runs as it stands, and finds the very video that it was copied from."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

import decart_nb as dnb
from decart_nb.display.code import code_of
from decart_nb.local.queue import LocalQueue
from tests.sweeping import SHORT

pytestmark = pytest.mark.filterwarnings("ignore:lucy-.* is retired:decart_nb.ModelWarning")

_OWN = dnb.ModelDefinition(name="lucy-2.5", width=64, height=48, fps=10)
_PATH = [{"frame": 0, "x": 0.1, "y": 0.2}, {"frame": 9, "x": 0.3, "y": 0.2}]


@pytest.fixture
def session(canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> dnb.Session:
    monkeypatch.delenv("DECART_BACKEND")
    monkeypatch.setenv("DECART_API_KEY", canned_queue.api_key)
    return dnb.connect("live", base_url=canned_queue.base_url, polling=SHORT)


@pytest.fixture
def address(small_video: Path) -> Iterator[str]:
    """A file's address, with what must not be shown in it."""

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(small_video.parent))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://somebody:hidden-word@127.0.0.1:{server.server_port}/small.mp4?signature=hidden-word"
        server.shutdown()


def _ran(code: str) -> dnb.Clip:
    *before, call = code.replace("dnb.generate(", "\0dnb.generate(").replace("dnb.attach(", "\0dnb.attach(").split("\0")
    names: dict[str, Any] = {}
    exec("".join(before), names)
    made = eval(call, names)
    return made.result(60) if isinstance(made, dnb.Job) else made


_INPUTS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "text": lambda image, video: {"model": "lucy-pro-t2v", "prompt": 'it\'s "a"\ncat', "resolution": "480p"},
    "path": lambda image, video: {"model": "lucy-pro-i2v", "prompt": "a", "data": image},
    "bytes": lambda image, video: {
        "model": "lucy-2.5",
        "prompt": "a",
        "data": video.read_bytes(),
        "self_anchor": False,
    },
    "stream": lambda image, video: {"model": "lucy-2.5", "prompt": "a", "data": io.BytesIO(video.read_bytes())},
    "picture": lambda image, video: {"model": "lucy-pro-i2v", "prompt": "a", "data": Image.open(image)},
    "array": lambda image, video: {"model": "lucy-pro-i2v", "prompt": "a", "data": np.zeros((48, 64, 3), np.uint8)},
    "two files": lambda image, video: {"model": "lucy-pro-flf2v", "prompt": "a", "start": image, "end": image},
    "trajectory": lambda image, video: {"model": "lucy-motion", "data": image, "trajectory": _PATH},
    "flag": lambda image, video: {
        "model": "lucy-2.5",
        "prompt": "",
        "data": video,
        "enhance_prompt": False,
        "self_anchor": False,
    },
    "own model": lambda image, video: {"model": _OWN, "prompt": "a", "data": video, "strength": 0.5},
    "seed": lambda image, video: {"model": "lucy-pro-t2v", "prompt": "a", "seed": np.int64(7)},
}


def test_the_code_finds_the_video_that_it_was_copied_from(
    session: dnb.Session, canned_queue: LocalQueue, small_image: Path, small_video: Path
) -> None:
    jobs = {sort: session.submit(**inputs(small_image, small_video)) for sort, inputs in _INPUTS.items()}
    made = {sort: job.result(60).job_id for sort, job in jobs.items()}
    clip = _INPUTS["path"](small_image, small_video) | {"data": jobs["text"].result().poster(), "seed": 9}
    jobs["clip"] = session.submit("lucy-2.5", "b", data=jobs["text"].result())
    jobs["still of a clip"] = session.submit(**clip)
    made |= {sort: jobs[sort].result(60).job_id for sort in ("clip", "still of a clip")}
    codes = {sort: code_of(job, Path.cwd()) for sort, job in jobs.items()}
    assert {sort: _ran(code).job_id for sort, code in codes.items()} == made
    assert canned_queue.jobs.stats.as_dict()["submissions"] == len({*made.values()})
    for sort, code in codes.items():
        attached = session.attach(made[sort], _OWN if sort == "own model" else None)
        attached.result(60)
        assert code_of(attached, Path.cwd()) == code
        for hidden in (canned_queue.api_key, str(Path.cwd()), str(small_image.parent), str(small_video.parent)):
            assert hidden not in code


def test_an_address_is_named_by_its_copy(session: dnb.Session, address: str) -> None:
    job = session.submit("lucy-2.5", "b", data=address)
    job.result(60)
    code = code_of(job, Path.cwd())
    assert "data='decart_runs/inputs/" in code
    assert "hidden-word" not in code + repr(job) + str(job.inputs)
    assert _ran(code).job_id == job.id


def test_another_take_is_asked_for_as_such(session: dnb.Session, canned_queue: LocalQueue) -> None:
    session.generate("lucy-pro-t2v", "a", seed=1)
    job = session.submit("lucy-pro-t2v", "a", seed=1, fresh=True)
    job.result(60)
    code = code_of(job, Path.cwd())
    assert "seed=1, fresh=True)" in code
    assert _ran(code).take == 2


def test_a_row_of_a_sweep(session: dnb.Session, canned_queue: LocalQueue, small_video: Path) -> None:
    results = session.sweep(model="lucy-2.5", prompt=["a", "b"], data=small_video, seed=[1, 2]).run()
    for row in results.itertuples():
        attached = session.attach(row.job_id)
        code = code_of(attached, Path.cwd())
        assert f"prompt='{row.prompt}'" in code
        assert f"seed={row.seed}" in code
        assert _ran(code).job_id == row.job_id
    assert canned_queue.jobs.stats.as_dict()["submissions"] == 4


def test_the_session_is_named_with_all_that_it_was_opened_with(tmp_path: Path) -> None:
    (tmp_path / "notebook").mkdir()
    session = dnb.connect("local", store=tmp_path / "kept", prices={"lucy-pro-t2v": 0.1})
    job = session.submit("lucy-pro-t2v", "a", resolution="480p")
    job.result(60)
    code = code_of(job, tmp_path / "notebook")
    assert "dnb.connect('local', store='../kept', prices={'lucy-pro-t2v': 0.1})" in code
    assert "dnb.connect('local', store='kept'," in code_of(job, tmp_path)


def test_what_nobody_knows_the_request_of_is_attached_to(session: dnb.Session) -> None:
    job = session.attach("somebody-elses")
    assert code_of(job, Path.cwd()).endswith("\ndnb.attach('somebody-elses')")
