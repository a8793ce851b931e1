"""Probing of videos: size, frame rate, codec, tags, and length by the frames that are present."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image

from . import images
from .demux import (
    LENIENT,
    VIDEO,
    Source,
    container,
    decoding,
    header_seconds,
    is_indexed,
    name_of,
    open_source,
    picture_stream,
    prepare,
    reading,
    refusal,
    safe_options,
    upright_shape,
    usual_pause,
)
from .heif import read_heif
from .limits import LIMITS, Limits
from .mp4_index import check_index
from .sniff import HEAD, sniff
from .timeline import Shown, Timeline, in_order, length_of

#: Containers whose header gives a length, which a recording that was cut off does not have.
_WITH_LENGTH = ("matroska", "flv", "avi", "asf")


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The properties of a video.

    Attributes:
        width, height: in pixels, upright, with square pixels.
        fps: average frames per second.
        duration: in seconds, computed from the frames that are present.
        codec: FFmpeg's name for the picture's codec, such as ``h264``; an animated image's format.
        has_audio: whether there is sound.
        tags: the file's metadata, under FFmpeg's names in lower case: ``title``, ``comment``…
    """

    width: int
    height: int
    fps: float
    duration: float
    codec: str
    has_audio: bool
    tags: Mapping[str, str] = field(default_factory=dict)


def probe(source: Source, *, name: str | None = None, limits: Limits = LIMITS) -> VideoInfo:
    """Read the properties of a video from its frames: from the index of an MP4, otherwise from all packets.

    One frame is decoded; of an animated image all are.

    Args:
        source: the video.
        name: what an error calls it; the file's own name unless given.
        limits: the maximum sizes that are decoded.

    Raises:
        MediaError: it is not a video that can be decoded, some of it is missing, or it is beyond the limits.
    """
    return _probed(source, name or name_of(source), limits, check_end=False)


def check_video(source: Source, *, name: str | None = None, limits: Limits = LIMITS) -> VideoInfo:
    """As :func:`probe`, with the last frames decoded as well, so that a file with a hole in it is found.

    Raises:
        MediaError: as :func:`probe`, or the last frames cannot be decoded.
    """
    return _probed(source, name or name_of(source), limits, check_end=True)


def _probed(source: Source, name: str, limits: Limits, *, check_end: bool) -> VideoInfo:
    with open_source(source, name, VIDEO) as file:
        animation = images.animated(file, limits)
        if animation:
            return _probed_animation(animation, limits)
        heif = read_heif(file)
        with container(file, name, VIDEO, look_only=True, limits=limits) as (media, stream, fragmented):
            if heif is not None and stream.frames < 2:
                raise images.StillImageError
            stream.thread_type = "NONE"
            indexed = is_indexed(media, stream, fragmented)
            height, width = upright_shape(_first_frame(media, stream, can_seek=indexed), stream, limits)
            if indexed:
                count, seconds = _length_by_index(media, stream, file.seek(0, 2), name, limits)
                if check_end and not _decodes_at(media, stream, seconds, limits):
                    raise refusal(name, VIDEO, "its end cannot be decoded")
                return _described(media, stream, width, height, count, seconds)
        # Opened again, and not sought: of a few frames the only key frame is gone with the first one.
        with container(file, name, VIDEO, look_only=True, limits=limits) as (media, stream, _):
            count, seconds = _length_by_packets(media, stream, name, limits)
            if check_end:
                _decodes_at(media, stream, seconds, limits)
            return _described(media, stream, width, height, count, seconds)


def _probed_animation(animation: Image.Image, limits: Limits) -> VideoInfo:
    timeline = Timeline(0.1, limits)
    for _, pause in images.timed(animation):
        timeline.add(None, pause)
    seconds = timeline.length()
    width, height = images.upright(animation).size
    return VideoInfo(width, height, timeline.count / seconds, seconds, str(animation.format).lower(), False)


def _described(
    media: InputContainer, stream: VideoStream, width: int, height: int, count: int, seconds: float
) -> VideoInfo:
    fps = float(stream.average_rate or stream.guessed_rate or 0)
    if not fps or abs(fps * seconds - count) > max(1.5, 0.02 * count):  # the header's word where the frames bear it out
        fps = count / seconds
    codec = stream.codec_context.codec.canonical_name
    tags = {name.lower(): text.encode("utf-8", "replace").decode() for name, text in media.metadata.items()}
    return VideoInfo(width, height, fps, seconds, codec, bool(media.streams.audio), tags)


def quick_probe(path: Path, *, limits: Limits = LIMITS) -> VideoInfo:
    """Probe a downloaded file in a tenth of the time of :func:`probe`.

    An MP4 of H.264 or H.265 is not decoded: all its frames have to lie within the file, and the first one is taken to
    pieces, which fails for whatever is short or no video. One that was recorded lying on its side is described as it
    lies.

    Args:
        path: the file.
        limits: the maximum sizes that are decoded.

    Raises:
        MediaError: it is not a video that can be decoded, or not all of it is there.
    """
    name = name_of(path)
    with open_source(path, name, VIDEO) as file:
        fragmented, size = check_index(file, limits), file.seek(0, 2)
    try:
        found = None if fragmented else _skimmed(path, name, size, limits)
    except (av.FFmpegError, OSError, ValueError):  # it is another kind of file, or none: probing tells
        found = None
    return found or probe(path, limits=limits)


