"""Downloads input files that are given as URLs to temporary files, before a request is submitted."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import httpx

from .._util.disk_space import DiskSpace
from .._util.text import printable
from ..errors import InvalidInputError
from ..request.locations import RemoteFile
from ..request.models import ModelDefinition
from ..request.uploads import Upload
from .addresses import host_and_port
from .bodies import announced_length, iter_raw
from .failures import describe_failure, reason_for, unwrap_cause
from .responses import response_data, via_proxy
from .transport import Transport

#: The size limit of a file whose field has none.
MAX_BYTES = 2**30
_MAX_NAME_LENGTH = 200


async def fetch(transport: Transport, model: ModelDefinition, name: str, file: RemoteFile, *, max_bytes: int) -> Upload:
    """Download an input file to a temporary file, in one attempt.

    Args:
        transport: sends the request, without the key.
        model, name: the model and the input that the file is for.
        file: its URL.
        max_bytes: the size limit.

    Raises:
        InvalidInputError: it cannot be downloaded, or is too large.
    """
    data: dict[str, Any] = {"fields": [name]}
    try:
        address = urlsplit(file.url)
        filename = printable(unquote(Path(address.path).name), limit=_MAX_NAME_LENGTH) or name
        with tempfile.TemporaryFile() as spool:
            async with transport.limit("fetch"), asyncio.timeout(transport.timeout.total):
                await _spool(await transport.foreign_client(), httpx.URL(file.url), spool, max_bytes)
            spool.seek(0)
            return await asyncio.to_thread(Upload.from_stream, filename, spool)
    except Exception as cause:  # noqa: BLE001 - codecs, threads, memory: a caller hears of one family of errors
        root = unwrap_cause(cause)
        place = host_and_port(file.url)
        if isinstance(cause, httpx.HTTPStatusError):
            reason = f"the server answered {cause.response.status_code}"
            data |= response_data(cause.response)
        elif isinstance(cause, _TooLarge):
            reason, data["status"] = str(cause), 200
        elif isinstance(cause, OSError) and not isinstance(cause, TimeoutError):  # no room for it
            reason = f"it cannot be kept: {reason_for(cause)}"
        else:
            reason = reason_for(root)
            data["problem"] = describe_failure(root, place, seconds=transport.timeout.read)
        by = via_proxy(transport.proxy_for(file.url))
        raise InvalidInputError(
            f"Invalid inputs for {model.name}: {name} cannot be fetched from {file.shown}{by} ({reason}).",
            data,
            root,
        ) from None


class _TooLarge(Exception):
    """A file exceeds the size limit; the message is a phrase."""


async def _spool(connections: httpx.AsyncClient, url: httpx.URL, spool: BinaryIO, max_bytes: int) -> None:
    auth = (url.username, url.password) if url.username else None
    async with connections.stream("GET", url.copy_with(userinfo=b""), auth=auth, follow_redirects=True) as response:
        response.raise_for_status()
        announced = announced_length(response)
        too_large = f"it has more than {max_bytes / 2**20:,.0f} MiB"
        if announced is not None and announced > max_bytes:
            raise _TooLarge(too_large)
        space = DiskSpace(Path(tempfile.gettempdir()), copies=2)  # it is copied once more
        space.require(announced or 0)
        size = 0
        async for chunk in iter_raw(response):
            size += len(chunk)
            if size > max_bytes:
                raise _TooLarge(too_large)
            space.add(len(chunk))
            spool.write(chunk)
