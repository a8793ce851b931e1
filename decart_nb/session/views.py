"""Views of tables of results: they show the clips that a table names, from the current session's store."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from .._util.work_units import check_client
from ..display import register
from ..display.grid import MAX_TILES, ClipGrid
from ..display.grid_columns import NOT_SHOWN
from ..display.grid_order import sorted_table
from ..display.scatter import Scatter
from ..display.scatter_data import scatter_data
from ..job.runner import Runner
from ..sweeps.clips import clips_of, records_of

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client


def grid_of(
    table: pd.DataFrame,
    runner: Runner | None,
    *,
    rows: Hashable | None = None,
    cols: Hashable | None = None,
    badges: Hashable | Sequence[Hashable] | None = None,
    sort: Hashable | None = None,
    descending: bool = True,
    title: str = "",
    client: Client | None = None,
) -> ClipGrid:
    """A grid of the clips of a table of results.

    Args:
        table: with the columns ``status`` and ``path``.
        runner: the current session's; without one, clips are found where the table says, and are only shown.
        rows, cols, badges, title: as for :class:`decart_nb.display.grid.ClipGrid`.
        sort: the column by which the rows are sorted, if any.
        descending: whether its largest value is first.
        client: of a Dask cluster, whose workers make the posters that the store lacks.

    Raises:
        InvalidInputError: there is no such column, or the client is no Dask client.
        ClusterError: the cluster cannot make the posters.
    """
    check_client(client)
    register()  # a table may be looked at without a session
    store = runner.store if runner else None
    if sort is not None:
        table = sorted_table(table, sort, descending=descending)
    shown = table.iloc[:MAX_TILES]
    records = records_of(shown, store)
    clips = clips_of(shown, records, store)
    grid = ClipGrid(
        shown,
        clips,
        records,
        runner=runner,
        rows=rows,
        cols=cols,
        badges=badges,
        sort=(sort, descending),
        title=title,
        row_count=len(table),
    )
    if client is not None and store is not None:
        grid.files.posters(map(str, range(len(grid))), client=client)
    return grid


def scatter_of(
    table: pd.DataFrame, runner: Runner | None, x: Hashable, y: Hashable, *, by: Hashable | None = None
) -> Scatter:
    """A scatter plot of the clips of a table of results.

    Args:
        table: with the columns ``status`` and ``path``.
        runner: as for :func:`grid_of`.
        x, y: columns of numbers.
        by: the column whose values have a colour and a shape each, if any.
    """
    data = scatter_data(table.iloc[:MAX_TILES], x, y, by)
    badges = [name for name in (x, y) if name not in NOT_SHOWN]  # which a clip's name need not tell
    return Scatter(grid_of(table, runner, badges=badges), data)
