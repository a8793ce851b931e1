"""Ingestion of a request: its files are in the store before it is sent, and are those that were checked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.job.ingest import ingest
from decart_nb.request.catalogue import models
from decart_nb.request.request import prepare
from decart_nb.request.uploads import Upload
from decart_nb.store.store import Store


def test_the_files_of_a_planned_job_are_the_stores_own(small_video: Path, tmp_path: Path) -> None:
    store, path = Store(tmp_path / "runs"), tmp_path / "in.mp4"
    content = small_video.read_bytes()
    path.write_bytes(content)
    request = prepare(models.video("lucy-2.5"), {"prompt": "x", "data": path})
    request, record = ingest(store, request, "local", "local", "lucy-2.5")
    path.write_bytes(b"something else")
    upload = request.files["data"]
    assert isinstance(upload, Upload)
    with upload.open() as stream:
        assert stream.read() == content
    assert upload.filename == record.files["data"]["filename"] == "in.mp4"
    assert record.input_seconds == upload.seconds == 1.0


@pytest.mark.parametrize("goes", [False, True], ids=["changed", "gone"])
def test_a_file_that_is_not_the_one_that_was_checked_is_refused(goes: bool, small_video: Path, tmp_path: Path) -> None:
    store, path = Store(tmp_path / "runs"), tmp_path / "in.mp4"
    path.write_bytes(small_video.read_bytes())
    request = prepare(models.video("lucy-2.5"), {"prompt": "x", "data": path})
    time.sleep(0.02)  # the clock of a file system goes in steps
    if goes:
        path.unlink()
    else:
        path.write_bytes(small_video.read_bytes()[::-1])
    why = "No such file" if goes else "is being written while it is read; try again when it is finished"
    with pytest.raises(dnb.InvalidInputError, match=rf"^Invalid inputs for lucy-2\.5: data .*{why}"):
        ingest(store, request, "local", "local", "lucy-2.5")
    assert not store.find()
