"""Estimates of job durations, from finished jobs in the store and from those that are running."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

from ..client import duration_estimate as polling
from ..store.store import Store

#: Seconds that an estimate is good for; jobs ask for the same one all the time.
_LIFETIME = 1.0
_FEW = 5


class Estimates:
    """Duration estimates of one session.

    Args:
        store: where the durations of earlier jobs are.
        prior: how long a job may take of which nothing is known yet.

    Attributes:
        running: by model and job id, how old in seconds those under way were when they were last asked for; 0 if they
            have not been.
    """

    def __init__(self, store: Store, prior: polling.Estimate) -> None:
        self._store = store
        self.prior = prior
        self.running: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._ended: set[str] = set()
        self._durations: Counter[str] = Counter()
        self._known: dict[tuple[str, str, float | None], tuple[float, asyncio.Task[polling.Estimate]]] = {}

    def estimate(self, model: str, endpoint: str, input_seconds: float | None) -> polling.Estimate:
        """How long a job may take, by what such jobs took before. It reads the store.

        Args:
            model: what its name means to the queue.
            endpoint: the queue.
            input_seconds: how long the video is that goes into it.
        """
        running = tuple(self.running[model].values())
        return self.prior.updated_with(self._store.durations(model, endpoint), input_seconds, running)

    def ended(self, model: str, took: float | None) -> bool:
        """A job of a model has ended, or failed: as long as there were few durations, each tells much.

        Args:
            model: what its name means to the queue.
            took: how long it took, in seconds; ``None`` if nobody knows, or if it has failed.

        Returns:
            Whether the other jobs under way are polled at other times now: it is the first end, or the first duration.
        """
        is_first_end = model not in self._ended
        self._ended.add(model)
        if took is None:
            return is_first_end
        self._durations[model] += 1
        if self._durations[model] <= _FEW:
            self._known = {key: known for key, known in self._known.items() if key[0] != model}
        return self._durations[model] == 1

    def peers(self, model: str) -> int:
        """How many jobs of a model are under way of which none has ended yet; 0 when one has, since others may have."""
        return 0 if model in self._ended else len(self.running[model])

    async def expect(self, model: str, endpoint: str, input_seconds: float | None) -> polling.Estimate:
        """As :meth:`estimate`, on a thread, and once for all that ask at the same time."""
        loop, key = asyncio.get_running_loop(), (model, endpoint, input_seconds)
        until, known = self._known.get(key, (0.0, None))
        if known is None or loop.time() > until or known.get_loop() is not loop:
            known = loop.create_task(asyncio.to_thread(self.estimate, model, endpoint, input_seconds))
            self._known[key] = (loop.time() + _LIFETIME, known)
        return await asyncio.shield(known)  # of many that wait for it, one may be cancelled
