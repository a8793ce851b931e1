"""Encoding of RGB arrays as MP4 videos that all browsers play."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from .._util.text import printable
from ..errors import MediaError
from .files import reason
from .images import RGB
from .limits import LIMITS
from .numbers import finite_number

# x264's result depends on the number of its threads: a fixed one makes the same video on every machine.
_THREADS = 4
# With its macroblock tree x264 makes now and then another video of the very same frames.
_REPEATABLE = {"mbtree": "0"}


def encode(
    frames: Iterable[RGB | av.VideoFrame],
    path: str | os.PathLike[str],
    *,
    fps: float,
    crf: int = 20,
    preset: str = "veryfast",
) -> None:
    """Encode an MP4 that all browsers play: H.264, 4:2:0, BT.709, with the index at the start.

    Args:
        frames: RGB arrays, height × width × 3 of 8-bit integers, all of one size (an odd side is made even by
            repeating its last row or column); or PyAV's frames, such as :func:`picture` makes.
        path: the file to write. It is not written atomically.
        fps: frames per second.
        crf: x264's quality, from 0 (lossless) to 51.
        preset: x264's speed: the faster, the larger the file.

    Raises:
        InvalidInputError: ``fps`` or ``crf`` is no such number.
        MediaError: there are no frames, an array is not an RGB picture, or the file cannot be written.
    """
    fps = finite_number("fps", fps, above=0, at_most=LIMITS.fps)
    crf = int(finite_number("crf", crf, at_least=0, at_most=51))
    name = printable(Path(path).name)
    rate = Fraction(fps).limit_denominator(1001)
    convert = VideoReformatter()
    with ExitStack() as stack:
        container, stream = None, None
        for number, item in enumerate(frames):
            with writing(name):
                frame = item if isinstance(item, av.VideoFrame) else picture(item, convert)
                if container is None or stream is None:
                    options = {"movflags": "+faststart"}
                    container = stack.enter_context(av.open(os.fspath(path), "w", format="mp4", options=options))
                    stream = add_picture(container, (frame.width, frame.height), rate, crf=crf, preset=preset)
                frame.pts, frame.time_base = number, 1 / rate
                container.mux(stream.encode(frame))
        if container is None or stream is None:
            raise MediaError(f"{name} cannot be written: there is no frame to encode.")
        with writing(name):
            container.mux(stream.encode(None))
            container.close()


def add_picture(
    container: OutputContainer,
    size: tuple[int, int],
    rate: Fraction,
    *,
    crf: int = 20,
    preset: str = "veryfast",
    most_bits: int | None = None,
) -> VideoStream:
    """Add a stream of H.264 to an MP4: 4:2:0, BT.709. The same frames become the same bytes on every run.

    Args:
        container: the MP4.
        size: width and height of the frames, which are even.
        rate: frames per second.
        crf: x264's quality, from 0 (lossless) to 51.
        preset: x264's speed: the faster, the larger the file.
        most_bits: the most bits per second, at which the quality falls.
    """
    settings = {"crf": str(crf), "preset": preset, **_REPEATABLE}
    if most_bits is not None:
        settings |= {"maxrate": str(most_bits), "bufsize": str(most_bits)}
    stream = container.add_stream("libx264", rate=rate, options=settings)
    (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
    codec = stream.codec_context
    codec.thread_count = _THREADS
    codec.gop_size = max(1, round(2 * rate))  # two seconds, so that a player can seek
    codec.colorspace = codec.color_primaries = codec.color_trc = codec.color_range = 1
    return stream


def picture(rgb: RGB, convert: VideoReformatter | None = None) -> av.VideoFrame:
    """Convert an RGB array to a frame for the encoder: 4:2:0, BT.709, with even width and height.

    Args:
        rgb: height × width × 3.
        convert: a converter to reuse.

    Raises:
        MediaError: the array is not an RGB picture.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or not rgb.size:
        raise MediaError(f"A frame must be height × width × 3 of uint8, not {rgb.shape} of {rgb.dtype}.")
    height, width = rgb.shape[:2]
    if height % 2 or width % 2:
        rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    return (convert or VideoReformatter()).reformat(
        frame, format="yuv420p", dst_colorspace=Colorspace.ITU709, interpolation=Interpolation.BILINEAR
    )


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Turn the errors of an encoder into a :class:`MediaError` that names the file that is written."""
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{name} cannot be written: {reason(error)}.", cause=error) from None
