"""Decart's queue protocol as a Starlette application."""

from __future__ import annotations

import hmac
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..catalogue import models
from ..errors import ModelNotFoundError
from . import forms
from .files import LONGEST_TTL, SHORTEST_TTL, Files, ttl_of
from .jobs import Jobs, TooMany
from .shelf import Record

MAX_UPLOAD = 200 * 2**20
#: Text fields: the longest is a trajectory of a thousand points.
_MAX_TEXT = 2**20


def application(jobs: Jobs, files: Files, api_key: str, *, max_upload: int = MAX_UPLOAD) -> ASGIApp:
    """The queue's web application.

    Args:
        jobs: what does the work.
        files: what keeps the uploads of ``/v1/files``.
        api_key: what every call must carry as ``X-API-KEY``.
        max_upload: the largest request body, in bytes.
    """
    api = _Api(jobs, files)
    routes = [
        Route("/v1/jobs/{model}", api.submit, methods=["POST"]),
        Route("/v1/jobs/{job_id}", api.status, methods=["GET"]),
        Route("/v1/jobs/{job_id}/content", api.content, methods=["GET"]),
        Route("/v1/files", api.add_file, methods=["POST"]),
        Route("/v1/files/{file_id}", api.get_file, methods=["GET"]),
        Route("/v1/files/{file_id}", api.delete_file, methods=["DELETE"]),
        Route("/v1/models/resolve", api.resolve, methods=["POST"]),
        Route("/stats", api.stats, methods=["GET"]),
    ]
    handlers = {HTTPException: _as_detail, Exception: _as_500}
    app: ASGIApp = Starlette(routes=routes, exception_handlers=handlers)
    if jobs.lots.drawn:
        from .sabotage import Saboteur

        app = Saboteur(app, jobs)
    return _Guard(app, api_key, max_upload)


class _Guard:
    """Lets in only who has the key, and no more than is allowed."""

    def __init__(self, app: ASGIApp, api_key: str, max_upload: int) -> None:
        self._app = app
        self._key = api_key.encode()
        self._max_upload = max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if not hmac.compare_digest(headers.get(b"x-api-key", b""), self._key):
            await JSONResponse({"detail": "Invalid API key"}, 401)(scope, receive, send)
            return
        if int(headers.get(b"content-length", b"0")) > self._max_upload:
            await JSONResponse({"detail": _TOO_LARGE.format(self._max_upload)}, 413)(scope, receive, send)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_upload:  # a body that came in chunks, with no length to tell beforehand
                raise HTTPException(413, _TOO_LARGE.format(self._max_upload))
            return message

        await self._app(scope, bounded, send)


_TOO_LARGE = "The request is larger than {} bytes."


class _Api:
    """The calls. Whatever touches the disk runs on a thread."""

    def __init__(self, jobs: Jobs, files: Files) -> None:
        self._jobs = jobs
        self._files = files

    async def submit(self, request: Request) -> Response:
        try:
            model = models.video(request.path_params["model"])
        except ModelNotFoundError as error:
            raise HTTPException(404, error.message) from None
        try:
            with self._jobs.place():
                async with _form(request) as form:
                    values, uploads, problems = forms.read(model, form)
                    if problems:
                        return JSONResponse({"detail": forms.detail(problems)}, 422)
                    writers = {name: _writer(upload) for name, upload in uploads.items()}
                    record = await anyio.to_thread.run_sync(self._jobs.add, model, values, writers)
        except TooMany:
            return JSONResponse({"detail": "Too many jobs are waiting."}, 429, {"Retry-After": "5"})
        except OSError as error:
            raise HTTPException(507, f"The local queue cannot keep the job: {error.strerror or error}.") from None
        # The submission's answer is always the same; a fast job has moved on by the first poll.
        return JSONResponse({"job_id": record.id, "status": "pending"})

    async def status(self, request: Request) -> Response:
        record = await self._record(request)
        answer = {"job_id": record.id, "status": self._jobs.poll(record)}
        if answer["status"] == "failed":
            answer["error"] = record.error or ""
        return JSONResponse(answer)

    async def content(self, request: Request) -> Response:
        record = await self._record(request)
        if record.status() != "completed":
            raise HTTPException(409, f"The job is {record.status()}, not completed.")
        path = self._jobs.content(record)
        if not path.is_file():
            raise HTTPException(404, "The video is no longer there.")
        return FileResponse(path, media_type="video/mp4")

    async def _record(self, request: Request) -> Record:
        record = await anyio.to_thread.run_sync(self._jobs.get, request.path_params["job_id"])
        if record is None:
            raise HTTPException(404, "Job not found")
        return record

    async def add_file(self, request: Request) -> Response:
        async with _form(request) as form:
            file, ttl = form.get("file"), form.get("ttl_seconds")
            if not isinstance(file, UploadFile):
                return _invalid("file", "Field required", "missing")
            try:
                seconds = ttl_of(ttl if isinstance(ttl, str) else None)
            except ValueError:
                allowed = f"must be persistent, or seconds from {SHORTEST_TTL} to {LONGEST_TTL}"
                return _invalid("ttl_seconds", allowed, "value_error")
            add = partial(
                self._files.add,
                filename=file.filename or "file",
                media_type=file.content_type or "application/octet-stream",
                size=file.size or 0,
                ttl=seconds,
                write=_writer(file),
            )
            answer = await anyio.to_thread.run_sync(add)
        self._jobs.stats.counts["files"] += 1
        return JSONResponse(answer)

    async def get_file(self, request: Request) -> Response:
        answer = await anyio.to_thread.run_sync(self._files.get, request.path_params["file_id"])
        if answer is None:
            raise HTTPException(404, "File not found")
        return JSONResponse(answer)

    async def delete_file(self, request: Request) -> Response:
        if not await anyio.to_thread.run_sync(self._files.delete, request.path_params["file_id"]):
            raise HTTPException(404, "File not found")
        return Response(status_code=204)

    async def resolve(self, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
        except (ValueError, RecursionError):
            asked = None
        match asked:
            case {"model": str(name)}:
                return JSONResponse({"model_id": _resolved(name)})
            case {"models": [*names]} if all(isinstance(name, str) for name in names):
                return JSONResponse({"model_ids": {name: _resolved(name) for name in names}})
        return _invalid("model", "Field required", "missing")

    async def stats(self, request: Request) -> Response:
        return JSONResponse(self._jobs.stats.as_dict())


def _form(request: Request) -> Any:
    return request.form(max_files=8, max_fields=64, max_part_size=_MAX_TEXT)


def _writer(upload: UploadFile) -> Callable[[Path], None]:
    def write(target: Path) -> None:
        upload.file.seek(0)
        with target.open("wb") as stream:
            shutil.copyfileobj(upload.file, stream, 2**20)

    return write


def _resolved(name: str) -> str:
    try:
        model = models.video(name)
    except ModelNotFoundError as error:
        raise HTTPException(404, error.message) from None
    return model.alias_of or model.successor or name


def _invalid(field: str, message: str, type: str) -> Response:
    return JSONResponse({"detail": [{"type": type, "loc": ["body", field], "msg": message}]}, 422)


async def _as_detail(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def _as_500(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": "Internal Server Error"}, 500)
