"""The files of a sweep's rows: each is read once, however many rows and models share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace
from functools import partial
from typing import Any

from ..request.local_files import NotUsable, read_steadily
from ..request.locations import RemoteFile, path_text, shown_location
from ..request.models import ModelDefinition
from ..request.request import read_file
from ..request.uploads import Upload
from .rows import InputFile, look_at

Key = tuple[Any, int]


class Files:
    """Reads files, and remembers what it has read.

    Args:
        keep: puts a file where it stays as it is.
        fetched: by their addresses, the files that have been fetched, or why they could not be.
        snapshots: what was read of a stream, a pipe or an array, for every reader of the same axes: some can be read
            only once.
        known: what was read before, and is not to be read again.
    """

    def __init__(
        self,
        snapshots: MutableMapping[Key, Upload],
        keep: Callable[[Upload], InputFile] | None = None,
        fetched: Mapping[str, InputFile | str] | None = None,
        known: Mapping[Key, InputFile] | None = None,
    ) -> None:
        self._snapshots, self._keep, self._fetched = snapshots, keep or look_at, fetched or {}
        self._read: dict[Key, InputFile | RemoteFile | str] = {**(known or {})}

    def read(self, model: ModelDefinition, name: str, value: Any) -> InputFile | RemoteFile:
        """A file, read once for all models that make the same of it.

        Raises:
            NotUsable: it is none, or the model does not take it.
        """
        key = (_identity(value), model.fps if hasattr(value, "__array__") else 0)
        if key not in self._read:
            try:
                self._read[key] = self._read_anew(key, replace(model, fields=None), name, value)
            except NotUsable as error:
                self._read[key] = str(error)
        found = self._read[key]
        if isinstance(found, str):
            raise NotUsable(found)
        if isinstance(found, InputFile):
            read_file(model, name, found.upload)  # whether this model takes it too
        return found

    def whole(self) -> dict[Key, InputFile]:
        """What has been read, without what is to be fetched and what cannot be read."""
        return {key: file for key, file in self._read.items() if isinstance(file, InputFile)}

    def found(self, value: Any, models: list[ModelDefinition]) -> InputFile | None:
        """The file that a value is, if it was read as one."""
        key = _identity(value)
        found = (self._read.get((key, fps)) for fps in {0, *(model.fps for model in models)})
        return next((file for file in found if isinstance(file, InputFile)), None)

    def addresses(self) -> list[str]:
        """Those of the files that are to be fetched."""
        return list(dict.fromkeys(file.url for file in self._read.values() if isinstance(file, RemoteFile)))

    def _read_anew(self, key: Key, anything: ModelDefinition, name: str, value: Any) -> InputFile | RemoteFile | str:
        """Reads a file, whatever it is: another model may take it."""
        if isinstance(value, InputFile):
            return value
        return read_steadily(partial(self._once, key, anything, name, value))

    def _once(self, key: Key, anything: ModelDefinition, name: str, value: Any) -> InputFile | RemoteFile | str:
        file = self._snapshots.get(key) or read_file(anything, name, value)
        if isinstance(file, RemoteFile):
            found = self._fetched.get(file.url, file)
            return replace(found, shown=file.shown) if isinstance(found, InputFile) else found
        if file.is_snapshot:
            self._snapshots[key] = file
        given = self._keep(file)
        return given if (text := path_text(value)) is None else replace(given, shown=shown_location(text))


def _identity(value: Any) -> Any:
    """What tells one file from another that was given: each row of a table has a text of its own for the same path."""
    return id(value) if (text := path_text(value)) is None else text
