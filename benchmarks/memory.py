"""Measures the peak memory of transfers over the idle process, beside the official client.

Each client downloads 50 videos of 20 MiB at once, and submits 50 jobs with one file of 20 MiB at once; the server is a
separate process. The idle process has made one such call of each kind with a small file, so that the memory of imports
is not counted. Run with ``python -m benchmarks.memory``.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MIB = 2**20
COUNT = 50
SIZE = 20 * MIB
LIMIT = 25
CLIENTS = ("decart_nb", "official decart 0.2.4")
#: The official client has no call for the first.
WAYS = ("downloads to files", "downloads to memory", "uploads of one file")


def main() -> None:
    from tests.environments import environment

    peer = environment("decart-0.2.4", "decart==0.2.4")
    print(f"{COUNT} at once of {SIZE // MIB} MiB: peak MiB over idle (ours, to files and of one file: at most {LIMIT})")
    print(f"{'':24}" + "".join(f"{way:>22}" for way in WAYS))
    command = [sys.executable, "-m", "benchmarks.memory", "serve"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.stdout
        url = server.stdout.readline().strip()
        for size in (MIB, SIZE):
            _make_video(Path(folder, f"{size}.mp4"), size)
        try:
            for client in CLIENTS:
                python = peer if client.startswith("official") else Path(sys.executable)
                figures = []
                for way in WAYS:
                    child = [str(python), __file__, client, way, url, folder]
                    answer = subprocess.run(child, check=True, capture_output=True, text=True)
                    figures.append(answer.stdout.strip())
                print(f"{client:24}" + "".join(f"{figure:>22}" for figure in figures))
        finally:
            server.terminate()


def _make_video(path: Path, size: int) -> None:
    """Make a video of exactly so many bytes: what its frames do not need is in a box that players skip."""
    import numpy as np

    from decart_nb import media

    media.encode(np.zeros((10, 64, 64, 3), np.uint8), path, fps=10)
    with path.open("r+b") as stream:
        stream.write(struct.pack(">I4s", size - stream.seek(0, 2), b"free"))
        stream.truncate(size)


async def _measured(client_name: str, way: str, url: str, folder: str) -> str:
    client, model = _client(client_name, url)
    if not hasattr(client.queue, "download") and way == WAYS[0]:
        return "-"

    async def one(size: int, number: int = 0) -> None:
        if way == WAYS[0]:
            await client.queue.download(f"{size}-{number}", Path(folder, f"{number}.mp4"))
        elif way == WAYS[1]:
            kept.append(await client.queue.result(f"{size}-{number}"))
        else:
            await client.queue.submit({"model": model, "prompt": "x", "data": Path(folder, f"{size}.mp4")})

    kept: list[bytes] = []
    async with client:
        await one(MIB)
        _reset_peak()
        idle = _memory("VmRSS")
        await asyncio.gather(*(one(SIZE, number) for number in range(COUNT)))
        return f"{_memory('VmHWM') - idle:.1f}"


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _memory(name: str) -> float:
    """A value of ``/proc/self/status``, in MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def _client(name: str, url: str) -> tuple[Any, Any]:
    if name.startswith("official"):
        import decart  # type: ignore[import-not-found]  # only where the official client is installed

        return decart.DecartClient(api_key="dct_x", base_url=url), decart.models.video("lucy-2.5")
    from decart_nb import DecartClient, models

    return DecartClient("dct_x", url), models.video("lucy-2.5")


async def _serve() -> None:
    """Serve any GET with as many bytes as the job's id says, and any POST with a job."""
    chunk = bytes(2**16)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                if head.startswith("POST"):
                    await _discard_body(reader, head.lower())
                    body = b'{"job_id": "1", "status": "pending"}'
                    kind = b"application/json"
                    length, chunks = len(body), iter([body])
                else:
                    found = re.search(r"/jobs/(\d+)-", head)
                    assert found
                    length, kind = int(found[1]), b"video/mp4"
                    chunks = iter([chunk] * (length // len(chunk)))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (kind, length))
                for part in chunks:
                    writer.write(part)
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


async def _discard_body(reader: asyncio.StreamReader, head: str) -> None:
    """Read a request's body, with Content-Length or chunked."""
    if length := re.search(r"content-length: (\d+)", head):
        left = int(length[1])
        while left:
            left -= len(await reader.read(min(left, 2**16)))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            asyncio.run(_serve())
        case [client, way, url, folder]:
            print(asyncio.run(_measured(client, way, url, folder)))
        case _:
            main()
