"""Opening of video files with FFmpeg, restricted to allowed formats and codecs and to limits.

Every failure is a :class:`~decart_nb.errors.MediaError`, with the reason in ``data["reason"]`` if it is known.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import av.subtitles.stream  # which PyAV would import at the first file, on whatever thread that is
from av.container import InputContainer
from av.video.stream import VideoStream

from .._util.files import os_reason
from .._util.text import printable
from ..errors import MediaError
from .images import StillImageError, check_pixels
from .limits import Limits, RefusedError
from .mp4_index import check_index

Source = str | os.PathLike[str] | BinaryIO

VIDEO, IMAGE = "a video", "an image"
#: FFmpeg's demuxers of self-contained videos. What is left out names other files or addresses (playlists, SDP, IMF,
#: image sequences), draws text (tty, subtitles), runs a graph (lavfi), or reads a device.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,ivf,ogg,asf,dv,mxf,yuv4mpegpipe"
#: Decoders of pictures that such files have in them.
CODECS = (
    "h264,hevc,vvc,libdav1d,av1,vp8,vp9,libvpx,libvpx-vp9,vp6,vp6a,vp6f,mpeg1video,mpeg2video,mpeg4,msmpeg4v1,msmpeg4v2,"
    "msmpeg4,h261,h263,h263i,h263p,flv,theora,vp3,wmv1,wmv2,wmv3,vc1,mjpeg,mjpegb,jpeg2000,prores,dnxhd,cfhd,hap,apv,"
    "dvvideo,ffv1,huffyuv,ffvhuff,utvideo,magicyuv,rawvideo,v210,qtrle,rpza,svq1,svq3,cinepak,png"
)
#: Decoders of sound in such files. FFmpeg decodes a little of it, too, to find out what it is.
SOUNDS = "aac,aac_latm,mp3,mp3float,mp2,mp2float,ac3,eac3,opus,libopus,vorbis,flac,alac,pcm_s16le,pcm_s16be,pcm_s24le"
# A tag that is no UTF-8 is no reason to refuse a video. PyAV 19 sees to that by itself, with halves of characters.
LENIENT: dict[str, Any] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
_ATTACHED_PICTURE = 1 << 10  # FFmpeg's AV_DISPOSITION_ATTACHED_PIC
_THREADS = 4
#: Larger frames are decoded one at a time: each thread would keep frames of its own.
_LARGE_FRAME = 2**24
_MAX_REASON_LENGTH = 200
_DEFAULT_FPS = 25


class UnreadFormatError(Exception):
    """The format of a file is not allowed."""


def safe_options(limits: Limits) -> dict[str, str]:
    """FFmpeg options that enforce the allowed formats and codecs and the limits."""
    return {
        "format_whitelist": FORMATS,
        "codec_whitelist": f"{CODECS},{SOUNDS}",
        # A decoder's own measures are a little larger than the picture's.
        "max_pixels": str(limits.video_pixels * 9 // 8),
    }


def name_of(source: Source) -> str:
    """The name of a source in error messages: its file name."""
    return (
        printable(Path(source).name, limit=_MAX_REASON_LENGTH) if isinstance(source, str | os.PathLike) else "The file"
    )


def refusal(name: str, wanted: str, reason: str, cause: BaseException | None = None) -> MediaError:
    """The error for a file that cannot be decoded as the wanted type."""
    is_known = not isinstance(cause, av.error.InvalidDataError | UnreadFormatError)
    return MediaError(
        f"{name} is not {wanted} that can be decoded: {reason}.", {"reason": reason} if is_known else None, cause
    )


def _reason(cause: BaseException) -> str:
    if isinstance(cause, StopIteration):
        return "it has no picture"
    if isinstance(cause, MemoryError):
        return "there is not enough memory for it"
    reason = printable(os_reason(cause), limit=_MAX_REASON_LENGTH).rstrip(".") or type(cause).__name__
    return reason[0].lower() + reason[1:]


@contextmanager
def decoding(name: str, wanted: str) -> Iterator[None]:
    """Convert every exception of a decoder to a :class:`MediaError`.

    Raises:
        MediaError: the block raised an exception.
    """
    try:
        yield
    except MediaError:
        raise
    except Exception as error:  # noqa: BLE001 FFmpeg's, Pillow's and the file object's own errors have no common root
        if isinstance(error, StillImageError):
            raise MediaError(f"{name} is a still image, not a video.", {"is": "image"}) from None
        cause = None if isinstance(error, RefusedError) else error
        raise refusal(name, wanted, _reason(error), cause) from None


@contextmanager
def open_source(source: Source, name: str, wanted: str) -> Iterator[BinaryIO]:
    """Open a source as a seekable file, at its beginning, for a block that decodes it.

    Raises:
        MediaError: the source cannot be read or is empty, or the block raised an exception; as :func:`decoding`.
    """
    with decoding(name, wanted), ExitStack() as stack:
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            kind = stat.S_IFMT(path.stat().st_mode)
            if kind in (stat.S_IFIFO, stat.S_IFCHR):  # whose end may never come
                raise refusal(name, wanted, "it is a device or a pipe")
            file: BinaryIO = stack.enter_context(path.open("rb"))
        elif source.seekable():
            source.seek(0)
            file = source
        else:
            file = io.BytesIO(source.read())
        if not file.read(1):
            raise refusal(name, wanted, "it is empty")
        file.seek(0)
        yield file


class _Nameless:
    """A file object without a name, so that FFmpeg does not guess the format from its suffix."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


