"""Measures CPU time per job of httpx engines with many jobs in flight, beside the official client.

Each engine drives the same number of jobs, all at once, against a canned local queue in a separate process: submit,
poll every 1.5 s, fetch. Run with ``python -m benchmarks.engine``.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

JOBS = 300
SECONDS = 3.0
ROUNDS = 3
ENGINES = ("official decart 0.2.4", "httpx's own pool", "httpx's own pool, 16 connections", "httpx on aiohttp")


def main() -> None:
    import numpy as np

    from decart_nb import media
    from decart_nb.local.queue import LocalQueue
    from tests.environments import environment

    peer = environment("decart-0.2.4", "decart==0.2.4")
    with tempfile.TemporaryDirectory() as folder:
        canned = Path(folder, "canned.mp4")
        media.encode(np.zeros((10, 64, 64, 3), np.uint8), canned, fps=10)
        with LocalQueue(Path(folder), canned=canned, draw_duration=lambda: SECONDS) as queue:
            cpu: dict[str, list[float]] = {engine: [] for engine in ENGINES}
            for _ in range(ROUNDS):
                for engine in ENGINES:
                    python = peer if engine.startswith("official") else Path(sys.executable)
                    command = [str(python), __file__, engine, queue.base_url, queue.api_key, str(canned)]
                    answer = subprocess.run(command, check=True, capture_output=True, text=True)
                    cpu[engine].append(float(answer.stdout))
    medians = {engine: statistics.median(figures) for engine, figures in cpu.items()}
    print(f"{JOBS} jobs of {SECONDS:g} s at once, median of {ROUNDS}: CPU ms a job, its ratio to the official client")
    for engine, median in medians.items():
        print(f"{engine:34} {1000 * median:7.2f} {median / medians[ENGINES[0]]:6.2f}")


async def _drive(engine: str, url: str, key: str, data: str) -> float:
    """CPU seconds per job, without imports and the opening of the client."""
    client, model = _client(engine, url, key)

    async def one() -> None:
        result = await client.queue.submit_and_poll({"model": model, "prompt": "x", "data": data})
        assert result.status == "completed"

    async with client:
        await one()  # brings in what loads late
        began = time.process_time()
        await asyncio.gather(*(one() for _ in range(JOBS)))
        return (time.process_time() - began) / JOBS


def _client(engine: str, url: str, key: str) -> tuple[Any, Any]:
    if engine.startswith("official"):
        import decart  # type: ignore[import-not-found]  # only where the official client is installed

        return decart.DecartClient(api_key=key, base_url=url), decart.models.video("lucy-2.5")
    import httpx

    from decart_nb import DecartClient, models

    transport = None  # the client's own choice: httpx on aiohttp
    if engine.startswith("httpx's own pool"):
        connections = 16 if engine.endswith("16 connections") else None
        transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=connections))
    return DecartClient(key, url, transport=transport), models.video("lucy-2.5")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(asyncio.run(_drive(*sys.argv[1:])))
    else:
        main()
