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
        self._ends: Counter[str] = Counter()
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

    def ended(self, model: str) -> bool:
        """A job of a model has ended: as long as there were few, each tells much.

        Returns:
            Whether it is the first one, so that the other jobs under way are polled at other times now.
        """
        self._ends[model] += 1
        if self._ends[model] <= _FEW:
            self._known = {key: known for key, known in self._known.items() if key[0] != model}
        return self._ends[model] == 1

    async def expect(self, model: str, endpoint: str, input_seconds: float | None) -> polling.Estimate:
        """As :meth:`estimate`, on a thread, and once for all that ask at the same time."""
        loop, key = asyncio.get_running_loop(), (model, endpoint, input_seconds)
        until, known = self._known.get(key, (0.0, None))
        if known is None or loop.time() > until or known.get_loop() is not loop:
            known = loop.create_task(asyncio.to_thread(self.estimate, model, endpoint, input_seconds))
            self._known[key] = (loop.time() + _LIFETIME, known)
        return await known
