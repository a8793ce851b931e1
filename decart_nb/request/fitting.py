"""What a model takes of a video: size, rate, length and bytes; and what has to change in a video for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputError
from .models import Field, ModelDefinition

if TYPE_CHECKING:
    from ..media import Footage, Target

#: Containers of H.264 that every model takes.
_CONTAINERS = ("video/mp4", "video/quicktime")
_CODECS = {"h264": "H.264", "hevc": "H.265 (HEVC)", "av1": "AV1", "vp9": "VP9", "vp8": "VP8", "prores": "ProRes"}


def video_field(model: ModelDefinition) -> Field | None:
    """The field that takes a model's video; ``None`` of a model whose fields are not known.

    Raises:
        InvalidInputError: the model takes no video.
    """
    if model.fields is None:
        return None
    found = next((field for field in model.fields if field.type == "video"), None)
    if found is None:
        raise InvalidInputError(f"{model.name} takes no video, so that none can be fitted to it.")
    return found


def target_of(model: ModelDefinition, resolution: str | None = None) -> Target:
    """What a video is to be like for a model: upright, of its size and rate, and not longer or larger than it takes.

    Args:
        model: the model.
        resolution: ``720p`` unless given.

    Raises:
        InvalidInputError: the model takes no video, or has no such resolution.
    """
    from ..media import Target

    field = video_field(model)
    choices = getattr(model.field_named("resolution"), "choices", ())
    if resolution is not None and choices and resolution not in choices:
        raise InvalidInputError(f"resolution must be {' or '.join(choices)} for {model.name}, not {resolution!r}.")
    lengths = [seconds for seconds in (model.seconds, field and field.max_seconds) if seconds]
    return Target(
        end=min(lengths, default=None),
        size=model.size(resolution),
        fps=model.fps,
        most_bytes=field.max_bytes if field else None,
        upright=True,
    )


def is_fit(footage: Footage, target: Target) -> bool:
    """Whether a model takes a video as it is."""
    return (
        footage.media_type in _CONTAINERS
        and footage.is_picture_of(target.size, target.fps, upright=target.upright)
        and (target.end is None or footage.duration <= target.end + 0.5 / footage.fps)
        and (target.most_bytes is None or footage.path.stat().st_size <= target.most_bytes)
    )


def changes(before: Footage, after: Footage) -> list[str]:
    """What is other in a video that was rewritten, part by part: ``3840×2160 to 1280×720``."""
    sizes = [path.stat().st_size for path in (before.path, after.path)]
    parts: list[tuple[Any, str]] = [
        (before.codec != after.codec, f"{_CODECS.get(before.codec, before.codec)} to H.264"),
        (before.codec == after.codec and before.media_type != after.media_type, "put into an MP4"),
        (before.is_hdr, "HDR to SDR"),
        (not before.is_hdr and before.pixels and before.pixels != after.pixels, f"{before.pixels} to {after.pixels}"),
        (before.turns and not after.turns, "turned upright"),
        (_size(before) != _size(after), f"{_size(before)} to {_size(after)}"),
        (not after.has_rate(before.fps) or not before.is_steady, f"{_rate(before)} to {_rate(after)}"),
        (before.duration - after.duration > 1 / after.fps, f"{before.duration:.1f} s cut to {after.duration:.1f} s"),
        (before.has_audio and not after.has_audio, "without its sound, which cannot be decoded"),
    ]
    return [text for is_so, text in parts if is_so] or [f"{sizes[0] / 1e6:.1f} MB to {sizes[1] / 1e6:.1f} MB"]


def _size(footage: Footage) -> str:
    return f"{footage.width}×{footage.height}"


def _rate(footage: Footage) -> str:
    return f"{footage.fps:.3g} fps" if footage.is_steady else f"a varying rate (about {footage.fps:.3g} fps)"
