"""Static HTML and text of keyframes: the picked frames as pictures, with their numbers and times."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from .._util.files import os_reason
from .._util.text import printable
from .clip_html import NO_MATH, STYLE, data_url

if TYPE_CHECKING:
    from .keyframes import Keyframes

_WIDTH, _PORTRAIT_WIDTH = 240, 135
_HEADS = {"first": "first", "last": "last", "frame": "shown"}


def keyframes_html(keyframes: Keyframes) -> str:
    """Keyframes as HTML without scripts: the first and the last frame, and the one that is shown.

    Args:
        keyframes: the keyframes.
    """
    figures = "".join(_figure(keyframes, name, number) for name, number in keyframes.value.items())
    caption = f"{keyframes.name} · {keyframes.width}×{keyframes.height} · {len(keyframes)} frames"
    return (
        f'<div class="{NO_MATH}" style="{STYLE};max-width:none;overflow-wrap:anywhere">{html.escape(caption)}'
        f'<div style="display:flex;flex-wrap:wrap;gap:12px;padding:4px 0">{figures}</div></div>'
    )


def keyframes_text(keyframes: Keyframes) -> str:
    """Keyframes in one line.

    Args:
        keyframes: the keyframes.
    """
    picks = ", ".join(
        f"{_HEADS[name]} {number} ({keyframes.times[number]:.2f} s)" for name, number in keyframes.value.items()
    )
    return f"Keyframes of {keyframes.name}, {len(keyframes)} frames: {picks}"


def _figure(keyframes: Keyframes, name: str, number: int) -> str:
    width = _PORTRAIT_WIDTH if keyframes.height > keyframes.width else _WIDTH
    text = f"{_HEADS[name]}: frame {number} · {keyframes.times[number]:.2f} s"
    image = ""
    try:
        source = data_url("image/jpeg", keyframes.small(number))
        image = (
            f'<img src="{source}" width="{keyframes.width}" height="{keyframes.height}" alt="{html.escape(text)}" '
            'style="display:block;width:100%;height:auto">'
        )
    except Exception as error:  # noqa: BLE001 - a formatter never raises
        text = printable(f"{text}: cannot be shown, {os_reason(error)}")
    return (
        f'<figure style="margin:0;flex:0 1 {width}px">{image}'
        f'<figcaption style="padding:2px 0">{html.escape(text)}</figcaption></figure>'
    )
