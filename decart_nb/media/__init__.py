"""Probing, checking, decoding and encoding of images and videos with Pillow and PyAV.

A source is a path or a binary file object, which is read from its beginning. Decoded pictures are upright RGB with
eight bits per channel. Animated images (GIF, WebP, PNG, AVIF) are videos, still images are not. What cannot be decoded
raises :class:`~decart_nb.errors.MediaError`. Only allowed formats and codecs are read,
within :class:`~decart_nb.media.limits.Limits`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._util.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from .decoding import (
        check_image as check_image,
        frame_at as frame_at,
        frames as frames,
        poster as poster,
        read_image as read_image,
    )
    from .encoding import encode as encode, picture as picture
    from .footage import Footage as Footage
    from .frame_index import FrameIndex as FrameIndex
    from .images import RGB as RGB
    from .probing import (
        VideoInfo as VideoInfo,
        check_video as check_video,
        is_video_container as is_video_container,
        probe as probe,
        quick_probe as quick_probe,
    )
    from .rewriting import Target as Target, rewrite as rewrite
    from .thumbnails import thumbnail as thumbnail

#: Loaded on first use: whoever only asks what a file's first bytes say does not load PyAV.
_EXPORTS = {
    "decoding": ("check_image", "frames", "poster", "frame_at", "read_image"),
    "encoding": ("encode", "picture"),
    "footage": ("Footage",),
    "frame_index": ("FrameIndex",),
    "images": ("RGB",),
    "probing": ("VideoInfo", "check_video", "is_video_container", "probe", "quick_probe"),
    "rewriting": ("Target", "rewrite"),
    "thumbnails": ("thumbnail",),
}
_, __getattr__ = lazy_exports(__name__, _EXPORTS)
