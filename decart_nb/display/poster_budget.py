"""The limit on the bytes of posters in one static output, so that a notebook with it can still be opened."""

from __future__ import annotations

#: The limit, in bytes of image files before Base64.
_POSTER_BYTES_LIMIT = 600_000


class PosterBudget:
    """Counts the bytes of the posters in an output, and the posters that are left out because of the limit.

    Attributes:
        left_out: how many posters did not fit.
    """

    def __init__(self) -> None:
        self._left = _POSTER_BYTES_LIMIT
        self.left_out = 0

    def take(self, size: int) -> bool:
        """Reserve space for a poster of that many bytes, and return whether there was enough."""
        fits = size <= self._left
        self._left -= size * fits
        self.left_out += not fits
        return fits

    @property
    def note(self) -> str:
        """How many posters are left out, as a sentence; empty if none is."""
        if not self.left_out:
            return ""
        what = "1 poster is" if self.left_out == 1 else f"{self.left_out:,} posters are"
        return f"{what} left out, so that the notebook stays small."
