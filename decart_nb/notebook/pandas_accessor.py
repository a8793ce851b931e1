"""The pandas accessor ``df.decart`` for tables of jobs and results. Importing this module registers it."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._util.short_traceback import with_short_traceback
from .._util.text import did_you_mean, listing, printable_lines
from ..errors import InvalidInputError
from ..job.clip import Clip
from ..job.table import metrics_of
from ..sweeps.clips import clips_of, records_of

if TYPE_CHECKING:
    from ..display.comparison import Comparison
    from ..display.grid import ClipGrid
    from ..display.scatter import Scatter
    from ..export.layout import Layout
    from ..rating.rating import Rating

if getattr(getattr(pd.DataFrame, "decart", None), "__module__", None) == __name__:
    del pd.DataFrame.decart  # the module is being reloaded: pandas would warn


@pd.api.extensions.register_dataframe_accessor("decart")
class DecartAccessor:
    """Runs a table of jobs, and shows, compares, rates, exports and summarizes a table of results.

    ``run()`` needs the column ``model``; the other methods need columns of a results table.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        if not {"model", "status"} & set(frame.columns):
            raise _lacking(
                "df.decart needs a column model, to run what the table asks for, or the columns status and path of a "
                f"table of results; this table has {listing(frame.columns)}."
            )
        self._frame = frame

    def run(self, *, name: str | None = None, **options: Any) -> pd.DataFrame:
        """Runs a sweep with one job for each row, and returns its results. Stored results are reused.

        Args:
            name: the name of the sweep.
            options: passed to the sweep's ``run``: ``max_cost``, ``concurrency``, ``allow_unknown_cost``.
        """
        self._need("run()", "model")
        from ..session.functions import sweep

        results: pd.DataFrame = sweep(self._frame, name=name).run(**options)
        return results

    @property
    def clips(self) -> pd.Series:
        """The clip of each row, or ``None``. The video files are not read."""
        self._need("clips", "status", "path")
        return pd.Series(self._clips(), index=self._frame.index, dtype="object", name="clip")

    def grid(
        self,
        rows: Hashable | None = None,
        cols: Hashable | None = None,
        *,
        sort: Hashable | None = None,
        descending: bool = True,
        badges: Hashable | Sequence[Hashable] | None = None,
        client: Any = None,
    ) -> ClipGrid:
        """Shows the clips as a grid, in which they play in step, and are enlarged, compared and rated.

        Also of a table that was filtered, sorted, concatenated or read back: clips are found by ``job_id`` or
        ``sha256`` in the current store, else under ``path``.

        Args:
            rows, cols: the columns whose values are down the side and across the top; chosen unless given. Other
                columns that vary are chosen above the grid. A measured column of more than six values, such as a
                metric, has up to four ranges with about as many clips in each.
            sort: the column by which the clips are ordered, and with them rows and columns; as in the table unless
                given.
            descending: whether its largest value is first. Clips without a value are last either way.
            badges: the columns whose values are below each clip; the metrics that the table was measured by unless
                given, and none with ``badges=[]``. A number is marked "▲ high" or "▼ low" if it is more than 1.5
                interquartile ranges beyond the quartiles of its column, of at least eight values.
            client: a ``dask.distributed.Client``, whose workers make the posters that are missing before the grid is
                returned; unless given, they are made as they are looked at.

        Raises:
            InvalidInputError: there is no such column.
            ClusterError: the cluster cannot make the posters.
        """
        self._need("grid()", "status", "path")
        from ..session.functions import open_runner
        from ..session.views import grid_of

        title = str(self._frame.attrs.get("sweep", ""))
        order: dict[str, Any] = {"sort": sort, "descending": descending, "badges": badges}
        return grid_of(self._frame, open_runner(), rows=rows, cols=cols, title=title, client=client, **order)

    def measure(
        self, names: str | Sequence[str] | None = None, *, against: Hashable | Clip | None = None, client: Any = None
    ) -> pd.DataFrame:
        """Measures the clips: a copy of the table with a column for each metric, named like it.

        Each clip is decoded once. Values are kept in the store by the clip's digest and the metric's version, and not
        measured again. Where a metric fails, the row has NaN, and the column ``measure_error`` has why.

        Args:
            names: of metrics, built-in or of your own (see :func:`decart_nb.metric`); all that need no other video
                unless given. The manual lists them.
            against: what ``kept_…`` metrics compare each clip with: a column of clips or paths, or one video or its
                path; the input ``data`` unless given.
            client: a ``dask.distributed.Client`` whose workers measure; the cores of this machine unless given.

        Raises:
            InvalidInputError: there is no such metric or column, or the table has a column of that name that
                says something else.
        """
        self._need("measure()", "status", "path")
        from ..session.measuring import measure_table

        return measure_table(self._frame, names, against, client)

    def duplicates(self, threshold: float = 0.1, *, client: Any = None) -> pd.DataFrame:
        """Finds near-duplicates: a copy of the table with ``duplicate_group``, the number that similar clips share.

        Clips of one length are compared, by perceptual hashes and mean colours of a frame every two seconds.

        Args:
            threshold: how much clips of a group differ at most: the share of the bits of their hashes, plus the
                difference of their mean colours in 128ths.
            client: as for :meth:`measure`.

        Raises:
            InvalidInputError: ``threshold`` is no number from 0 to 1.
        """
        self._need("duplicates()", "status", "path")
        from ..session.measuring import group_duplicates

        return group_duplicates(self._frame, threshold, client)

    def scatter(self, x: Hashable, y: Hashable, *, by: Hashable | None = None) -> Scatter:
        """Shows two columns of numbers against each other: a point for each clip, whose poster is seen on hover.

        ``.figure()`` is the same plot as a figure of matplotlib.

        Args:
            x, y: the columns whose values are across and up: metrics, or any other columns of numbers.
            by: a column whose values have a colour and a shape each, such as ``model``.

        Raises:
            InvalidInputError: there is no such column, it has no numbers, or no row has both values.
        """
        self._need("scatter()", "status", "path")
        from ..session.functions import open_runner
        from ..session.views import scatter_of

        return scatter_of(self._frame, open_runner(), x, y, by=by)

    def compare(self, *, labels: Sequence[str] | None = None) -> Comparison:
        """Shows two to four clips side by side, under a wipe, flickering, or as their difference, by one clock.

        Args:
            labels: of the clips; chosen by what differs unless given.

        Raises:
            InvalidInputError: the table has not one to four clips.
        """
        self._need("compare()", "status", "path")
        from ..session.comparing import compare

        return compare(*(clip for clip in self._clips() if clip is not None), labels=labels)

    def rate(self, by: str = "model", rater: str = "me", *, seed: int | None = None) -> Rating:
        """Shows pairs of clips that share everything but one column, side by side and without names, to be voted on.

        Votes are stored at once, and the rating goes on where it stopped. ``.ratings`` are the votes, ``.scores()``
        Bradley–Terry strengths with 95 % intervals, ``.wins`` who was preferred to whom, ``.consistency`` how the
        rater has voted on pairs that were shown twice.

        Args:
            by: the column by which the clips of a pair differ.
            rater: whose votes they are.
            seed: of the choice of pairs and sides; another one each time unless given.

        Raises:
            InvalidInputError: there is no such column, or no two clips share everything but it.
        """
        self._need("rate()", "status", "path")
        from ..display import register
        from ..rating.rating import rate
        from ..session.functions import open_store

        register()  # a table may be rated without a session
        return rate(self._frame, self._clips(), by=by, rater=rater, store=open_store(), seed=seed)

    def to_html(
        self,
        path: str | os.PathLike[str],
        rows: Hashable | None = None,
        cols: Hashable | None = None,
        *,
        title: str = "",
        single_file: bool = False,
        client: Any = None,
        **options: Any,
    ) -> Path | str:
        """Writes a static gallery: the same grid, lightbox and comparison in a folder that opens without a server.

        Args:
            path: the folder; with ``single_file``, the page. Also an fsspec address, such as ``s3://bucket/looks``.
            rows, cols: as for :meth:`grid`.
            title: the heading; the sweep's name unless given.
            single_file: whether clips and posters are embedded in one page, of at most 50 MiB.
            client: a ``dask.distributed.Client`` whose workers make the posters; the cores of this machine unless
                given.
            options: ``sort``, ``descending`` and ``badges``, as for :meth:`grid`.

        Returns:
            The page: its path, or its address without secrets.

        Raises:
            InvalidInputError: the folder has other files in it, or the single page would be too large.
            MediaError: a clip cannot be read, or the gallery cannot be written.
            ClusterError: the cluster cannot make the posters.
        """
        from ..export.gallery import save_gallery

        grid = self.grid(rows, cols, **options)
        return save_gallery(grid, path, title=title, single_file=single_file, client=client)

    def contact_sheet(
        self, path: str | os.PathLike[str], rows: Hashable | None = None, cols: Hashable | None = None, **options: Any
    ) -> Path | str:
        """Writes a picture or a PDF of the posters, with the labels of rows and columns.

        Args:
            path: ends in .png, .jpg, .webp or .pdf. Also an fsspec address.
            rows, cols: as for :meth:`grid`.
            options: ``cell_width`` in pixels; ``at``, which frame of each clip, from 0 to 1; and ``client``, a
                ``dask.distributed.Client`` whose workers decode the frames, in place of the cores of this machine.

        Returns:
            The file: its path, or its address without secrets.

        Raises:
            InvalidInputError: an argument is not valid, or the sheet would be too large.
            ClusterError: the cluster cannot decode the frames.
        """
        from ..export.contact_sheet import contact_sheet

        return contact_sheet(self._layout(rows, cols), path, **options)

    def grid_video(
        self, path: str | os.PathLike[str], rows: Hashable | None = None, cols: Hashable | None = None, **options: Any
    ) -> Path | str:
        """Writes one video of all clips in step, with the labels of rows and columns.

        Args:
            path: ends in .mp4. Also an fsspec address.
            rows, cols: as for :meth:`grid`.
            options: ``cell_width`` in pixels; ``fps``; and ``client``, a ``dask.distributed.Client`` whose workers make
                small copies of the clips, which this process puts together.

        Returns:
            The file: its path, or its address without secrets.

        Raises:
            InvalidInputError: an argument is not valid, or there are too many clips.
            MediaError: it cannot be written.
            ClusterError: the cluster cannot make the copies.
        """
        from ..export.grid_video import grid_video

        return grid_video(self._layout(rows, cols), path, **options)

    def _layout(self, rows: Hashable | None, cols: Hashable | None) -> Layout:
        """The clips as an export lays them out, by the columns that :meth:`grid` chooses."""
        from ..export.layout import layout_of

        return layout_of(self.grid(rows, cols))

    def summary(self, by: str | list[str] | None = None, *, metrics: str | list[str] | None = None) -> pd.DataFrame:
        """Counts, median times, total cost and median metrics of each group of rows.

        The columns: ``count`` of all rows; ``completed``; ``failed``, with rejected, uncertain and unreachable ones;
        ``reused``; ``waited`` and ``made``, the median seconds in the queue and of the making; ``cost``, the sum of the
        known estimates in USD, also of reused results; ``cost_unknown``, the number of completed rows without an
        estimate; and of each metric, under its own name, the median of the rows that have a value.

        Args:
            by: a column, or a list of columns; groups are in order of first appearance.
            metrics: a column of numbers, or a list of such; the metrics that the table was measured by unless given.

        Raises:
            InvalidInputError: there is no such column, or a metric is no column of numbers.
        """
        self._need("summary()", "status", "reused", "cost")
        from ..sweeps.table_summary import summary_of

        measured = metrics_of(self._frame) if metrics is None else metrics and self._names("metrics", metrics)
        return summary_of(self._frame, [] if by is None else self._names("by", by), measured)

    def _clips(self) -> list[Clip | None]:
        from ..session.functions import open_store

        store = open_store()
        return clips_of(self._frame, records_of(self._frame, store), store)

    def _names(self, argument: str, given: Any) -> list[Any]:
        columns = list(self._frame.columns)
        names = (
            list(given) if isinstance(given, list) or (isinstance(given, tuple) and given not in columns) else [given]
        )
        if not names:
            raise InvalidInputError(f"{argument} must name a column of the table, or several.")
        for name in names:
            if name not in columns:
                meant = did_you_mean(str(name), map(str, columns))
                raise InvalidInputError(f"{argument} must name columns of the table; it has no {name}.{meant}")
            if columns.count(name) > 1:
                raise InvalidInputError(f"The table has more than one column of the name {name}; rename one.")
        return names

    def _need(self, what: str, *names: str) -> None:
        missing = [name for name in names if name not in self._frame.columns]
        if missing:
            raise _lacking(
                f"df.decart.{what} needs the column{'s' * (len(missing) > 1)} {listing(missing)}, which the table "
                f"does not have; it has {listing(self._frame.columns)}."
            )


def _lacking(message: str) -> AttributeError:
    """What pandas wants an accessor to raise that a table does not have; IPython shows it as one of our errors."""
    return with_short_traceback(AttributeError(printable_lines(message)))
