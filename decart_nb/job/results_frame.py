"""A table of jobs that spreadsheets take. Loaded when a table is wanted."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pandas as pd

from .job_frame import JobFrame

#: What the files of Excel cannot hold.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class ResultsFrame(JobFrame):
    """A table of jobs. It is an ordinary DataFrame, and goes into Excel as it stands."""

    @property
    def _constructor(self) -> type[ResultsFrame]:
        return ResultsFrame

    def to_excel(self, excel_writer: Any, sheet_name: str = "Sheet1", **options: Any) -> None:
        """As of pandas. Times are in UTC, of which Excel has no sign; and no text becomes a formula."""
        plain = self._plain()
        for name in plain.columns:
            if isinstance(plain[name].dtype, pd.DatetimeTZDtype):
                plain[name] = plain[name].dt.tz_convert("UTC").dt.tz_localize(None)
            elif plain[name].dtype.kind not in "iufbM":
                plain[name] = plain[name].map(_legal)
        with contextlib.ExitStack() as stack:
            if not isinstance(excel_writer, pd.ExcelWriter):
                created = {name: options.pop(name) for name in ("engine", "engine_kwargs") if name in options}
                excel_writer = stack.enter_context(pd.ExcelWriter(excel_writer, **created))
            if hasattr(excel_writer.book, "strings_to_formulas"):  # XlsxWriter decides it before it writes
                excel_writer.book.strings_to_formulas = False
            plain.to_excel(excel_writer, sheet_name=sheet_name, **options)
            sheet = excel_writer.sheets[sheet_name]
            for cell in (cell for row in getattr(sheet, "iter_rows", tuple)() for cell in row):
                if cell.data_type == "f":  # and openpyxl afterwards
                    cell.data_type = "s"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return pd.DataFrame, (), self._plain().__getstate__()  # a pickle is read without this project too

    def _plain(self) -> pd.DataFrame:
        plain = pd.DataFrame(self)
        plain.attrs = dict(self.attrs)
        return plain


def _legal(value: Any) -> Any:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value
