"""A server at which only so many jobs may be unfinished at once: it refuses all others with 429."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class LimitedAccount:
    """What the server knows.

    Args:
        limit: how many jobs may be unfinished at once.
        seconds: how long each job takes.
        video: what each job makes.

    Attributes:
        taken: how many submissions were taken.
        refused: how many were refused.
        url: where the server is.
    """

    def __init__(self, limit: int, seconds: float, video: bytes) -> None:
        self.limit, self.seconds, self.video = limit, seconds, video
        self.taken = self.refused = 0
        self.url = ""
        self._ends: list[float] = []
        self._lock = threading.Lock()

    def submit(self) -> tuple[int, dict[str, object]]:
        """A submission's answer."""
        with self._lock:
            now = time.monotonic()
            if sum(end > now for end in self._ends) >= self.limit:
                self.refused += 1
                return 429, {"detail": "Too many jobs are under way"}
            self._ends.append(now + self.seconds)
            self.taken += 1
            return 200, {"job_id": f"job-{len(self._ends) - 1}", "status": "pending"}

    def status(self, job_id: str) -> dict[str, object]:
        """A poll's answer."""
        ended = time.monotonic() >= self._ends[int(job_id.rpartition("-")[2])]
        return {"job_id": job_id, "status": "completed" if ended else "processing"}


@contextmanager
def limited(limit: int, seconds: float, video: Path) -> Iterator[LimitedAccount]:
    """Serves such an account on a loopback port."""
    account = LimitedAccount(limit, seconds, video.read_bytes())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, told = account.submit()
            self.answer(status, json.dumps(told).encode())

        def do_GET(self) -> None:
            if self.path.endswith("/content"):
                self.answer(200, account.video, "video/mp4")
            else:
                self.answer(200, json.dumps(account.status(self.path.rpartition("/")[2])).encode())

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    account.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()
