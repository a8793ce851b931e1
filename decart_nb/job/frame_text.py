"""The plain text of a table of jobs: facts, what all rows share, shared reasons, and the first rows."""

from __future__ import annotations

from .._util.text import printable
from .._util.text_table import terminal_columns, text_table
from .frame_layout import FrameLayout

#: The width in which it is written where there is no terminal.
_COLUMNS = 120
_MAX_CELL_LENGTH = 44
#: Columns that are left out where it would be too wide, in this order; and those that are never shortened.
_OMIT = ("backend", "sha256", "size_bytes", "submitted_at", "job_id", "path", "note", "waited", "made")
_WHOLE = ("status", "plan", "cost", "model", "seed", "take")


def frame_text(layout: FrameLayout) -> str:
    """A table of jobs as plain text.

    Args:
        layout: of the table; all rows that it lays out are written.
    """
    lines = [layout.facts] if layout.facts else []
    if layout.constants:
        same = " · ".join(f"{one.label} {one.cell.text}".strip() for one in layout.constants)
        lines.append(f"{'all rows: ' * (layout.total > 1)}{same}")
    lines += [f"{'✗ ' * one.is_bad}{one.rows}: {one.text}" for one in layout.remarks]
    if layout.names and layout.rows:
        lines.append(_table(layout, terminal_columns() or _COLUMNS))
    if layout.total > len(layout.rows):
        lines.append(f"… and {layout.total - len(layout.rows):,} more rows")
    return "\n".join(lines)


def _table(layout: FrameLayout, width: int) -> str:
    columns = {"": layout.labels}
    for position, name in enumerate(layout.names):
        columns[name] = [printable(row[position].text, limit=_MAX_CELL_LENGTH) for row in layout.rows]
    for name in _OMIT:
        if sum(2 + max(map(len, (head, *texts))) for head, texts in columns.items()) <= width:
            break
        columns.pop(name, None)
    return text_table(columns, cut=[name for name in layout.names if name not in _WHOLE], width=width)
