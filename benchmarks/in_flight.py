"""Measures CPU time per job with many jobs in flight, and jobs lost to failed polls, beside the official client.

Each client runs the same number of jobs at once on a canned local queue of its own: the official client and ours with
``submit_and_poll``, and a whole session with its store with ``submit`` and ``result``. Only the client's process is
measured. In the second part polls fail, in equal shares in six ways; submissions and downloads do not. A job is lost if
the caller does not get its video, although it is made and paid for. Run with ``python -m benchmarks.in_flight``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from decart_nb.local.faults import Faults

CLIENTS = ("official decart 0.2.4", "our client", "our session, with its store")
BAD = 0.02
WAYS = ("429", "500", "502", "503", "reset-after", "malformed")


class Figures(NamedTuple):
    """CPU ms per job, polls per job as counted by the queue, and the number of jobs without a video."""

    cpu: float
    polls: float
    lost: int


def main() -> None:
    import numpy as np

    from decart_nb import media
    from decart_nb.local.faults import Faults

    class OnPolls(Faults):
        """Faults that affect polls only."""

        def fault_for(self, call: Any, number: int) -> str | None:
            return super().fault_for(call, number) if call in ("early poll", "poll") else None

    with tempfile.TemporaryDirectory() as folder:
        canned = Path(folder, "canned.mp4")
        media.encode(np.zeros((10, 64, 64, 3), np.uint8), canned, fps=10)
        _head("300 jobs of 30 s in flight", "CPU ms a job", "to the official", "polls a job")
        first = 0.0
        for client in CLIENTS:
            cpu, polls, _ = _figures(client, canned, 300, 30.0)
            first = first or cpu
            print(f"| {client} | {cpu:.2f} | {cpu / first:.2f} | {polls:.1f} |", flush=True)
        bad = OnPolls(dict.fromkeys(WAYS, BAD / len(WAYS)), seed=1)
        _head(f"\n200 jobs of 3 s, {BAD:.0%} of the polls go wrong", "jobs lost", "polls a job")
        for client in CLIENTS:
            _, polls, lost = _figures(client, canned, 200, 3.0, bad)
            print(f"| {client} | {lost} | {polls:.1f} |", flush=True)


def _head(title: str, *columns: str) -> None:
    print(f"{title}\n\n| | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}", flush=True)


def _figures(client: str, canned: Path, jobs: int, seconds: float, faults: Faults | None = None) -> Figures:
    from decart_nb.local.queue import LocalQueue
    from tests.environments import environment

    official = client.startswith("official")
    python = environment("decart-0.2.4", "decart==0.2.4") if official else Path(sys.executable)
    durations = itertools.chain([0.0], itertools.repeat(seconds))  # the first job brings in what loads late
    # It stays until all clients have run: ext4 makes a file with more work while many were just deleted.
    folder = tempfile.mkdtemp(dir=canned.parent)
    with (
        LocalQueue(Path(folder, "queue"), canned=canned, draw_duration=lambda: next(durations), faults=faults) as queue,
    ):
        command = [str(python), __file__, client, queue.base_url, queue.api_key, str(canned), str(jobs)]
        elsewhere = {name: value for name, value in os.environ.items() if name != "DECART_BACKEND"}
        answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, env=elsewhere)
        cpu, ended = json.loads(answer.stdout.splitlines()[-1])
        return Figures(1000 * cpu / jobs, queue.jobs.stats.as_dict()["polls"] / (jobs + 1), jobs - ended)


async def _by_client(client: Any, model: Any, data: str, jobs: int) -> tuple[float, int]:
    """CPU seconds of all jobs, without imports and the opening of the client, and the number of completed jobs."""

    async def one() -> bool:
        result = await client.queue.submit_and_poll({"model": model, "prompt": "x", "data": data})
        return bool(result.status == "completed")

    async with client:
        await asyncio.gather(one(), return_exceptions=True)
        began = time.process_time()
        ends = await asyncio.gather(*(one() for _ in range(jobs)), return_exceptions=True)
        return time.process_time() - began, ends.count(True)


def _by_session(url: str, key: str, data: str, jobs: int) -> tuple[float, int]:
    """As :func:`_by_client`, for a session."""
    import decart_nb as dnb

    with dnb.connect("live", api_key=key, base_url=url) as session:
        session.submit("lucy-2.6", "x", data=data).result()  # another model, since it learns from what jobs took
        began = time.process_time()
        made = [session.submit("lucy-2.5", "x", data=data, seed=seed) for seed in range(jobs)]
        ended = 0
        for job in made:
            try:
                ended += job.result().path.exists()
            except dnb.DecartSDKError as error:
                print(error)
        return time.process_time() - began, ended


def _measured(name: str, url: str, key: str, data: str, jobs: str) -> tuple[float, int]:
    if name == CLIENTS[2]:
        return _by_session(url, key, data, int(jobs))
    if name == CLIENTS[1]:
        from decart_nb import DecartClient, models

        ours = DecartClient(key, url), models.video("lucy-2.5")
        return asyncio.run(_by_client(*ours, data, int(jobs)))
    import decart  # type: ignore[import-not-found]  # only where the official client is installed

    theirs = decart.DecartClient(api_key=key, base_url=url), decart.models.video("lucy-2.5")
    return asyncio.run(_by_client(*theirs, data, int(jobs)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_measured(*sys.argv[1:])))
    else:
        main()
