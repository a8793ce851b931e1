"""Static HTML and text of a comparison: posters side by side with captions."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._util.files import os_reason
from .._util.text import printable
from .clip_html import NO_MATH, STYLE, data_url

if TYPE_CHECKING:
    from .comparison import ComparedVideo

_LETTERS = "ABCD"
_WIDTH, _PORTRAIT_WIDTH = 480, 240


def compare_html(videos: Sequence[ComparedVideo]) -> str:
    """A comparison as HTML: a poster and a caption for each video. If one cannot be read, its caption says so.

    Args:
        videos: the videos.
    """
    figures = "".join(map(_figure, _LETTERS, videos))
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div>'


def compare_text(videos: Sequence[ComparedVideo]) -> str:
    """A comparison in one line.

    Args:
        videos: the videos.
    """
    labels = ", ".join(f"{letter}: {video.label}" for letter, video in zip(_LETTERS, videos, strict=False))
    return f"Comparison of {len(videos)} videos: {labels}"


def _figure(letter: str, video: ComparedVideo) -> str:
    label, facts = html.escape(video.label), list(video.facts)
    width = _PORTRAIT_WIDTH if video.height > video.width else _WIDTH
    image = ""
    try:
        source = data_url("image/jpeg", video.poster)
        size = f'width="{video.width}" height="{video.height}" ' if video.width and video.height else ""
        image = f'<img src="{source}" {size}alt="{label}" style="display:block;width:100%;height:auto">'
    except Exception as error:  # noqa: BLE001 - a formatter never raises
        facts.append(printable(f"{video.path.name} cannot be shown: {os_reason(error)}"))
    return (
        f'<figure style="margin:0;flex:0 1 {width}px">{image}'
        f'<figcaption class="{NO_MATH}" style="{STYLE};padding:4px 0;overflow-wrap:anywhere">'
        f"{letter} <b>{label}</b> {html.escape(' · '.join(facts))}</figcaption></figure>"
    )
