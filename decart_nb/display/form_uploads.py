"""Upload of files from a form's frontend into its folder, piece by piece, since a message may only be so large.

The frontend sends ``{"upload": number, "field": text, "name": text, "size": bytes, "offset": bytes}`` with a piece as
the only buffer, and the next piece after ``{"uploaded": number, "offset": bytes, "error": text}``. The other end is
``form_upload.js``.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util.disk_space import DiskSpace
from .._util.files import os_reason
from .._util.text import one_line, printable
from ..errors import InvalidInputError
from ..request.models import FILE_TYPES
from .form import UploadedFile

if TYPE_CHECKING:
    from .form import Form

#: The largest file that is uploaded, in bytes. A larger one is given by its path.
UPLOAD_LIMIT = 512 * 2**20
#: How many pieces may lie half uploaded at once: one a field, and some that were broken off.
_MAX_OPEN = 16
_NAME_LIMIT = 120


class FormUploads:
    """Receives the files of one view of a form.

    Args:
        widget: the view.
        form: the form.
    """

    def __init__(self, widget: Any, form: Form) -> None:
        self._widget, self._form = widget, form
        self._open: dict[int, tuple[str, str, int, Path]] = {}
        widget.on_msg(self._on_message)

    def close(self) -> None:
        """Remove what was uploaded by half."""
        for number in tuple(self._open):
            self._drop(number)

    def _on_message(self, _: object, message: dict[str, Any], buffers: list[memoryview]) -> None:
        number, offset = message.get("upload"), message.get("offset")
        if not isinstance(number, int) or not isinstance(offset, int):
            return
        reply = {"uploaded": number, "offset": offset, "error": ""}
        try:
            if offset == 0:
                self._begin(number, message)
            reply["offset"] = self._add(number, offset, buffers[0])
        except Exception as error:  # noqa: BLE001 - no cell could raise it, so the frontend shows it
            self._drop(number)
            reply["error"] = printable(os_reason(error))
        if self._widget.comm is not None:
            self._widget.send(reply)

    def _begin(self, number: int, message: dict[str, Any]) -> None:
        field, name, size = message.get("field"), message.get("name"), message.get("size")
        known = [field for model in self._form.models.values() for field in model.fields or ()]
        if not any(each.name == field and each.type in FILE_TYPES for each in known):
            raise InvalidInputError("The form has no such file field: run its cell again.")
        shown = printable(Path(str(name).replace("\\", "/")).name, limit=_NAME_LIMIT) or "file"
        if not isinstance(size, int) or size <= 0:
            raise InvalidInputError(f"{shown} is empty.")
        if size > UPLOAD_LIMIT:
            raise InvalidInputError(
                f"{shown} has {size / 2**20:,.0f} MiB; up to {UPLOAD_LIMIT >> 20} are uploaded: give its path instead."
            )
        folder = self._form.upload_folder
        DiskSpace(folder, copies=2).require(size)
        while len(self._open) >= _MAX_OPEN:
            self._drop(next(iter(self._open)))
        # A folder of its own, so that the file keeps its name, by which the job will call it.
        own = folder / secrets.token_hex(8)
        own.mkdir()
        path = own / (one_line(shown).lstrip(".") or "file")
        path.touch()
        self._open[number] = str(field), shown, size, path

    def _add(self, number: int, offset: int, piece: memoryview) -> int:
        if number not in self._open:
            raise InvalidInputError("The upload was broken off; choose the file again.")
        field, name, size, path = self._open[number]
        content = bytes(piece)
        with path.open("ab") as file:
            if file.tell() != offset or not content or offset + len(content) > size:
                raise InvalidInputError(f"{name} did not arrive as a whole; choose it again.")
            file.write(content)
        end = offset + len(content)
        if end == size:
            del self._open[number]
            self._form.put_file(field, UploadedFile(name, path, size))
        return end

    def _drop(self, number: int) -> None:
        _, _, _, path = self._open.pop(number, ("", "", 0, None))
        if path is not None:
            path.unlink(missing_ok=True)
