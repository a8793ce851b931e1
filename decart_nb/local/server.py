"""Decart's queue protocol as a Starlette application."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .._util.files import os_reason
from .._util.text import printable
from ..errors import ModelNotFoundError
from ..request.catalogue import models
from . import forms
from .files import MAX_TTL, MIN_TTL, UploadStore, ttl_of
from .guards import Guard
from .storage import LocalJob
from .worker import JobQueue, TooManyJobs

MAX_UPLOAD = 200 * 2**20
#: Maximum size of a text field, in bytes: enough for a percent-encoded trajectory of a thousand points.
_MAX_TEXT = 2**18
_MAX_NAMES = 1000
#: Maximum length of a request's own text in an error, in characters.
_MAX_DETAIL_LENGTH = 500


def application(jobs: JobQueue, files: UploadStore, api_key: str, *, host: str, port: int, max_upload: int) -> ASGIApp:
    """The queue's ASGI application.

    Args:
        jobs: runs the jobs.
        files: stores the uploads of ``/v1/files``.
        api_key: the key that every call must send as ``X-API-KEY``.
        host, port: the server's address, which a request's ``Host`` must name.
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
    handlers = {HTTPException: _as_detail, ClientDisconnect: _as_disconnected, OSError: _as_503, Exception: _as_500}
    starlette = Starlette(routes=routes, exception_handlers=handlers)
    starlette.router.redirect_slashes = False
    app: ASGIApp = starlette
    if jobs.fault_schedule.is_active:
        from .fault_injection import FaultMiddleware

        app = FaultMiddleware(app, jobs)
    return Guard(app, api_key, host, port, max_upload)


class _Api:
    """The request handlers. Everything that uses the disk runs on a thread."""

    def __init__(self, jobs: JobQueue, files: UploadStore) -> None:
        self._jobs = jobs
        self._files = files

    async def submit(self, request: Request) -> Response:
        """Handles ``POST /v1/jobs/{model}``."""
        try:
            model = models.video(request.path_params["model"])
        except ModelNotFoundError as error:
            raise _not_found(error) from None
        try:
            with self._jobs.reserve_slot():
                async with _form(request) as form:
                    values, uploads, problems = await run_in_threadpool(forms.parse_form, model, form)
                    if problems:
                        return JSONResponse({"detail": forms.detail(problems)}, 422)
                    writers = {name: _writer(upload) for name, upload in uploads.items()}
                    record = await run_in_threadpool(self._jobs.add, model, values, writers)
        except TooManyJobs:
            return JSONResponse({"detail": "Too many jobs are waiting."}, 429, {"Retry-After": "5"})
        except OSError as error:
            raise HTTPException(507, f"The local queue cannot keep the job: {os_reason(error)}.") from None
        # The response is always "pending"; a fast job has a later status at the first poll.
        return JSONResponse({"job_id": record.id, "status": "pending"})

    async def status(self, request: Request) -> Response:
        """Handles ``GET /v1/jobs/{job_id}``."""
        record = await self._record(request)
        answer = {"job_id": record.id, "status": self._jobs.poll(record)}
        if answer["status"] == "failed":
            answer["error"] = record.error or ""
        return JSONResponse(answer)

    async def content(self, request: Request) -> Response:
        """Handles ``GET /v1/jobs/{job_id}/content``."""
        record = await self._record(request)
        if (status := record.status()) != "completed":
            raise HTTPException(409, f"The job is {status}, not completed.")
        path = await run_in_threadpool(self._jobs.content, record)
        if path is None or not path.is_file():
            raise HTTPException(404, "The video is no longer there.")
        return FileResponse(path, media_type="video/mp4")

    async def _record(self, request: Request) -> LocalJob:
        record = await run_in_threadpool(self._jobs.get, request.path_params["job_id"])
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
                allowed = f"must be persistent, or seconds from {MIN_TTL} to {MAX_TTL}"
                return _invalid("ttl_seconds", allowed, "value_error")
            answer = await run_in_threadpool(
                self._files.add,
                filename=file.filename or "file",
                media_type=file.content_type or "application/octet-stream",
                size=file.size or 0,
                ttl=seconds,
                write=_writer(file),
            )
        self._jobs.stats.count("files")
        return JSONResponse(answer)

    async def get_file(self, request: Request) -> Response:
        answer = await run_in_threadpool(self._files.get, request.path_params["file_id"])
        if answer is None:
            raise HTTPException(404, "File not found")
        return JSONResponse(answer)

    async def delete_file(self, request: Request) -> Response:
        if not await run_in_threadpool(self._files.delete, request.path_params["file_id"]):
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
            case {"models": [*names]} if len(names) > _MAX_NAMES:
                return _invalid("models", f"List should have at most {_MAX_NAMES} items", "too_long")
            case {"models": [*names]} if all(isinstance(name, str) for name in names):
                return JSONResponse({"model_ids": {name: _resolved(name) for name in names}})
        return _invalid("model", "Field required", "missing")

    async def stats(self, request: Request) -> Response:
        return JSONResponse(self._jobs.stats.as_dict())


@contextlib.asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    try:
        form = await request.form(max_files=8, max_fields=64, max_part_size=_MAX_TEXT)
    except ValueError:  # a character set that can decode nothing, a boundary that is none
        raise HTTPException(400, "The form cannot be read.") from None
    try:
        yield form
    finally:
        await form.close()


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
        raise _not_found(error) from None
    return model.alias_of or model.successor or name


def _not_found(error: ModelNotFoundError) -> HTTPException:
    return HTTPException(404, printable(error.message, limit=_MAX_DETAIL_LENGTH))


def _invalid(field: str, message: str, type: str) -> Response:
    return JSONResponse({"detail": [{"type": type, "loc": ["body", field], "msg": message}]}, 422)


async def _as_detail(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def _as_disconnected(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # the client is gone


async def _as_503(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    return JSONResponse(
        {"detail": f"The local queue cannot do that now: {os_reason(error)}."}, 503, {"Retry-After": "1"}
    )


async def _as_500(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": "Internal Server Error"}, 500)
