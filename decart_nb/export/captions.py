"""Text for an exported grid: one line with what all clips share, and a caption for each clip with what differs."""

from __future__ import annotations

from typing import Any

from .._util.text import printable, safe_str
from ..display.grid_columns import label_of
from ..job.clip import Clip
from ..job.file_names import shown_name
from .layout import Layout

#: What stands between the parts of a caption.
_SEPARATOR = " · "
#: The longest value of a fact, in characters.
_VALUE_LIMIT = 200
#: Facts that a caption states if they vary in the grid; other facts only if they vary within a cell.
_ALWAYS = ("seed", "take")


class Captions:
    """The text for one grid: a line for its head, and a caption for each clip.

    Args:
        layout: the grid. What its row and column labels state is left out.

    Attributes:
        shared: the line for the head: what all clips have in common.
    """

    def __init__(self, layout: Layout) -> None:
        cells: dict[tuple[int, int], list[dict[str, str]]] = {}
        for row, col, clip in layout.clips():
            cells.setdefault((row, col), []).append(_facts(clip))
        all_facts = [facts for cell in cells.values() for facts in cell]
        axes = layout.axes
        names = dict.fromkeys(name for facts in all_facts for name in facts if name not in axes)
        values = {name: {facts.get(name) for facts in all_facts} for name in names}
        constant = [name for name in names if len(values[name]) == 1]
        self.shared = _SEPARATOR.join(all_facts[0][name] for name in constant if all_facts[0][name] and name != "take")
        varying = [name for name in names if name not in constant]
        within_cell = {
            name for name in varying if any(len({facts.get(name) for facts in cell}) > 1 for cell in cells.values())
        }
        self._names = [name for name in varying if name in _ALWAYS or name in within_cell]
        self._names.sort(key=lambda name: name not in _ALWAYS)

    def of(self, clip: Clip) -> str:
        """The caption of a clip: its seed and take if they vary, its duration, and what varies within its cell."""
        facts = _facts(clip)
        first = [facts.get(name, f"no {name}") for name in self._names if name in _ALWAYS]
        rest = [facts.get(name, "") for name in self._names if name not in _ALWAYS]
        length = f"{clip.duration:.1f} s" if clip.duration else ""
        return _SEPARATOR.join(filter(None, (*first, length, *rest)))


def _facts(clip: Clip) -> dict[str, str]:
    """The inputs and attributes of a clip as text, by name; the text is empty if there is nothing to state."""
    inputs = {name: _text(name, value) for name, value in clip.inputs.items()}
    return {
        "model": printable(clip.model, limit=_VALUE_LIMIT),
        **inputs,
        "take": f"take {clip.take}",
        "size": f"{clip.width}×{clip.height}" if clip.width and clip.height else "",
        "backend": "local preview" if clip.backend == "local" else "",
    }


def _text(name: str, value: Any) -> str:
    """The value of an input as text, with the input's name where the value needs it."""
    shown = shown_name(name, value)
    is_number = isinstance(shown, int | float)
    return printable(label_of(name, shown if is_number or shown is None else safe_str(shown)), limit=_VALUE_LIMIT)
