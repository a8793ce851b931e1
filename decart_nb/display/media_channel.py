"""Channel on which a widget's frontend asks for videos and posters and gets their bytes, one message a file.

The frontend sends ``{"request": number, "kind": "video" or "poster", "key": text}``. The answer is
``{"reply": number, "media_type": text, "error": text}`` with the bytes as its only buffer, or with none after an error.
Which keys there are is fixed here; a frontend can name no path. The other end is ``media_channel.js``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from .._util.files import os_reason
from .._util.text import printable
from ..errors import MediaError

#: The largest file that is sent, in bytes. The frontend holds all of it in memory.
SEND_LIMIT = 64 * 2**20
#: The media types of containers that browsers play, by suffix. MP4 and QuickTime are one container.
MEDIA_TYPES = {".webm": "video/webm", ".mkv": "video/webm", ".ogv": "video/ogg"}


class Media(NamedTuple):
    """A file that a frontend may ask for.

    Attributes:
        source: its path, or a function that returns its bytes and runs on a background thread.
        media_type: the type of its content, such as ``video/mp4``.
    """

    source: Path | Callable[[], bytes]
    media_type: str


class MediaChannel:
    """Answers the requests of a widget's frontend for files.

    Args:
        widget: the widget, on which the channel listens until it is closed.
        files: kind and key → file. It is read at each request, so that its owner may add files.
    """

    def __init__(self, widget: Any, files: Mapping[tuple[str, str], Media]) -> None:
        self._widget, self._files = widget, files
        widget.on_msg(self._on_message)

    def _on_message(self, _: object, message: dict[str, Any], __: object) -> None:
        number = message.get("request")
        if isinstance(number, int):
            # Reading and decoding would delay the kernel's next cell.
            _workers().submit(self._answer, number, str(message.get("kind")), str(message.get("key")))

    def _answer(self, number: int, kind: str, key: str) -> None:
        if self._widget.comm is None:  # closed
            return
        reply, buffers = {"reply": number, "media_type": "", "error": ""}, []
        try:
            media = self._files.get((kind, key))
            if media is None:
                raise MediaError("This view has no such file: run its cell again.")
            buffers.append(content_of(media.source))
            reply["media_type"] = media.media_type
        except Exception as error:  # noqa: BLE001 - no cell could raise it, so the frontend shows it
            reply["error"] = printable(os_reason(error))
        if self._widget.comm is not None:
            self._widget.send(reply, buffers)


def content_of(source: Path | Callable[[], bytes]) -> bytes:
    """The bytes of a file, at most :data:`SEND_LIMIT`.

    Args:
        source: its path, or a function that returns them.

    Raises:
        MediaError: there are more, or the file cannot be read.
    """
    if not isinstance(source, Path):
        return source()
    try:
        with source.open("rb") as file:
            content = file.read(SEND_LIMIT + 1)
    except OSError as error:
        raise MediaError(f"{source.name} cannot be read: {os_reason(error)}.") from None
    if len(content) > SEND_LIMIT:
        raise MediaError(
            f"{source.name} is larger than {SEND_LIMIT >> 20} MiB, the most that a live view fetches: "
            "open the file in a video player."
        )
    return content


@functools.cache
def _workers() -> ThreadPoolExecutor:
    """The threads of all channels: few, so that little is in memory at once."""
    return ThreadPoolExecutor(2, "decart-media")
