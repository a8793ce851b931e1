"""A DataFrame that is safe to print, whatever text its cells hold. Imported on first use."""

from __future__ import annotations

import pandas as pd

from .._util.text import printable_lines


class PrintableFrame(pd.DataFrame):  # type: ignore[misc]  # pandas ships no types
    """A DataFrame whose text form holds nothing that a terminal would obey.

    pandas escapes line breaks and tabs in a table's text form, and HTML in the other one, but no terminal's escapes.
    """

    def __repr__(self) -> str:
        return printable_lines(super().__repr__())
