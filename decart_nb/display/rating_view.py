"""Live view of a blind rating: two clips side by side, and buttons and keys to vote.

Nothing that the frontend gets before a vote tells which clip is which: the clips are called left and right, their bytes
come in messages, and the scores are sent only when they are asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from .._util.text import printable_lines
from ..errors import MediaError
from .live_view import LiveView, assets
from .media_channel import SEND_LIMIT, Media, MediaChannel
from .rating_html import COUNTS, score_rows

if TYPE_CHECKING:
    from ..job.clip import Clip
    from ..rating.choice import Comparison
    from ..rating.rating import Rating

_SIDES = ("left", "right")


class RatingView(LiveView):
    """Live view of a blind rating.

    Attributes:
        output_id: the id of the static output beside the view, which hides while the view is alive.
        comparison: ``number`` counts the comparisons of this view; ``prompt`` is that of both clips, if they share it;
            ``sizes`` are the widths and heights of the left and the right clip. Empty if there is nothing to compare.
        standing: the progress of the rating, as a sentence.
        enough: whether the votes tell which value is the best.
        can_undo: whether there is something to undo.
        scores: the table of scores if it was asked for, else empty: ``heads``, ``rows`` and ``note``.
        stop_label, stop_hint: of the stop button of an exploration; empty if there is none.
    """

    _esm, _css = assets("media_channel", "clock", "rating_view")
    output_id = traitlets.Unicode().tag(sync=True)
    comparison: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    standing = traitlets.Unicode().tag(sync=True)
    enough = traitlets.Bool(default_value=False).tag(sync=True)
    can_undo = traitlets.Bool(default_value=False).tag(sync=True)
    scores: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    stop_label = traitlets.Unicode().tag(sync=True)
    stop_hint = traitlets.Unicode().tag(sync=True)

    def __init__(self, rating: Rating, *, output_id: str, on_change: Callable[[Rating], object] | None = None) -> None:
        super().__init__(output_id=output_id)
        self._rating, self._on_change = rating, on_change
        self._shown: Comparison | None = None
        self._number = 0
        self._shows_scores = False
        self._files: dict[tuple[str, str], Media] = {}
        # Some kernels deliver messages on a thread of their own.
        self._update_lock = threading.RLock()
        MediaChannel(self, self._files)
        self.on_msg(self._on_message)
        self._refresh(rating)
        self._unobserve = rating.observe(self._update)

    def text(self) -> str:
        """The view as plain text."""
        return self.standing

    def close(self) -> None:
        """Close the view; the votes are in the store."""
        self._unobserve()
        super().close()

    def _update(self, rating: Rating) -> None:
        with self._update_lock:
            if self.comm is not None:
                self._refresh(rating)
                if self._on_change is not None:
                    self._on_change(rating)

    def _refresh(self, rating: Rating) -> None:
        with self.hold_sync():
            shown = rating.current()
            if shown is None or shown is not self._shown:
                self._show(shown)
            self.standing, self.enough = rating.standing
            self.can_undo = rating.can_undo
            self.scores = _score_table(rating) if self._shows_scores else {}

    def _show(self, shown: Comparison | None) -> None:
        self._shown = shown
        self._files.clear()
        if shown is None:
            self.comparison = {}
            return
        self._number += 1
        for side, clip in zip(_SIDES, shown.clips, strict=True):
            self._files["video", f"{self._number}-{side}"] = Media(_bytes_of(clip, side), "video/mp4")
        self.comparison = {
            "number": self._number,
            "prompt": printable_lines(str(_prompt(shown.pair.shared))),
            "sizes": [[clip.width or 16, clip.height or 9] for clip in shown.clips],
        }

    def _on_message(self, _: object, message: dict[str, Any], __: object) -> None:
        if "action" not in message:  # a request on the media channel
            return
        with self._update_lock:
            self.problem = ""
            try:
                self._act(str(message["action"]), message)
            except Exception as error:  # noqa: BLE001 - no cell could raise it, so the view shows it
                self.problem = str(error)

    def _act(self, action: str, message: Mapping[str, Any]) -> None:
        if action == "scores":
            self._shows_scores = not self._shows_scores
            self._refresh(self._rating)
        elif action == "undo":
            self._rating.undo()
        elif message.get("number") == self._number and self._shown is self._rating.current():
            # Another number is that of a comparison that this view has left already, such as after a second click.
            if action == "skip":
                self._rating.skip()
            elif action == "vote":
                self._rating.vote(str(message.get("outcome")))


def _bytes_of(clip: Clip, side: str) -> Callable[[], bytes]:
    def read() -> bytes:
        # The file's name may tell what has made it, so that an error does not have it.
        try:
            content = Path(clip.path).read_bytes()
        except OSError:
            raise MediaError(f"The file of the {side} clip cannot be read. Skip this pair.") from None
        if len(content) > SEND_LIMIT:
            raise MediaError(f"The {side} clip is larger than {SEND_LIMIT >> 20} MiB. Skip this pair.")
        return content

    return read


def _prompt(shared: Mapping[str, Any]) -> Any:
    """The prompt of both clips; of a filled template, what it was filled with; or an empty text."""
    if "prompt" in shared:
        return shared["prompt"]
    if "prompt_template" in shared:
        filled = [f"{name}: {value}" for name, value in shared.items() if f"{{{name}}}" in shared["prompt_template"]]
        return " · ".join([str(shared["prompt_template"]), *filled])
    return ""


def _score_table(rating: Rating) -> dict[str, Any]:
    scores = rating.scores()
    rows = [row._asdict() for row in score_rows(scores)] if len(rating.ratings) else []
    return {
        "heads": ["Rank", rating.by, "Strength (95 % interval)", "", *map(str.capitalize, COUNTS)],
        "rows": rows,
        "note": scores.attrs["note"],
    }
