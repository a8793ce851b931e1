"""The input files of a sweep: each is read once, however many rows and models share it, and kept in the store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from .._util.remote_storage import RemoteStorage
from ..errors import InvalidInputError
from ..job.ingest import described
from ..job.runner import Runner
from ..request.local_files import UnusableFileError, read_unchanged
from ..request.locations import RemoteFile, locate, path_text, table_location
from ..request.models import ModelDefinition
from ..request.request import Request, read_file
from ..request.uploads import Upload
from ..store.store import Store
from .rows import InputFile, Row, inspect

Key = tuple[Any, int]
#: How many files are fetched from their addresses at once, by URL or by fsspec.
_FETCHES = 8


class Files:
    """A cache of the files of a sweep, which reads each once.

    Args:
        snapshots: the contents of streams, pipes and arrays, shared by all readers of the same axes: some can be read
            only once.
        keep: puts a file where it does not change.
        fetched: by address, the files that were fetched, or why they could not be.
        known: files that were read before, and are not read again.
    """

    def __init__(
        self,
        snapshots: MutableMapping[Key, Upload],
        keep: Callable[[Upload], InputFile] | None = None,
        fetched: Mapping[str, InputFile | str] | None = None,
        known: Mapping[Key, InputFile] | None = None,
    ) -> None:
        self._snapshots, self._keep, self._fetched = snapshots, keep or inspect, fetched or {}
        self._read: dict[Key, InputFile | RemoteFile | str] = {**(known or {})}
        # By file, model and input, why a model does not take a file; an empty text where it does.
        self._refusals: dict[tuple[Key, int, str], str] = {}

    def read(self, model: ModelDefinition, name: str, value: Any) -> InputFile | RemoteFile:
        """The file that a value names, read once for all models that read it alike.

        Raises:
            UnusableFileError: there is no such file, or the model does not take it.
        """
        key = (_identity(value), model.fps if hasattr(value, "__array__") else 0)
        if key not in self._read:
            try:
                self._read[key] = self._read_anew(key, replace(model, fields=None), name, value)
            except UnusableFileError as error:
                self._read[key] = str(error)
        found = self._read[key]
        if isinstance(found, str):
            raise UnusableFileError(found)
        if isinstance(found, InputFile) and (refusal := self._refusal(key, model, name, found)):
            raise UnusableFileError(refusal)
        return found

    def download(self, texts: Iterable[str]) -> None:
        """Download files from fsspec addresses, a few at once; later reads take them from here.

        Args:
            texts: the addresses. One that was read is skipped, and one that is not sound is left to later reads.
        """
        new = {text: found for text in dict.fromkeys(texts) if self._is_new((text, 0)) and (found := _storage_at(text))}
        pool = ThreadPoolExecutor(_FETCHES)
        stop = threading.Event()
        try:
            reading = {
                text: pool.submit(read_unchanged, partial(Upload.from_storage, storage, stop=stop))
                for text, storage in new.items()
            }
            for text, future in reading.items():
                try:
                    self._snapshots[text, 0] = future.result()
                except UnusableFileError as error:
                    self._read[text, 0] = str(error)
        finally:
            stop.set()  # an interrupted process does not end before the threads of the pool do
            pool.shutdown(wait=False, cancel_futures=True)

    def _is_new(self, key: Key) -> bool:
        return key not in self._read and key not in self._snapshots

    def _refusal(self, key: Key, model: ModelDefinition, name: str, file: InputFile) -> str:
        """Why a model does not take a file, looked at once: a table may name the same file in every row."""
        asked = (key, id(model), name)
        if asked not in self._refusals:
            try:
                read_file(model, name, file.upload)
                self._refusals[asked] = ""
            except UnusableFileError as error:
                self._refusals[asked] = str(error)
        return self._refusals[asked]

    def whole(self) -> dict[Key, InputFile]:
        """The files that were read, without those to be fetched and those that cannot be read."""
        return {key: file for key, file in self._read.items() if isinstance(file, InputFile)}

    def found(self, value: Any, models: list[ModelDefinition]) -> InputFile | None:
        """The file that a value names, if it was read."""
        key = _identity(value)
        found = (self._read.get((key, fps)) for fps in {0, *(model.fps for model in models)})
        return next((file for file in found if isinstance(file, InputFile)), None)

    def addresses(self) -> list[str]:
        """The addresses of the files that are to be fetched."""
        return list(dict.fromkeys(file.url for file in self._read.values() if isinstance(file, RemoteFile)))

    def _read_anew(self, key: Key, anything: ModelDefinition, name: str, value: Any) -> InputFile | RemoteFile | str:
        """Read a file of any kind, since another model may take it."""
        if isinstance(value, InputFile):
            return value
        return read_unchanged(partial(self._once, key, anything, name, value))

    def _once(self, key: Key, anything: ModelDefinition, name: str, value: Any) -> InputFile | RemoteFile | str:
        file = self._snapshots.get(key) or read_file(anything, name, value)
        if isinstance(file, RemoteFile):
            found = self._fetched.get(file.url, file)
            return replace(found, shown=file.shown) if isinstance(found, InputFile) else found
        if file.is_snapshot:
            self._snapshots[key] = file
        given = self._keep(file)
        return given if (text := path_text(value)) is None else replace(given, shown=table_location(text))


def _identity(value: Any) -> Any:
    """The key of a value: the text of a path, of which each row of a table has its own, or the object's identity."""
    return id(value) if (text := path_text(value)) is None else text


def _storage_at(text: str) -> RemoteStorage | None:
    """What is at a sound fsspec address; ``None`` of any other text, and where a local file has that name."""
    try:
        found = locate(text)
    except UnusableFileError:
        return None
    return found if isinstance(found, RemoteStorage) else None


def in_store(file: InputFile, store: Store) -> InputFile:
    """The file under its path in the store, whether it is there yet or not."""
    path = store.files.input(described(file.upload, file.sha256))
    return replace(file, shown=str(path.relative_to(store.folder.parent)))


def keep_file(upload: Upload, store: Store) -> InputFile:
    """Copy a file into the store, from a snapshot that does not change meanwhile."""
    file = inspect(upload.snapshot())
    with file.upload.open() as stream:
        path = store.keep_input(described(file.upload, file.sha256), stream)
    return in_store(replace(file, upload=Upload(upload.filename, path)), store)


async def fetch_files(urls: Sequence[str], rows: Sequence[Row], runner: Runner) -> dict[str, InputFile | str]:
    """Fetch files from their addresses into the store.

    Args:
        urls: the addresses.
        rows: of the sweep, which name the addresses.
        runner: has the client and the store.

    Returns:
        By address, the file, or why it cannot be fetched.
    """
    few = asyncio.Semaphore(_FETCHES)

    async def fetch(url: str) -> InputFile | str:
        model, name = next(
            (row.model, name)
            for row in rows
            for name, file in row.files.items()
            if row.model and isinstance(file, RemoteFile) and file.url == url
        )
        anything = replace(model, fields=None)  # each row is checked later for whether its model takes the file
        async with few:
            try:
                request = await runner.client.queue.fetch_inputs(Request(anything, {}, {name: RemoteFile(url)}))
            except InvalidInputError as error:
                return error.message.partition(f": {name} ")[2] or error.message
            upload = request.files[name]
            assert isinstance(upload, Upload)
            return await asyncio.to_thread(keep_file, upload, runner.store)

    files = await asyncio.gather(*map(fetch, urls))
    return dict(zip(urls, files, strict=True))
