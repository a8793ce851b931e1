"""The size at which clips are shown, and the space that is kept for those that are still being made."""

from __future__ import annotations

from ..job.job import Job
from ..request.catalogue import models
from ..request.models import ModelDefinition

#: The class of space that is kept for a clip. It shows only beside a live view, whose style says so.
RESERVED = "decart-reserved"
_WIDTH = 640
_CAPTION_WIDTH = 320
#: What is expected of a model that nobody has described.
_UNKNOWN = (1280, 720)


def shown_width(width: int, height: int) -> int:
    """The most pixels across which a video of this size is shown."""
    return min(width, _WIDTH) if width >= height else min(width, _WIDTH * 9 // 16)


def figure_style(width: int, height: int) -> str:
    """The style of a figure with a video of this size, which stands in a row with others."""
    return f"margin:0;min-width:0;flex:0 1 {max(shown_width(width, height), _CAPTION_WIDTH)}px"


def box_style(width: int, height: int) -> str:
    """The style of a video of this size. It fits into 60 % of the window's height if it is taller than wide.

    Windows that grow with their content, as the frames of some frontends do, leave 320 pixels.
    """
    most = f"{shown_width(width, height)}px"
    if height > width:
        most = f"min({most},calc(max(60vh,320px)*{width}/{height}))"
    return f"display:block;width:100%;height:auto;max-width:{most};aspect-ratio:{width}/{height}"


def expected_size(job: Job) -> tuple[int, int]:
    """The width and height that a job's clip will have, by its model and request."""
    model: ModelDefinition | None = job.recipe.model if job.recipe else None
    if model is None and job.model in models:
        model = models.video(job.model)
    if model is None:
        return _UNKNOWN
    width, height = model.size(job.inputs.get("resolution"), job.inputs.get("orientation"))
    return width + width % 2, height + height % 2
