from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from decart_nb.local.files import UploadStore


def upload(http, ttl: str | None = None):
    data = {} if ttl is None else {"ttl_seconds": ttl}
    return http.post("/v1/files", data=data, files={"file": ("cat.png", b"12345", "image/png")})


def test_a_file_is_told_about_and_forgotten(http, tmp_path_factory):
    answer = upload(http)
    assert answer.status_code == 200
    file = answer.json()
    assert file["id"].startswith("file_")
    assert {name: file[name] for name in ("filename", "mime_type", "size_bytes")} == {
        "filename": "cat.png",
        "mime_type": "image/png",
        "size_bytes": 5,
    }
    assert [path.read_bytes() for path in tmp_path_factory.getbasetemp().rglob(f"{file['id']}/content")] == [b"12345"]
    assert http.get(f"/v1/files/{file['id']}").json() == file

    gone = http.delete(f"/v1/files/{file['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert http.get(f"/v1/files/{file['id']}").status_code == 404
    assert http.delete(f"/v1/files/{file['id']}").status_code == 404
    assert not list(tmp_path_factory.getbasetemp().rglob(file["id"]))


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [(None, 86_400), ("60", 60), ("2592000", 2_592_000), ("persistent", None)],
)
def test_time_to_live(http, ttl, seconds):
    file = upload(http, ttl).json()
    if seconds is None:
        assert file["expires_at"] is None
    else:
        life = datetime.fromisoformat(file["expires_at"]) - datetime.fromisoformat(file["created_at"])
        assert life.total_seconds() == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize("ttl", ["59", "2592001", "-1", "60.5", "soon", "Persistent", "nan"])
def test_a_time_to_live_that_is_not_allowed(http, ttl):
    answer = upload(http, ttl)
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"] == ["body", "ttl_seconds"]
    assert "60" in problem["msg"]
    assert "2592000" in problem["msg"]


@pytest.mark.parametrize("request_", [{}, {"data": {"file": "text"}}, {"files": {"data": b"1"}}], ids=repr)
def test_a_file_is_needed(http, request_):
    answer = http.post("/v1/files", **request_)
    assert answer.status_code == 422
    assert answer.json()["detail"] == [{"type": "missing", "loc": ["body", "file"], "msg": "Field required"}]


@pytest.mark.parametrize("file_id", ["file_" + "0" * 32, "file_..", "%2e%2e", "..%2f..%2fjobs", "x" * 300, "file_%00"])
def test_an_unknown_file_is_404(http, file_id):
    assert http.get(f"/v1/files/{file_id}").status_code == 404
    assert http.delete(f"/v1/files/{file_id}").status_code == 404


def add(files: UploadStore, ttl: int | None = None) -> str:
    return files.add("a.txt", "text/plain", 1, ttl, lambda path: path.write_bytes(b"1"))["id"]


def staged_in(folder: Path):
    """What makes folders in that one."""

    @contextmanager
    def stage(target: Path) -> Iterator[Path]:
        staged = folder / "staging" / target.name
        staged.mkdir(parents=True)
        yield staged
        staged.replace(target)

    return stage


def test_what_has_expired_is_gone_from_the_disk_too(tmp_path: Path):
    files = UploadStore(tmp_path / "files", staged_in(tmp_path))
    expired, kept = add(files, ttl=0), add(files, ttl=60)
    assert files.get(expired) is None
    assert files.get(kept)["id"] == kept
    assert [path.name for path in (tmp_path / "files").iterdir()] == [kept]


@pytest.mark.parametrize("most", [1, 3])
def test_the_oldest_go_first(tmp_path: Path, most):
    files = UploadStore(tmp_path / "files", staged_in(tmp_path), max_files=most)
    added = [add(files) for _ in range(5)]
    assert [file_id for file_id in added if files.get(file_id)] == added[-most:]


def test_files_outlive_the_queue(tmp_path: Path):
    file_id = add(UploadStore(tmp_path / "files", staged_in(tmp_path)))
    assert UploadStore(tmp_path / "files", staged_in(tmp_path)).get(file_id)["id"] == file_id
