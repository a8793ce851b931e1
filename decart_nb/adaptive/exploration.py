"""An exploration of a sweep: it makes rows as long as blind votes do not tell the compared values apart."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

from .._util.short_traceback import with_short_traceback
from .._util.text import printable
from ..errors import InvalidInputError, NotPicklableError
from ..job.clip import Clip
from ..job.event_loop import start
from ..job.observable import Observable
from ..job.table import JOB_COLUMNS
from ..rating import strengths
from ..rating.pairs import Matches, find_matches
from ..rating.progress import Standing
from ..sweeps.rows import Row
from ..sweeps.sweep import Sweep
from .blocks import Limits, Values, blocks_of, independent_matches, next_batch
from .growing_rating import GrowingRating
from .options import Options
from .sequential import decision, verdict
from .summary import ENDED, ExplorationProgress, Status, comparison_table, sentence

if TYPE_CHECKING:
    import pandas as pd

#: Statuses of rows that a run submits, or whose jobs it joins.
_CAN_BE_MADE = ("planned", "pending", "processing", "unreachable", "rejected")
#: Those of rows that have never been paid.
_UNPAID = ("planned", "rejected", "invalid")
#: More values are more pairs than anybody votes on, and each would get a small part of the error rate.
_MAX_VALUES = 20


class Exploration(Observable):
    """An exploration of a sweep, which ``sweep.explore(…)`` returns.

    A notebook shows its blind rating, and what is decided so far once there is a vote. ``await`` it until it has ended,
    which gives the results of the sweep; an interrupt meanwhile stops it. All that it knows is in the store: the same
    call in another kernel continues.

    Attributes:
        sweep: the sweep.
        options: its arguments.
        rating: the blind rating of what has been made; ``rating.vote("left")`` votes on ``rating.current()``.
        error: why it could not continue; ``None`` if nothing is wrong.
    """

    def __init__(self, sweep: Sweep, rows: Sequence[Row], begin: Callable[..., object], options: Options) -> None:
        super().__init__()
        self.sweep, self.options = sweep, options
        self.error: Exception | None = None
        self._rows, self._begin = rows, begin
        self._store = sweep.runner.store
        strengths.require()
        self._matches = _matches(sweep, rows, options.by)
        self._compared = sorted({match.values for match in self._matches.matches})
        self._error_rate = options.error_rate / len(self._compared)
        order = f"{sweep.name} {options.by} {options.seed}"
        self._blocks = blocks_of(self._matches.matches, order)
        self._comparable = sorted({row for match in self._matches.matches for row in match.rows})
        sides = random.Random(order if options.function else options.seed)
        self.rating = GrowingRating(
            self._matches.pairs([None] * len(rows)), options.rater_name.strip(), self._store, sides, self._standing
        )
        self._status: Status = "rating"
        self._tried: set[int] = set()  # what was begun here: what came to nothing is not begun again
        self._statuses: list[str] = []
        self._looking = threading.RLock()
        self._is_stopped = self._is_making = False
        self._is_outdated = True  # whether rows have changed since the last look at them
        self._has_news = False  # whether the last look has found changed rows
        self._version = 0
        self._counts: tuple[int, bool] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event | None = None
        self._forget: list[Callable[[], object]] = []

    # What it says.

    @property
    def status(self) -> Status:
        """``making`` or ``rating``; or why it has ended.

        That is one of ``decided``, ``limit reached``, ``all made``, ``stopped`` and ``failed``.
        """
        return self._status

    @property
    def over(self) -> bool:
        """Whether it makes no more rows."""
        return self._status in ENDED

    @property
    def decided(self) -> bool:
        """Whether all compared values are told apart."""
        return all(self._decisions().values())

    @property
    def comparisons(self) -> pd.DataFrame:
        """What the rater's votes say of each two values.

        The columns: ``value`` and ``other``; ``wins``, ``losses`` and ``ties`` of the first; ``low`` and ``high``, an
        interval of the probability that it is preferred in a vote without a tie; and ``better``, the one that is
        better, missing as long as that is not decided. The intervals of all pairs include the truth at all times
        with the promised probability, so that one may stop whenever one likes.
        """
        outcomes = self.rating.outcomes()
        said = {values: verdict(outcomes.get(values, []), self._error_rate) for values in self._compared}
        return comparison_table(self._matches.values, said)

    @property
    def spent(self) -> float:
        """What the sweep has cost in its whole life, in USD: an estimate, like that of its plan."""
        return self._store.spent(self.sweep.account)[0]

    @property
    def results(self) -> pd.DataFrame:
        """The results of the sweep; rows that were not made are ``planned``."""
        return self.sweep.results

    def scores(self) -> pd.DataFrame:
        """Bradley–Terry strengths from the votes of all raters; see :meth:`decart_nb.rating.rating.Rating.scores`."""
        return self.rating.scores()

    @property
    def facts(self) -> ExplorationProgress:
        """Its progress at this moment, in numbers."""
        outcomes, status = self.rating.outcomes(), self._status
        statuses = [self._statuses[row] for row in self._comparable] if self._statuses else []
        progress = self.sweep.progress if status == "making" else None
        return ExplorationProgress(
            status=status,
            votes=sum(map(len, outcomes.values())),
            open_pairs=self.rating.open_pairs,
            decided=sum(map(bool, self._decisions(outcomes).values())),
            compared=len(self._compared),
            made=statuses.count("completed"),
            rows=len(self._comparable),
            running=progress.running if progress else 0,
            spent=self.spent,
            budget=self.options.budget,
            payment=self.sweep.runner.payment,
            error="" if self.error is None else getattr(self.error, "message", repr(self.error)),
        )

    def __repr__(self) -> str:
        return printable(f"<Exploration of {self.sweep.name} by {self.options.by}: {sentence(self.facts)}>")

    def _standing(self) -> Standing:
        facts = self.facts
        return Standing(sentence(facts), facts.decided == facts.compared)

    def _decisions(self, outcomes: dict[Values, list[int]] | None = None) -> dict[Values, int]:
        outcomes = self.rating.outcomes() if outcomes is None else outcomes
        return {values: decision(outcomes.get(values, []), self._error_rate) for values in self._compared}

    # Its work.

    def start(self) -> None:
        """Begin, and go on in the background whenever votes ask for more rows.

        Raises:
            DecartSDKError: the first rows could not be begun; nothing was submitted.
        """
        self._follow()
        if self._look():  # here, so that the caller is told what is wrong
            self._end()
            self._raise_error()
        else:
            start(self._drive())

    def run(self) -> None:
        """Go on until the end, with the votes of a function. An interrupt stops it.

        Raises:
            DecartSDKError: rows could not be made.
            InvalidInputError: the function has returned no vote.
        """
        assert self.options.function is not None
        self._follow()
        try:
            while True:
                version = self._version
                if self._look():
                    break
                shown = self.rating.current() if self._status == "rating" else None
                if shown is not None:
                    self.rating.vote(self.options.function(*shown.clips))
                    continue
                with self._changed:
                    while self._version == version:
                        self._changed.wait()
        except KeyboardInterrupt:
            self.stop()
            raise with_short_traceback(KeyboardInterrupt(self._stopped())) from None
        except BaseException:
            self.stop()
            raise
        finally:
            self._end()
        self._raise_error()

    def stop(self) -> None:
        """Make no more rows. What was submitted is still fetched, votes are kept, and the same call continues."""
        self._is_stopped = True
        if self._is_making:
            self.sweep.cancel()
        with self._looking:
            if not self.over:
                self._status = "stopped"
        self.rating.refresh()
        self._notify()
        self._poke()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, and return whether it has. In a notebook, ``await`` it: votes arrive meanwhile.

        Args:
            timeout: how long to wait, in seconds; for as long as it takes unless given.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._changed.wait_for(lambda: self.over, None if end is None else max(0.0, end - time.monotonic()))
        return self.over

    def __await__(self) -> Generator[Any, None, pd.DataFrame]:
        return self._awaited().__await__()

    async def _awaited(self) -> pd.DataFrame:
        try:
            await self._until(lambda: self.over)
        except asyncio.CancelledError:  # an interrupt too comes as that
            self.stop()
            raise with_short_traceback(asyncio.CancelledError(self._stopped())) from None
        self._raise_error()
        return self.results

    def _raise_error(self) -> None:
        if self.error is not None:
            raise self.error.with_traceback(None)

    async def _drive(self) -> None:
        """Look again after each change, until the end."""
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        try:
            while not await asyncio.to_thread(self._look):
                await self._woken.wait()
                self._woken.clear()
        finally:
            self._end()

    def _look(self) -> bool:
        """Begin the next rows where votes are needed and no pair waits for one. Return whether it has ended."""
        with self._looking:
            before, self._has_news = self._status, False
            if not self.over:
                try:
                    self._status = self._next_status()
                except Exception as error:  # noqa: BLE001 - raised where it is waited for
                    self.error, self._status = error, "failed"
        if self._status != before or self._has_news:
            self.rating.refresh()
            self._notify()
        return self.over

    def _next_status(self) -> Status:
        over = self.sweep.over
        # It may be over before it has told, and other kernels may have made rows since the last look.
        is_read = self._is_outdated or (over and (self._status == "making" or not self.rating.open_pairs))
        if is_read:
            self._read()
        decisions = self._decisions()
        decided = {values for values, better in decisions.items() if better}
        self.rating.leave_out(decided)
        if self._is_stopped:
            if self._is_making:  # it has begun since
                self.sweep.cancel()
            return "stopped"
        if not over:
            if self._is_making and len(decided) == len(decisions):
                self.sweep.cancel()
            return "making"
        if self._is_making and self.sweep.error is not None:
            raise self.sweep.error
        was_stopped, self._is_making = self._is_making and self.sweep.progress.stopped, False
        if len(decided) == len(decisions):
            return "decided"
        if was_stopped:  # by the sweep's own cancel()
            return "stopped"
        if self.rating.open_pairs:
            return "rating"
        if not is_read:  # the last vote has come since
            self._read()
            return self._next_status()
        there = {row for row in self._comparable if self._statuses[row] == "completed"}
        batch = next_batch(
            self._blocks,
            self.options.batch,
            undecided=decisions.keys() - decided,
            there=there,
            possible={row for row in self._comparable if self._can_be_made(row)},
            paid={row for row in self._comparable if self._statuses[row] not in _UNPAID},
            costs=[row.cost for row in self._rows],
            limits=self._limits(),
        )
        if not batch.rows:
            return "limit reached" if batch.limited or self.sweep.progress.held_back else "all made"
        self._is_making = True
        self._tried.update(batch.rows)
        self._begin(only=frozenset(batch.rows))
        return "making"

    def _can_be_made(self, row: int) -> bool:
        return row not in self._tried and self._statuses[row] in _CAN_BE_MADE

    def _limits(self) -> Limits:
        budget, most = self.options.budget, self.options.max_rows
        paid = sum(self._statuses[row] not in _UNPAID for row in self._comparable)
        return Limits(
            None if budget is None else budget - self.spent,
            None if most is None else max(0, most - paid),
        )

    def _read(self) -> None:
        """Read which rows have clips."""
        from ..sweeps.clips import clips_of, records_of

        self._is_outdated, self._has_news = False, True  # before it is read: what changes meanwhile is read once more
        results = self.sweep.results
        clips: list[Clip | None] = clips_of(results, records_of(results, self._store), self._store)
        self._statuses = [
            "missing" if status == "completed" and clip is None else status
            for status, clip in zip(results["status"].tolist(), clips, strict=True)
        ]
        self.rating.grow(self._matches.pairs(clips))

    # What wakes it.

    def _follow(self) -> None:
        self._forget = [self.sweep.observe(self._on_rows), self.rating.observe(lambda _: self._poke())]

    def _on_rows(self, sweep: Sweep) -> None:
        progress = sweep.progress
        counts = (progress.done + progress.reused + progress.failed, sweep.over)
        if counts != self._counts:
            self._counts, self._is_outdated = counts, True
            self._poke()

    def _poke(self) -> None:
        """Let it look again, from any thread."""
        with self._changed:
            self._version += 1
            self._changed.notify_all()
        if self._loop is not None and self._woken is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    def _end(self) -> None:
        for forget in self._forget:
            forget()
        self.rating.refresh()
        self._notify()

    def _stopped(self) -> str:
        return f"The exploration of {self.sweep.name} makes no more rows; the same call continues."

    def _not_picklable(self) -> Exception:
        return NotPicklableError(
            "An exploration exists in one process only: make the same call in the other one; rows and votes are in "
            "the store."
        )

    def _in_place_of_a_future(self, library: str) -> str:
        return f"An exploration is not a future: await it, or give {library} asyncio.ensure_future(exploration)."

    def _log_name(self) -> str:
        return f"exploration of {self.sweep.name}"


def _matches(sweep: Sweep, rows: Sequence[Row], by: str) -> Matches:
    """The rows of a sweep that can be compared, without those that are invalid."""
    table = sweep.results
    if isinstance(by, str) and by in JOB_COLUMNS and by != "model":
        raise InvalidInputError(f"by must name an input of the sweep, which {by} is not.")
    found = find_matches(table, by, alike=("take",), most_values=_MAX_VALUES)
    first = {number: row.same_as for number, row in enumerate(rows) if row.same_as is not None}
    valid = [match for match in found.matches if not any(rows[number].error for number in match.rows)]
    independent = independent_matches(valid, first)
    if not independent:
        raise InvalidInputError(
            f"No two valid rows of this sweep have another {by} and share everything else: .plan tells which rows are "
            "invalid, and why."
        )
    return Matches(found.by, found.values, independent)
