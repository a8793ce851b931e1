"""The local queue as a stranger sees it: over plain HTTP, and as a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from decart_nb.local.queue import LocalQueue

SCRIPT = Path(sys.executable).with_name("decart-nb")
ORDER = ["pending", "processing", "completed"]
PROMPT = {"prompt": "A harbour"}


def calling(base_url: str, key: str | None) -> httpx.Client:
    """A plain HTTP client that shows a key."""
    headers = {} if key is None else {"X-API-KEY": key}
    return httpx.Client(base_url=base_url, headers=headers, trust_env=False, timeout=20)


def talk(queue: LocalQueue) -> httpx.Client:
    """A plain HTTP client of a queue."""
    return calling(queue.base_url, queue.api_key)


def submitted(http: httpx.Client, model: str = "lucy-pro-t2v", **request: Any) -> str:
    """The id of a new job, by default of one that needs no file."""
    answer = http.post(f"/v1/jobs/{model}", **(request or {"data": PROMPT}))
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"job_id": answer.json()["job_id"], "status": "pending"}
    return answer.json()["job_id"]


def status(http: httpx.Client, job_id: str) -> str:
    """How a job stands."""
    answer = http.get(f"/v1/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["job_id"] == job_id
    return answer.json()["status"]


def followed(http: httpx.Client, job_id: str, *, limit: float = 30.0, until: str = "") -> list[str]:
    """The statuses that a job goes through, each once, until one of them or its end."""
    seen = [status(http, job_id)]
    end = time.monotonic() + limit
    while seen[-1] not in ("completed", "failed", until):
        assert time.monotonic() < end, f"{job_id} is {seen[-1]} after {limit} s"
        time.sleep(0.01)
        now = status(http, job_id)
        if now != seen[-1]:
            seen.append(now)
    return seen


@dataclass
class Served:
    """A ``decart-nb serve`` that listens: its process, its first line, its address."""

    process: subprocess.Popen[str]
    line: str
    base_url: str


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[Served]:
    """``decart-nb serve`` with these arguments, as a child process that ends with the block at the latest."""
    command = [str(SCRIPT), "serve", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield Served(process, line, line.partition("http")[1] + line.partition("http")[2].partition(";")[0])
        finally:
            process.kill()
