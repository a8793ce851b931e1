"""A table of jobs that can be written to Excel and pickled. Imported on first use, since it imports pandas."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pandas as pd

from .job_frame import JobFrame

#: Control characters that Excel files cannot contain.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class ResultsFrame(JobFrame):
    """A table of jobs: a DataFrame that can be written to Excel, and whose pickle is that of an ordinary DataFrame."""

    @property
    def _constructor(self) -> type[ResultsFrame]:
        return ResultsFrame

    def to_excel(self, excel_writer: Any, sheet_name: str = "Sheet1", **options: Any) -> None:
        """Write the table as :meth:`pandas.DataFrame.to_excel` does, with cells that Excel can hold.

        Times are converted to UTC without a time zone, since Excel has none. Text is never written as a formula.
        """
        frame = self._as_dataframe()
        for name in frame.columns:
            if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
                frame[name] = frame[name].dt.tz_convert("UTC").dt.tz_localize(None)
            elif frame[name].dtype.kind not in "iufbM":
                frame[name] = frame[name].map(_replace_illegal)
        with contextlib.ExitStack() as stack:
            if not isinstance(excel_writer, pd.ExcelWriter):
                created = {name: options.pop(name) for name in ("engine", "engine_kwargs") if name in options}
                excel_writer = stack.enter_context(pd.ExcelWriter(excel_writer, **created))
            if hasattr(excel_writer.book, "strings_to_formulas"):  # XlsxWriter: before the text is written
                excel_writer.book.strings_to_formulas = False
            frame.to_excel(excel_writer, sheet_name=sheet_name, **options)
            sheet = excel_writer.sheets[sheet_name]
            for cell in (cell for row in getattr(sheet, "iter_rows", tuple)() for cell in row):
                if cell.data_type == "f":  # openpyxl: afterwards
                    cell.data_type = "s"

    def __reduce_ex__(self, protocol: Any) -> Any:
        # An ordinary DataFrame, so that the pickle can be read without this package.
        return pd.DataFrame, (), self._as_dataframe().__getstate__()

    def _as_dataframe(self) -> pd.DataFrame:
        frame = pd.DataFrame(self)
        frame.attrs = dict(self.attrs)
        return frame


def _replace_illegal(value: Any) -> Any:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value
