"""Fixtures: places in memory and on an S3 server on loopback, and a session at a queue that answers at once."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from decart_nb.local.queue import LocalQueue
from decart_nb.session.session import Session
from tests import sweeping
from tests.remote_places import connected


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """The address of an S3 server on loopback."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs every request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket, which the environment has the credentials for."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{uuid.uuid4().hex}"
    fsspec.filesystem("s3").mkdir(bucket)
    return f"s3://{bucket}"


@pytest.fixture(params=["memory", "s3"])
def place(request: pytest.FixtureRequest) -> str:
    """The address of an empty folder."""
    if request.param == "memory":
        return f"memory://{uuid.uuid4().hex}"
    address: str = request.getfixturevalue("s3")
    return address


@pytest.fixture(scope="module")
def canned_queue(tmp_path_factory: pytest.TempPathFactory, small_video: Path) -> Iterator[LocalQueue]:
    """A local queue that answers every job at once with the small video."""
    with LocalQueue(tmp_path_factory.mktemp("queue"), canned=small_video, draw_duration=lambda: 0.0) as queue:
        yield queue


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, canned_queue: LocalQueue) -> Session:
    """A session that takes the canned queue for Decart."""
    sweeping.alone(monkeypatch)
    return connected(canned_queue)


@pytest.fixture
def submitted(canned_queue: LocalQueue) -> Callable[[], int]:
    """How many submissions the queue has taken in this test."""
    before = sweeping.submitted(canned_queue)
    return lambda: sweeping.submitted(canned_queue) - before
