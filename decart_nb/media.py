"""Images and videos, read and written with Pillow and PyAV.

A source is a path or a binary file object (it is read from its beginning). Pictures are upright, RGB, eight
bits a channel. A still image is no video; an animated one (GIF, WebP, PNG) is. Whatever cannot be decoded
raises :class:`~decart_nb.errors.MediaError`, with one plain sentence, and nothing of FFmpeg's or Pillow's own.
"""

from __future__ import annotations

import io
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, cast

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from . import stills
from .errors import MediaError

Source = str | os.PathLike[str] | BinaryIO
RGB = NDArray[np.uint8]

MAX_PIXELS = stills.MAX_PIXELS
# x264's result depends on the number of its threads: a fixed one makes the same video on every machine.
_THREADS = 4
# With its macroblock tree x264 makes now and then another video of the very same frames.
_REPEATABLE = {"mbtree": "0"}
_VIDEO, _IMAGE = "a video", "an image"


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video is.

    Attributes:
        width, height: in pixels, upright, with square pixels.
        fps: frames a second, on average.
        duration: in seconds.
        codec: FFmpeg's name for the picture's codec, such as ``h264``; an animated image's format.
        has_audio: whether there is sound.
        tags: what the file says about itself, under FFmpeg's names in small letters: ``title``, ``comment``…
    """

    width: int
    height: int
    fps: float
    duration: float
    codec: str
    has_audio: bool
    tags: Mapping[str, str] = field(default_factory=dict)


def probe(source: Source, *, name: str | None = None) -> VideoInfo:
    """What a video is, also where its header does not say how long it is (a browser's recording).

    Args:
        source: the video.
        name: what an error calls it; the file's own name unless given.

    Raises:
        MediaError: it is not a video that can be decoded.
    """
    name = name or _name_of(source)
    with _opened(source, name, _VIDEO) as file:
        animation = stills.animated(file, name)
        if animation:
            with _decoding(name, _VIDEO):
                seconds = sum(pause for _, _, pause in stills.timed(animation))
                width, height = stills.upright(animation).size
                fps = stills.count(animation) / seconds
                return VideoInfo(width, height, fps, seconds, str(animation.format).lower(), False)
        with _container(file, name, _VIDEO, look_only=True) as (container, stream), _decoding(name, _VIDEO):
            first = _first_frame(container, stream)
            height, width = _upright_shape(first, stream)
            rate = stream.average_rate or stream.guessed_rate
            seconds = _header_seconds(container, stream)
            if not rate or not seconds:
                count, seconds = _counted(container, stream)
                rate = Fraction(count) / Fraction(seconds).limit_denominator(10**6)
            codec = stream.codec_context.codec.canonical_name
            tags = {name.lower(): _clean(text) for name, text in container.metadata.items()}
            return VideoInfo(width, height, float(rate), seconds, codec, bool(container.streams.audio), tags)


def skim(path: Path) -> VideoInfo:
    """As :func:`probe` of what has just been downloaded, in a tenth of the time.

    An MP4 of H.264 or H.265 is not decoded: all its frames have to lie within the file, and the first one is taken to
    pieces, which fails for whatever is short or no video. One that was recorded lying on its side is described as it
    lies.

    Args:
        path: the file.

    Raises:
        MediaError: it is not a video that can be decoded, or not all of it is there.
    """
    try:
        found = _skimmed(path)
    except (av.FFmpegError, OSError, ValueError):  # it is another kind of file, or none: probing tells
        found = None
    return found or probe(path)


def _skimmed(path: Path) -> VideoInfo | None:
    # FFmpeg reads the file by itself, since whatever goes through Python waits for Python's lock when many videos come
    # at once; and as an MP4 only, since other kinds (playlists) may name further files.
    with av.open(f"file:{path}", format="mp4", options=_GLANCE, **_LENIENT) as container:
        stream = _picture(container)
        if stream is None:
            return None
        codec, seconds = stream.codec_context, _header_seconds(container, stream)
        kind, rate, size = codec.codec.canonical_name, stream.average_rate, codec.width * codec.height
        square = stream.sample_aspect_ratio in (None, 0, 1)
        if kind not in _PIECES or not (stream.frames and rate and seconds and square) or size > MAX_PIXELS:
            return None
        frames = list(stream.index_entries)
        with closing(container.demux(stream)) as packets:  # or PyAV never frees what it has read
            first = next((packet for packet in packets if packet.size), None)
        if first is None or len(frames) < stream.frames:  # an edit list leaves some out
            return None
        if max(frame.pos + frame.size for frame in frames) > path.stat().st_size:
            raise MediaError(f"{path.name} is not {_VIDEO} that can be decoded: it breaks off.")
        BitStreamFilterContext(_PIECES[kind], stream).filter(first)  # and nothing is left in it
        tags = {name.lower(): _clean(text) for name, text in container.metadata.items()}
        return VideoInfo(codec.width, codec.height, float(rate), seconds, kind, bool(container.streams.audio), tags)


#: Nothing is decoded, nor read to find out more than the header says.
_GLANCE = {"skip_frame": "all", "probesize": "32", "protocol_whitelist": "file"}
#: What takes a frame to pieces.
_PIECES = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}


# A tag that is no UTF-8 is no reason to refuse a video. PyAV 19 sees to that by itself, with halves of characters.
_LENIENT: dict[str, Any] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def frames(source: Source, *, fps: float | None = None, name: str | None = None) -> Iterator[RGB]:
    """A video's frames, one at a time: however long it is, only a few are in memory.

    Args:
        source: the video.
        fps: a constant rate to show it at, by its timestamps, so that its length stays; without it, every
            frame once.
        name: what an error calls it; the file's own name unless given.

    Yields:
        Upright RGB arrays, height × width × 3, all of the first one's size.

    Raises:
        MediaError: it is not a video that can be decoded; raised when the first frame is asked for.
    """
    timed = _timed(source, name or _name_of(source))
    with closing(timed):
        if fps is None:
            for rgb, _, _ in timed:
                yield rgb
            return
        shown, made, start, end = None, 0, 0.0, 0.0
        for rgb, time, pause in timed:
            if shown is None:
                start = time
            else:
                # All output times before this frame's show the one before it; the small part takes rounded
                # timestamps (a thousandth of a second in WebM) for what they mean.
                while made / fps < time - start - 1e-3:
                    yield shown
                    made += 1
            shown, end = rgb, time - start + pause
        if shown is not None:
            while made < max(1, round(end * fps)):
                yield shown
                made += 1


def read_image(source: Source, *, name: str | None = None) -> Image.Image:
    """An image, or a video's first frame: upright, RGB, transparency over white.

    Args:
        source: the image.
        name: what an error calls it; the file's own name unless given.

    Raises:
        MediaError: it can be decoded neither as an image nor as a video, or is too large to be decoded.
    """
    name = name or _name_of(source)
    with _opened(source, name, _IMAGE) as file:
        image = stills.opened(file, name)
        if image:
            try:
                return stills.upright(image)
            except Exception:  # noqa: BLE001 Pillow's decoders raise all sorts; FFmpeg may still read what they do not.
                file.seek(0)
        with _container(file, name, _IMAGE) as (container, stream), _decoding(name, _IMAGE):
            frame = next(container.decode(stream))
            return Image.fromarray(_upright(frame, _upright_shape(frame, stream)))


def poster(source: Source, *, at: float = 0.5, width: int = 640, name: str | None = None) -> bytes:
    """A video's poster: one of its frames, as a JPEG. It is sought, so that a long video costs no more.

    Args:
        source: the video.
        at: where in the video, from 0 to 1.
        width: the most pixels across.
        name: what an error calls it; the file's own name unless given.

    Raises:
        MediaError: it is not a video that can be decoded.
    """
    name = name or _name_of(source)
    with _opened(source, name, _VIDEO) as file:
        animation = stills.animated(file, name)
        if animation:
            with _decoding(name, _VIDEO):
                animation.seek(round(at * (stills.count(animation) - 1)))
                image = stills.upright(animation)
        else:
            with _container(file, name, _VIDEO) as (container, stream), _decoding(name, _VIDEO):
                frame = _sought(container, stream, at)
                image = Image.fromarray(_upright(frame, _upright_shape(frame, stream)))
    if image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def encode(
    frames: Iterable[RGB | av.VideoFrame],
    path: str | os.PathLike[str],
    *,
    fps: float,
    crf: int = 20,
    preset: str = "veryfast",
) -> None:
    """Writes an MP4 that every browser plays: H.264, 4:2:0, BT.709, its index in front.

    Args:
        frames: RGB arrays, height × width × 3 of 8-bit integers, all of one size (an odd side is made even by
            repeating its last row or column); or PyAV's frames, such as :func:`picture` makes.
        path: where it goes. It is written in place: who needs all or nothing renames afterwards.
        fps: frames a second.
        crf: x264's quality, from 0 (lossless) to 51.
        preset: x264's speed.

    Raises:
        MediaError: there is no frame, an array is no picture, or the file cannot be written.
    """
    name = Path(path).name
    rate = Fraction(fps).limit_denominator(1001)
    convert = VideoReformatter()
    with ExitStack() as stack:
        container, stream = None, None
        for number, item in enumerate(frames):
            with _writing(name):
                frame = item if isinstance(item, av.VideoFrame) else picture(item, convert)
                if container is None or stream is None:
                    options = {"movflags": "+faststart"}
                    container = stack.enter_context(av.open(os.fspath(path), "w", format="mp4", options=options))
                    settings = {"crf": str(crf), "preset": preset, **_REPEATABLE}
                    stream = container.add_stream("libx264", rate=rate, options=settings)
                    stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                    codec = stream.codec_context
                    codec.thread_count = _THREADS
                    codec.gop_size = max(1, round(2 * fps))  # two seconds, so that a player can seek
                    codec.colorspace = codec.color_primaries = codec.color_trc = codec.color_range = 1
                frame.pts, frame.time_base = number, 1 / rate
                container.mux(stream.encode(frame))
        if container is None or stream is None:
            raise MediaError(f"{name} cannot be written: there is no frame to encode.")
        with _writing(name):
            container.mux(stream.encode(None))
            container.close()


def picture(rgb: RGB, convert: VideoReformatter | None = None) -> av.VideoFrame:
    """An RGB array as :func:`encode` hands it to the encoder: 4:2:0, BT.709, both sides even.

    Args:
        rgb: height × width × 3.
        convert: a converter to use again, which saves a little time.

    Raises:
        MediaError: the array is no picture.
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


class _Nameless:
    """A file without its name: FFmpeg would take a name's ending for more than the bytes (it draws ``.txt``)."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _name_of(source: Source) -> str:
    return Path(source).name if isinstance(source, str | os.PathLike) else "The file"


def _refusal(name: str, wanted: str, cause: BaseException) -> MediaError:
    if isinstance(cause, StopIteration):
        reason = "it has no picture"
    elif isinstance(cause, OSError | av.FFmpegError) and cause.strerror:
        reason = cause.strerror[0].lower() + cause.strerror[1:]
    else:
        reason = str(cause).strip().rstrip(".") or type(cause).__name__
    return MediaError(f"{name} is not {wanted} that can be decoded: {reason}.", cause=cause)


@contextmanager
def _decoding(name: str, wanted: str) -> Iterator[None]:
    try:
        yield
    except MediaError:
        raise
    except Exception as error:  # noqa: BLE001 FFmpeg's, Pillow's and the file object's own errors have no common root
        raise _refusal(name, wanted, error) from None


@contextmanager
def _writing(name: str) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{name} cannot be written: {error}.", cause=error) from None


@contextmanager
def _opened(source: Source, name: str, wanted: str) -> Iterator[BinaryIO]:
    """The source as a file that can be sought, at its beginning."""
    with ExitStack() as stack:
        with _decoding(name, wanted):
            if isinstance(source, str | os.PathLike):
                file: BinaryIO = stack.enter_context(Path(source).open("rb"))
            elif source.seekable():
                source.seek(0)
                file = source
            else:
                file = io.BytesIO(source.read())
            if not file.read(1):
                raise MediaError(f"{name} is not {wanted} that can be decoded: it is empty.")
            file.seek(0)
        yield file


@contextmanager
def _container(
    file: BinaryIO, name: str, wanted: str, *, look_only: bool = False
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """FFmpeg's reading of a file, and its first picture stream that is no album cover.

    With ``look_only``, FFmpeg decodes nothing to find out what the header says too, which takes a fifth of the time.
    """
    with ExitStack() as stack:
        with _decoding(name, wanted):
            # An upload may be a playlist that names other files or addresses: none of them is opened.
            options = {"protocol_whitelist": "none", **({"skip_frame": "all"} if look_only else {})}
            container = stack.enter_context(av.open(_Nameless(file), "r", options=options, **_LENIENT))
            stream = _picture(container)
            if stream is None:
                raise MediaError(f"{name} is not {wanted} that can be decoded: it has no picture.")
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise MediaError(f"{name} is too large to be decoded: more than {MAX_PIXELS} pixels.")
            stream.thread_type = "NONE" if look_only else "AUTO"
        yield container, stream


def _picture(container: InputContainer) -> VideoStream | None:
    return next((stream for stream in container.streams.video if not stream.disposition.value & _COVER), None)


_COVER = 1 << 10  # FFmpeg's AV_DISPOSITION_ATTACHED_PIC


def _timed(source: Source, name: str) -> Generator[tuple[RGB, float, float]]:
    """Each frame with its time and how long it is shown, both in seconds."""
    with _opened(source, name, _VIDEO) as file, _decoding(name, _VIDEO):
        animation = stills.animated(file, name)
        if animation:
            for image, time, pause in stills.timed(animation):
                yield np.asarray(stills.upright(image)), time, pause
            return
        with _container(file, name, _VIDEO) as (container, stream):
            usual = float(1 / (stream.average_rate or stream.guessed_rate or 25))
            shape: tuple[int, int] | None = None
            expected = 0.0
            for frame in container.decode(stream):
                shape = shape or _upright_shape(frame, stream)
                time = expected if frame.pts is None else frame.time
                pause = float(frame.duration * (frame.time_base or 0)) or usual
                yield _upright(frame, shape), time, pause
                expected = time + pause
            if shape is None:
                raise MediaError(f"{name} is not a video that can be decoded: it has no picture.")


def _upright_shape(frame: av.VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Height and width of a frame once it is upright and its pixels are square."""
    aspect = stream.sample_aspect_ratio or 1
    height, width = frame.height, max(1, round(frame.width * aspect))
    return (width, height) if frame.rotation % 180 else (height, width)


def _upright(frame: av.VideoFrame, shape: tuple[int, int]) -> RGB:
    height, width = shape[::-1] if frame.rotation % 180 else shape
    rgb = cast(RGB, frame.to_ndarray(format="rgb24", width=width, height=height))
    return np.ascontiguousarray(np.rot90(rgb, round(frame.rotation / 90)))


def _first_frame(container: InputContainer, stream: VideoStream) -> av.VideoFrame:
    """A frame, and no more decoded than it takes: most decoders would take in several packets before they gave one."""
    codec = stream.codec_context
    for packet in container.demux(stream):
        if frames := codec.decode(packet) or codec.decode(None):
            return frames[0]
        break
    codec.flush_buffers()
    container.seek(0)
    return next(container.decode(stream))


def _header_seconds(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def _counted(container: InputContainer, stream: VideoStream) -> tuple[int, float]:
    """How many frames a video has and how many seconds it lasts, by all of its packets."""
    container.seek(0)
    unit = float(stream.time_base or 0)
    times, last = [], 0.0
    for packet in container.demux(stream):
        if packet.pts is not None and packet.size:
            times.append(packet.pts * unit)
            last = max(last, times[-1] + (packet.duration or 0) * unit)
    length = last - min(times, default=0.0)
    span = max(times, default=0.0) - min(times, default=0.0)
    if length <= span:  # the last packet does not say how long it is: as long as the others
        length = span * len(times) / (len(times) - 1) if len(times) > 1 else 0.04
    return len(times), length


def _sought(container: InputContainer, stream: VideoStream, at: float) -> av.VideoFrame:
    seconds = _header_seconds(container, stream) or _counted(container, stream)[1]
    start = (stream.start_time or 0) * float(stream.time_base or 0)
    target = start + at * seconds
    container.seek(int(target * av.time_base))
    found = None
    for frame in container.decode(stream):
        if found is not None and frame.time is not None and frame.time > target:
            break
        found = frame
    if found is None:
        raise StopIteration
    return found
