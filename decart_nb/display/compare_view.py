"""Live view of a comparison: two to four videos under one clock, side by side, wiped, flickering or as a difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import traitlets

from .compare_html import compare_text
from .live_view import LiveView, assets
from .media_channel import MEDIA_TYPES, Media, MediaChannel

if TYPE_CHECKING:
    from .comparison import ComparedVideo


class CompareView(LiveView):
    """Live view of a comparison. Its videos come on request, in messages of their own.

    Attributes:
        output_id: the id of the static output beside the view, which hides while the view is alive.
        items: for each video its ``key``, by which the frontend asks for it, ``label``, ``facts``, ``width``,
            ``height``, ``fps`` and ``duration``.
    """

    _esm, _css = assets("compare_view")
    output_id = traitlets.Unicode().tag(sync=True)
    items: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, videos: Sequence[ComparedVideo], *, output_id: str) -> None:
        super().__init__(output_id=output_id, items=[_item(str(key), video) for key, video in enumerate(videos)])
        self._videos = videos
        files = {}
        for key, video in enumerate(videos):
            media_type = MEDIA_TYPES.get(video.path.suffix.lower(), "video/mp4")
            files["video", str(key)] = Media(video.path, media_type)
            files["poster", str(key)] = Media(_poster_of(video), "image/jpeg")
        MediaChannel(self, files)

    def text(self) -> str:
        """The view as plain text."""
        return compare_text(self._videos)


def _item(key: str, video: ComparedVideo) -> dict[str, Any]:
    sizes = {name: getattr(video, name) for name in ("width", "height", "fps", "duration")}
    return {"key": key, "label": video.label, "facts": [*video.facts], **sizes}


def _poster_of(video: ComparedVideo) -> Any:
    return lambda: video.poster
