"""Limits on the size of decoded media, checked against a file's header before it is decoded, and their error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum sizes of images and videos that are decoded.

    Attributes:
        image_pixels: the most pixels of an image.
        image_memory: the most bytes that the decoding of an image may take, its RGB form included.
        image_bytes: the largest image file, since some decoders read the whole of it into memory.
        side: the longest side of an image or a video, in pixels.
        video_pixels: the most pixels of a video's frame, or an animation's, upright and with square pixels.
        animation_pixels: the most pixels of all frames of an animated image, which has to be decoded to be measured.
        frames: the most frames of a video.
        seconds: the longest video.
        gap: the longest that one frame may be shown, in seconds.
        fps: the most frames a second, on average.
        index_entries: the most entries of an MP4's index, once its edit list is applied.
        checked_pixels: how many pixels of a video's last frames are decoded to check it.
    """

    image_pixels: int = 89_478_485  # what Pillow takes for the largest harmless image
    image_memory: int = 2**30
    image_bytes: int = 2**29
    side: int = 65_535
    video_pixels: int = 8192 * 4320
    animation_pixels: int = 2**31
    frames: int = 2**20
    seconds: float = 4 * 3600.0
    gap: float = 600.0
    fps: float = 1000.0
    index_entries: int = 2**23
    checked_pixels: int = 2**26


LIMITS = Limits()


class RefusedError(Exception):
    """A file exceeds a limit, or needs what is not supported.

    The message is the end of a sentence that begins with the file's name.
    """
