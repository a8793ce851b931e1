"""The local queue in a process that is forked, or that has no threads or file descriptors left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def ran(code: str, *arguments: object) -> list[str]:
    """The lines that a script prints, in a process of its own, which has nothing to complain of."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}  # it imports what tests share
    one = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=os.environ | path)
    assert (one.returncode, one.stderr) == (0, "")
    return one.stdout.splitlines()


_FORKED = """
import os, socket, sys, time
from pathlib import Path
from decart_nb.local.queue import LocalQueue
from tests.local.wire import followed, submitted, talk
folder, canned = Path(sys.argv[1]), Path(sys.argv[2])
queue = LocalQueue(folder, canned=canned).start()
caller = talk(queue)
job_id = submitted(caller)
told, tell = os.pipe()
child = os.fork()
if child == 0:
    queue.stop()  # a worker's clean-up
    print("child:", queue.running, flush=True)
    with LocalQueue(folder, canned=canned) as own, talk(own) as http:
        ends = followed(http, submitted(http))[-1], http.get(f"/v1/jobs/{job_id}").json()["status"]
        print("child:", own.port != queue.port, *ends, flush=True)
    os.write(tell, b".")
    time.sleep(60)
    os._exit(0)
os.close(tell)
try:
    time.sleep(0.1)
    assert followed(caller, submitted(caller))[-1] == "completed" and queue.running
    while queue.jobs.stats.counts["polls"] < 1:
        time.sleep(0.01)
    os.read(told, 1)
    other = socket.create_connection(("127.0.0.1", queue.port))
    queue.stop()
    # The child lives, and holds neither the port nor a connection open.
    print("parent:", other.recv(1), flush=True)
    with LocalQueue(folder, canned=canned, port=queue.port) as again, talk(again) as http:
        print("parent:", http.get("/stats").status_code, os.waitpid(child, os.WNOHANG), flush=True)
finally:
    os.kill(child, 9)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_serves_nothing_and_holds_nothing_open(tmp_path: Path, small_video: Path) -> None:
    lines = ran(_FORKED, tmp_path / "q", small_video)
    assert [line for line in lines if line.startswith("child")] == ["child: False", "child: True completed completed"]
    assert [line for line in lines if line.startswith("parent")] == ["parent: b''", "parent: 200 (0, 0)"]


_NO_DESCRIPTORS = """
import os, resource, socket, sys, threading
from pathlib import Path
from decart_nb.errors import LocalQueueError
from decart_nb.local.queue import LocalQueue
from tests.local.wire import talk
folder = Path(sys.argv[1])
def made():
    with LocalQueue(folder) as queue, talk(queue) as http:
        return http.get("/stats").status_code
made()  # imports what it needs
def standing():
    left = [path.name for part in ("owners", "staging") for path in (folder / part).iterdir()]
    return len(os.listdir("/proc/self/fd")), threading.active_count(), left
before = standing()
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
refused = 0
for more in range(12):
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[0] - 1 + more, most))
    try:
        LocalQueue(folder).start().stop()
    except LocalQueueError as error:
        refused += 1
        said = str(error)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    assert standing() == before, (more, standing(), before)
    assert str(folder) not in said
print(2 < refused < 12, made())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_without_descriptors_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    assert ran(_NO_DESCRIPTORS, tmp_path / "q") == ["True 200"]


_NO_THREADS = """
import resource, sys, threading
from pathlib import Path
from decart_nb.errors import LocalQueueError
from decart_nb.local.queue import LocalQueue
from decart_nb.local.worker import JobQueue
folder = Path(sys.argv[1])
with LocalQueue(folder):
    pass
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, resource.RLIM_INFINITY))
threading.stack_size(2**30)  # there is no room for even one
for canned in (None, Path(sys.argv[2])):  # the first needs threads at once, the second when it starts
    try:
        LocalQueue(folder, canned=canned).start()
    except LocalQueueError as error:
        print(error)
    print(threading.active_count(), list((folder / "owners").iterdir()), list((folder / "staging").iterdir()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="bounds the memory that threads take")
def test_without_threads_it_says_so_and_leaves_nothing(tmp_path: Path, small_video: Path) -> None:
    lines = ran(_NO_THREADS, tmp_path / "q", small_video)
    assert lines[1::2] == ["1 [] []"] * 2
    assert all(line.startswith("The local queue cannot start: can't start new thread.") for line in lines[::2])
