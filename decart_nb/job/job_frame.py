"""DataFrames of jobs that people can read: base class of plans and of tables of results. Imported on first use."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

import pandas as pd

from .frame_html import frame_html
from .frame_layout import FrameLayout, is_job_table, lay_out
from .frame_text import frame_text
from .input_pictures import Picture
from .printable_frame import PrintableFrame

_log = logging.getLogger("decart_nb")
#: The most rows that HTML holds: some hundred bytes each, so that a notebook with it can still be opened.
_MAX_ROWS = 500
_MAX_LINES = 20
_NONE: Mapping[tuple[str, str], Picture] = MappingProxyType({})


class JobFrame(PrintableFrame):
    """A DataFrame with a row for each job, which differs from an ordinary one only in its display.

    A result of pandas that has no row for each job, such as a transposed table, is displayed by pandas.
    """

    #: How the pictures of input files are had, by column and value. They are not part of the table.
    _pictures = _NONE

    def __finalize__(self, other: Any, method: str | None = None, **options: Any) -> Self:
        made: Self = super().__finalize__(other, method=method, **options)
        if isinstance(made, JobFrame):
            made._pictures = getattr(other, "_pictures", _NONE)
        return made

    def __repr__(self) -> str:
        layout = self._layout(_MAX_LINES)
        return super().__repr__() if layout is None else frame_text(layout)

    def _repr_html_(self) -> str | None:
        if not pd.get_option("display.notebook_repr_html"):
            return None
        layout = self._layout(_MAX_ROWS)
        if layout is not None:
            return frame_html(layout)
        shown: str | None = super()._repr_html_()
        return shown

    def with_pictures(self, pictures: Mapping[tuple[str, str], Picture]) -> Self:
        """The table itself, which shows these pictures of input files, by column and value."""
        self._pictures = pictures
        return self

    def _layout(self, most: int) -> FrameLayout | None:
        """How it is laid out; ``None`` if it is no table of jobs any more."""
        try:
            if is_job_table(self):
                table = pd.DataFrame(self)
                return lay_out(table, most=most, totals=str(self.attrs.get("totals", "")), pictures=self._pictures)
        except Exception:  # noqa: BLE001 - a formatter never raises, whatever somebody has put into the table
            _log.debug("A table of jobs could not be laid out.", exc_info=True)
        return None
