"""Images and videos, probed, checked, decoded and encoded with Pillow and PyAV: the front of the modules that do it.

A source is a path or a binary file object (it is read from its beginning). Pictures are upright, RGB, eight
bits a channel. A still image is no video; an animated one (GIF, WebP, PNG, AVIF) is. Whatever cannot be decoded
raises :class:`~decart_nb.errors.MediaError`, with one plain sentence, and nothing of FFmpeg's or Pillow's own.
Only formats and codecs of a list are read, within :class:`~decart_nb.limits.Limits`.
"""

from __future__ import annotations

from .decoding import check_image, frames, poster, read_image, still
from .demux import Source
from .encoding import encode, picture
from .limits import LIMITS, Limits
from .probing import VideoInfo, check_video, is_video_container, probe, skim
from .stills import RGB

__all__ = [
    "LIMITS",
    "RGB",
    "Limits",
    "Source",
    "VideoInfo",
    "check_image",
    "check_video",
    "encode",
    "frames",
    "is_video_container",
    "picture",
    "poster",
    "probe",
    "read_image",
    "skim",
    "still",
]