@contextmanager
def container(
    file: BinaryIO, name: str, wanted: str, *, limits: Limits, look_only: bool = False
) -> Iterator[tuple[InputContainer, VideoStream, bool]]:
    """Open a file with FFmpeg: the container, its video stream, and whether it is fragmented.

    With ``look_only``, FFmpeg decodes nothing to find out what the header says too, which takes a fifth of the time.

    Raises:
        MediaError: it is no video of the lists, or too large.
    """
    with ExitStack() as stack:
        with decoding(name, wanted):
            media, fragmented = stack.enter_context(reading(file, limits, look_only=look_only))
            stream = picture_stream(media)
            if stream is None:
                raise refusal(name, wanted, "it has no picture")
            prepare(stream, name, wanted, limits)
        yield media, stream, fragmented


@contextmanager
def reading(file: BinaryIO, limits: Limits, *, look_only: bool) -> Iterator[tuple[InputContainer, bool]]:
    """Open a file with FFmpeg: the container, and whether it is fragmented. FFmpeg's exceptions are not converted."""
    fragmented = check_index(file, limits)
    file.seek(0)
    options = {"protocol_whitelist": "none", **safe_options(limits), **({"skip_frame": "all"} if look_only else {})}
    try:
        media = av.open(_Nameless(file), "r", options=options, **LENIENT)
    except av.error.ArgumentError as error:  # FFmpeg's word for what is not on the lists
        raise UnreadFormatError("its format is not one that is read") from error
    with media:
        yield media, fragmented


def picture_stream(media: InputContainer) -> VideoStream | None:
    """The first video stream that is not an album cover."""
    streams = media.streams.video
    return next((stream for stream in streams if not stream.disposition.value & _ATTACHED_PICTURE), None)


def prepare(stream: VideoStream, name: str, wanted: str, limits: Limits) -> None:
    """Check and configure a stream's decoder before it decodes.

    Raises:
        MediaError: its codec is not allowed.
        TooLargeError: its picture is too large.
    """
    codec = stream.codec_context
    if codec is None:
        raise refusal(name, wanted, "no decoder for its codec is installed")
    if codec.codec.name not in CODECS.split(","):
        raise refusal(name, wanted, f"its codec, {printable(codec.codec.name, limit=40)}, is not one that is read")
    check_pixels(squared(codec.width, codec.height, stream), limits.video_pixels, limits)
    codec.options = {"max_pixels": safe_options(limits)["max_pixels"]}
    codec.thread_count = _THREADS
    codec.thread_type = "AUTO" if codec.width * codec.height <= _LARGE_FRAME else "SLICE"


def squared(width: int, height: int, stream: VideoStream) -> tuple[int, int]:
    """Width and height once the pixels are square."""
    return max(1, round(width * (stream.sample_aspect_ratio or 1))), height


def usual_pause(stream: VideoStream) -> float:
    """The default duration of a frame, in seconds."""
    return float(1 / (stream.average_rate or stream.guessed_rate or Fraction(_DEFAULT_FPS)))


def quarters(frame: av.VideoFrame) -> int:
    """The number of quarter turns that make a frame upright."""
    return round(frame.rotation / 90) % 4


def upright_shape(frame: av.VideoFrame, stream: VideoStream, limits: Limits) -> tuple[int, int]:
    """Height and width of a frame once it is upright and its pixels are square.

    Raises:
        TooLargeError: it is too large then.
    """
    width, height = squared(frame.width, frame.height, stream)
    check_pixels((width, height), limits.video_pixels, limits)
    return (width, height) if quarters(frame) % 2 else (height, width)


def header_seconds(media: InputContainer, stream: VideoStream) -> float:
    """The length that the file's header gives, in seconds; 0 where it gives none."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (media.duration or 0) / av.time_base


def is_indexed(media: InputContainer, stream: VideoStream, fragmented: bool) -> bool:
    """Whether all frames are in an index that FFmpeg has read."""
    return media.format.name.startswith("mov") and not fragmented and stream.frames > 0 and bool(stream.time_base)
