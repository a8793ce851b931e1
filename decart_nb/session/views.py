"""Views of tables of results: they show the clips that a table names, from the current session's store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..display import register
from ..display.grid import ClipGrid
from ..job.runner import Runner
from ..sweeps.clips import clips_of, records_of

if TYPE_CHECKING:
    import pandas as pd


def grid_of(
    table: pd.DataFrame,
    runner: Runner | None,
    *,
    rows: str | None = None,
    cols: str | None = None,
    title: str = "",
) -> ClipGrid:
    """A grid of the clips of a table of results.

    Args:
        table: with the columns ``status`` and ``path``.
        runner: the current session's; without one, clips are found where the table says, and are only shown.
        rows, cols, title: as for :class:`decart_nb.display.grid.ClipGrid`.
    """
    register()  # a table may be looked at without a session
    store = runner.store if runner else None
    records = records_of(table, store)
    return ClipGrid(table, clips_of(table, records, store), records, runner=runner, rows=rows, cols=cols, title=title)