def _skimmed(path: Path, name: str, size: int, limits: Limits) -> VideoInfo | None:
    # FFmpeg reads the file by itself, since whatever goes through Python waits for Python's lock when many videos come
    # at once; and as an MP4 or MOV only, since other kinds (playlists) may name further files.
    options = {**safe_options(limits), **_GLANCE}
    with av.open(f"file:{path}", format="mov", options=options, **LENIENT) as media:
        stream = picture_stream(media)
        if stream is None or stream.codec_context is None:
            return None
        with decoding(name, VIDEO):
            prepare(stream, name, VIDEO, limits)
        codec = stream.codec_context
        kind = codec.codec.canonical_name
        square = stream.sample_aspect_ratio in (None, 0, 1)
        is_still = stream.frames < 2  # perhaps: probing looks closer, since HEIF images are such files too
        if is_still or kind not in _PIECES or not square or not is_indexed(media, stream, False):
            return None
        with closing(media.demux(stream)) as packets:  # or PyAV never frees what it has read
            first = next((packet for packet in packets if packet.size), None)
        if first is None:
            return None
        with decoding(name, VIDEO):
            count, seconds = _length_by_index(media, stream, size, name, limits)
        BitStreamFilterContext(_PIECES[kind], stream).filter(first)  # and nothing is left in it
        return _described(media, stream, codec.width, codec.height, count, seconds)


#: Nothing is decoded, nor read to find out more than the header says.
_GLANCE = {"skip_frame": "all", "probesize": "32", "protocol_whitelist": "file"}
#: What takes a frame to pieces.
_PIECES = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}


def is_video_container(path: Path) -> bool:
    """Whether a file is in a known video format, even if its codec is not supported or it is incomplete.

    Args:
        path: the file. What is no file, or cannot be read, is no video.
    """
    try:
        with path.open("rb") as file:
            if (sniff(file.read(HEAD)) or "").startswith("video/"):
                return True
            with reading(file, LIMITS, look_only=True) as (media, _):
                return picture_stream(media) is not None
    except Exception:  # noqa: BLE001 FFmpeg's and PyAV's own errors have no common root
        return False


def _first_frame(media: InputContainer, stream: VideoStream, *, can_seek: bool) -> av.VideoFrame:
    """Decode one frame with as few packets as possible."""
    codec = stream.codec_context
    if can_seek:
        packet = next(media.demux(stream))
        if found := codec.decode(packet) or codec.decode(None):
            return found[0]
        codec.flush_buffers()
        media.seek(0)
    return next(media.decode(stream))


def _length_by_index(
    media: InputContainer, stream: VideoStream, size: int, name: str, limits: Limits
) -> tuple[int, float]:
    """The number of frames and the length in seconds from the index, whose frames must all be within the file."""
    shown = [entry for entry in stream.index_entries if not entry.is_discard]
    if not shown:
        raise refusal(name, VIDEO, "it has no frames")
    for track in (stream, *media.streams.audio):
        if max((entry.pos + entry.size for entry in track.index_entries), default=0) > size:
            raise refusal(name, VIDEO, "it breaks off: some of its frames would lie behind its end")
    unit = float(stream.time_base or 0)
    frames = ((entry.timestamp * unit, 0.0) for entry in shown)
    return length_of(frames, header_seconds(media, stream), usual_pause(stream), limits, of_frames=True)


def _length_by_packets(media: InputContainer, stream: VideoStream, name: str, limits: Limits) -> tuple[int, float]:
    """The number of frames and the length in seconds from all packets."""
    ends = [0.0]

    def shown() -> Iterator[Shown]:
        for packet in media.demux():
            if packet.size and packet.time_base:
                time = packet.pts if packet.pts is not None else packet.dts
                seconds = None if time is None else float(time * packet.time_base)
                pause = float((packet.duration or 0) * packet.time_base)
                ends.append(max(ends.pop(), (seconds or 0.0) + pause))
                if packet.stream_index == stream.index:
                    yield seconds, pause

    header = header_seconds(media, stream)
    count, length = length_of(in_order(shown()), header, usual_pause(stream), limits, of_frames=False)
    if not count:
        raise refusal(name, VIDEO, "it has no frames")
    # FFmpeg shortens the length of an AVI that was cut off, and not the number of its frames.
    told = max(header, float(stream.frames / stream.average_rate) if stream.average_rate else 0.0)
    if media.format.name.startswith(_WITH_LENGTH) and told > max(ends[0], length) * 1.05 + 0.5:
        there = f"its header speaks of {told:.1f} s, and {length:.1f} s are there"
        raise refusal(name, VIDEO, f"it breaks off: {there}")
    return count, length


def _decodes_at(media: InputContainer, stream: VideoStream, second: float, limits: Limits) -> bool:
    """Whether there are frames from the last key frame before a second on; they are decoded as far as the limits go."""
    start = float((stream.start_time or 0) * (stream.time_base or 0))
    left = limits.checked_pixels
    try:
        media.seek(int((start + second) * av.time_base))
    except av.FFmpegError:  # a few frames, or a container that cannot be sought: its packets have been counted
        return True
    for frame in media.decode(stream):
        left -= frame.width * frame.height
        if left <= 0:
            break
    return left < limits.checked_pixels
