"""The models of Decart's video queue: inputs, output size, prices and status of each.

The facts are from Decart's documentation, its OpenAPI description and its SDKs 0.0.20 to 0.2.4, as of
2026-11. Prices are USD per generated second, as published in 2026-08. An unknown price is missing, never zero.
"""

from __future__ import annotations

from typing import Any

from .._util.public import public
from .models import MAX_SEED, Field, Kind, ModelDefinition, Models


def _prompt(required: bool = True, minimum: int = 1) -> Field:
    return Field("prompt", "text", required=required, minimum=minimum, maximum=1000)


def _resolution(*choices: str) -> Field:
    return Field("resolution", "choice", choices=choices, default="720p")


_SEED = Field("seed", "integer", minimum=0, maximum=MAX_SEED)
_ENHANCE = Field("enhance_prompt", "flag", default=True)
_IMAGE = Field("data", "image", required=True)
_VIDEO = Field("data", "video", required=True)
_REFERENCE = Field("reference_image", "image")
_TRAJECTORY = Field("trajectory", "trajectory", required=True, minimum=2, maximum=1000)
_RESTYLED = Field(
    "data",
    "video",
    required=True,
    media_types=("video/mp4", "video/webm", "video/quicktime"),
    max_bytes=100 * 2**20,
    max_seconds=600,
)
_ORIENTATION = Field("orientation", "choice", choices=("landscape", "portrait"), default="landscape")


def _model(name: str, kind: Kind, fields: tuple[Field, ...], **more: Any) -> ModelDefinition:
    shape = {"width": 1280, "height": 704, "fps": 25, "seconds": 5.0} | more
    return ModelDefinition(name=name, kind=kind, fields=fields, **shape)


def _clip(name: str, **more: Any) -> ModelDefinition:
    fields = (_prompt(), _VIDEO, _REFERENCE, _SEED, _resolution("720p"), _ENHANCE)
    return _model(name, "video-to-video", fields, prices={"720p": 0.15}, **more)


def _restyle(name: str, **more: Any) -> ModelDefinition:
    enhance = Field("enhance_prompt", "flag", default=True, only_with="prompt")
    fields = (_prompt(required=False), _REFERENCE, _RESTYLED, _SEED, _resolution("720p"), enhance)
    shape = {"fps": 22, "seconds": None, "prices": {"720p": 0.01}, "exactly_one": ("prompt", "reference_image")}
    return _model(name, "restyle", fields, **(shape | more))


def _lucy2(name: str, price: float | None = None, extra: tuple[Field, ...] = (), **more: Any) -> ModelDefinition:
    fields = (_prompt(minimum=0), _VIDEO, _REFERENCE, _SEED, _resolution("720p", "480p"), _ENHANCE, *extra)
    shape = {"height": 720, "fps": 20, "seconds": None, "prices": {} if price is None else {"720p": price}}
    return _model(name, "video-to-video", fields, **(shape | more))


_SELF_ANCHOR = (Field("self_anchor", "flag", default=True),)
_BOTH = _resolution("720p", "480p")

_ALL = (
    # Those that this project is named for: on the local queue for good, whatever the service does.
    _model(
        "lucy-pro-t2v",
        "text-to-video",
        (_prompt(), _SEED, _BOTH, _ORIENTATION),
        prices={"720p": 0.08, "480p": 0.04},
        status="retired",
    ),
    _model("lucy-pro-i2v", "image-to-video", (_prompt(), _IMAGE, _SEED, _BOTH), status="retired"),
    _model("lucy-dev-i2v", "image-to-video", (_prompt(), _IMAGE, _SEED, _resolution("720p")), status="retired"),
    _clip("lucy-pro-v2v", status="deprecated", successor="lucy-clip"),
    _model(
        "lucy-fast-v2v",
        "video-to-video",
        (_prompt(), _VIDEO, _SEED, _resolution("720p"), _ENHANCE),
        height=720,
        status="retired",
    ),
    _model(
        "lucy-pro-flf2v",
        "first-last-frame",
        (_prompt(), Field("start", "image", required=True), Field("end", "image", required=True), _SEED, _BOTH),
        status="retired",
    ),
    _model("lucy-motion", "motion", (_IMAGE, _TRAJECTORY, _SEED, _resolution("720p")), status="retired"),
    _restyle("lucy-restyle-v2v", status="deprecated", successor="lucy-restyle-2"),
    # Those that Decart's SDK 0.2.4 lists.
    _restyle("lucy-restyle-2", status="live"),
    _restyle("lucy-restyle-latest", status="live", alias_of="lucy-restyle-2"),
    _lucy2("lucy-2.1", 0.04, status="live"),
    _lucy2("lucy-2.5", 0.04, _SELF_ANCHOR, status="live"),
    _lucy2("lucy-2.6", status="live"),
    _lucy2("lucy-latest", 0.04, status="live", alias_of="lucy-2.5"),
    _lucy2("lucy-vton-3.5", status="live"),
    _lucy2("lucy-vton-3.6", status="live"),
    _lucy2("lucy-vton-latest", status="live", alias_of="lucy-vton-3.6"),
    # Those of the summer of 2026, on their way out.
    _clip("lucy-clip", status="deprecated"),
    _clip("lucy-clip-latest", status="deprecated", alias_of="lucy-clip"),
    _lucy2("lucy-vton-2", 0.04, width=1088, height=624, status="deprecated"),
    _lucy2("lucy-vton-3", 0.04, width=1088, height=624, status="deprecated"),
    _lucy2("lucy-2.1-vton-2", 0.04, width=1088, height=624, status="deprecated", successor="lucy-vton-2"),
)


models = public(Models(_ALL))
