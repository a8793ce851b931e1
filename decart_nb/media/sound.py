"""The sound of a stretch of a video, copied or encoded as AAC while the picture is written."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

_RATE = 48_000
_CHANNELS = {1: "mono"}
_BITS = 128_000


class Sound:
    """Writes the sound of a stretch of a video. AAC is copied, anything else is encoded as AAC.

    Args:
        source: the video that is read.
        target: the MP4 that is written.
        begin, end: the stretch, in seconds by the source's own clock.

    Attributes:
        stream: the stream whose packets are to be given to :meth:`write`; ``None`` where there is no sound that can be
            written.
    """

    def __init__(self, source: InputContainer, target: OutputContainer, begin: float, end: float) -> None:
        self._target, self._begin, self._end = target, begin, end
        self.stream: AudioStream | None = next(
            (stream for stream in source.streams.audio if stream.codec_context is not None), None
        )
        if self.stream is None:
            return
        self._is_copied = self.stream.codec_context.name == "aac"
        self._samples = 0
        if self._is_copied:
            self._out = target.add_stream_from_template(self.stream)
            return
        layout = _CHANNELS.get(self.stream.codec_context.channels, "stereo")
        self._out = target.add_stream("aac", rate=_RATE, layout=layout)
        self._out.codec_context.bit_rate = _BITS
        self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=_RATE)

    def write(self, packet: av.Packet[Any]) -> None:
        """Write what a packet of :attr:`stream` has of the stretch.

        Raises:
            av.FFmpegError: it cannot be decoded or written.
        """
        assert self.stream is not None
        if self._is_copied:
            self._copy(packet)
            return
        frames: list[av.AudioFrame] = []
        with suppress(av.error.InvalidDataError):  # a gap in the sound is no reason to refuse the picture
            frames = self.stream.codec_context.decode(packet)
        for frame in frames:
            if frame.time is None or not self._begin <= frame.time < self._end:
                continue
            if not self._samples:
                self._samples = round((frame.time - self._begin) * _RATE)
            frame.pts = None  # or what is left out would be made up for
            self._encode(frame)

    def finish(self) -> None:
        """Write what the encoder has kept back.

        Raises:
            av.FFmpegError: it cannot be written.
        """
        if self.stream is not None and not self._is_copied:
            self._encode(None)
            self._target.mux(self._out.encode(None))

    def _copy(self, packet: av.Packet[Any]) -> None:
        if packet.pts is None or not packet.size or packet.time_base is None:
            return
        if not self._begin <= packet.pts * packet.time_base < self._end:
            return
        shift = round(self._begin / packet.time_base)
        packet.pts -= shift
        packet.dts = packet.pts
        packet.stream = self._out
        self._target.mux(packet)

    def _encode(self, frame: av.AudioFrame | None) -> None:
        for piece in self._resampler.resample(frame):
            piece.pts, piece.time_base = self._samples, Fraction(1, _RATE)
            self._samples += piece.samples
            self._target.mux(self._out.encode(piece))
