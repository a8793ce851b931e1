"""Threads, forks and scripts that end: what was asked for is not forgotten."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

import decart_nb as dnb
from decart_nb.local.queue import LocalQueue
from tests.scripted import serving, stall
from tests.sweeping import SHORT, T2V, connected, submitted, wait_until

pytestmark = [pytest.mark.usefixtures("alone"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]


def script(queue: LocalQueue, code: str) -> subprocess.CompletedProcess[str]:
    """What a script that takes a queue for Decart says, and its exit status."""
    begin = f"""
    import warnings
    import decart_nb as dnb
    warnings.simplefilter("ignore")
    address = {{"api_key": {queue.api_key!r}, "base_url": {queue.base_url!r}}}
    session = dnb.connect("live", **address, prices={{"{T2V}": 0.04}}, polling=dnb.{SHORT})
    """
    environment = {name: value for name, value in os.environ.items() if name != "DECART_BACKEND"}
    return subprocess.run(  # noqa: PLW1510 - whoever calls looks at its status
        [sys.executable, "-c", textwrap.dedent(begin) + textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_each_thread_gets_the_session_that_it_asked_for(canned_queue, tmp_path) -> None:
    def connect(number: int) -> tuple[str, str]:
        store = f"store{number % 7}"
        return store, connected(canned_queue, store=store).store.name

    with ThreadPoolExecutor(16) as threads:
        assert all(asked == got for asked, got in threads.map(connect, range(200)))


def test_a_fork_taken_while_others_write_can_write_itself(canned_queue) -> None:
    session = connected(canned_queue)
    # A fork while another thread imports would wait for its lock: what is loaded late is loaded by a first submission.
    session.submit(T2V, "first").result(30)
    stop = threading.Event()

    def write(seeds: int) -> None:
        while not stop.is_set():
            session.submit(T2V, "x", seed=seeds).result(30)
            seeds += 1

    writers = [threading.Thread(target=write, args=(number * 10_000,)) for number in range(4)]
    for writer in writers:
        writer.start()
    children = []
    for number in range(6):
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                session.submit(T2V, "in the child", seed=number).result(40)
                os._exit(0)
            os._exit(1)
        children.append(child)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    stop.set()
    for writer in writers:
        writer.join(60)
    assert ends == [0] * 6
    session.submit(T2V, "in the parent").result(30)


def test_a_job_imports_nothing_on_another_thread_which_a_fork_would_wait_for(canned_queue) -> None:
    code = "job = dnb.submit('lucy-pro-t2v', 'x'); known = set(sys.modules); job.result(60)"
    done = script(canned_queue, f"import sys; {code}; print(sorted(set(sys.modules) - known))")
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_a_script_has_asked_for_is_not_forgotten_at_its_end(slow_queue) -> None:
    done = script(slow_queue, "for seed in range(3): dnb.submit('lucy-pro-t2v', 'x', seed=seed)")
    assert done.returncode == 0
    assert submitted(slow_queue) == 3
    assert "3 jobs under way" in done.stderr
    session = connected(slow_queue)
    ids = set(session.jobs()["job_id"])
    assert len(ids) == 3
    assert any(f"decart_nb.attach('{one}')" in done.stderr for one in ids)
    assert {session.generate(T2V, "x", seed=seed).job_id for seed in range(3)} == ids
    assert submitted(slow_queue) == 3


def test_what_a_script_could_not_submit_is_known_and_goes_on(canned_queue) -> None:
    connected(canned_queue)
    canned_queue.stop()
    done = script(canned_queue, "job = dnb.submit('lucy-pro-t2v', 'x'); print(job.status)")
    assert done.returncode == 0
    assert "1 job not submitted yet" in done.stderr
    assert list(dnb.jobs()["status"]) == ["planned"]


def test_an_input_that_is_still_to_be_fetched_is_written_down_too(canned_queue) -> None:
    done = script(
        canned_queue,
        """
        job = dnb.submit("lucy-2.5", "x", data="http://127.0.0.1:1/clip.mp4?token=abc")
        print(len(session.jobs()), job.recorded)
        """,
    )
    assert done.stdout.split() == ["1", "True"]
    session = connected(canned_queue)
    (row,) = session.jobs().to_dict("records")
    assert (row["status"], row["prompt"], row["data"]) == ("planned", "x", "clip.mp4")
    job = session.submit("lucy-2.5", "x", data="http://127.0.0.1:1/clip.mp4?token=abc")
    assert len(session.jobs()) == 1  # it is taken over
    job.cancel()


def test_a_sweep_that_was_started_is_found_after_the_script_has_ended(slow_queue, small_video) -> None:
    done = script(
        slow_queue, f"dnb.sweep(model='lucy-2.5', prompt=['a', 'b'], data={str(small_video)!r}, name='s').start()"
    )
    assert done.returncode == 0
    session = connected(slow_queue)
    assert session.sweep.load("s").run()["status"].eq("completed").all()
    assert submitted(slow_queue) == 2


def test_a_file_that_is_overwritten_after_start_has_returned_is_sent_as_it_was(slow_queue, small_video) -> None:
    work = Path("in.mp4")
    work.write_bytes(small_video.read_bytes())
    sweep = connected(slow_queue).sweep(model="lucy-2.5", prompt=["a", "b"], data="in.mp4").start()
    work.write_bytes(b"something else")
    wait_until(lambda: sweep.over)
    assert sweep.results["status"].eq("completed").all()


@pytest.mark.parametrize("seconds", [-3600.0, 86400.0])
def test_durations_do_not_go_by_the_wall_clock(slow_queue, seconds) -> None:
    done = script(
        slow_queue,
        f"""
        import time
        job, real = dnb.submit("{T2V}", "x"), time.time
        while job.id is None:
            time.sleep(0.01)
        time.time = lambda: real() + {seconds}
        clip = job.result(30)
        took = [took for took, _ in session.runner.store.durations("{T2V}", session.runner.endpoint)]
        print(dnb.provenance(clip)["seconds"], *took)
        """,
    )
    assert done.returncode == 0, done.stderr
    told = [float(word) for word in done.stdout.split()[-2:]]
    assert all(0 <= one < 30 for one in told)


def test_a_script_whose_submission_hangs_ends_and_says_what_it_does_not_know(tmp_path) -> None:
    with serving(stall) as server:
        queue = SimpleNamespace(api_key="key_of_a_test", base_url=server.url)
        began = time.monotonic()
        done = script(queue, "for _ in range(3): dnb.submit('lucy-pro-t2v', 'x', fresh=True)")
        assert done.returncode == 0
        assert "perhaps submitted, since no answer has come" in done.stderr
        assert time.monotonic() - began < 40


def test_a_fork_connects_while_the_parent_does(canned_queue, tmp_path) -> None:
    connected(canned_queue, store=tmp_path / "store0")  # which imports what others would wait for
    stop = threading.Event()

    def connect() -> None:
        number = 0
        while not stop.is_set():
            connected(canned_queue, store=tmp_path / f"store{number % 5}")
            number += 1

    thread = threading.Thread(target=connect)
    thread.start()
    children = []
    for number in range(6):
        time.sleep(0.01)
        child = os.fork()
        if not child:
            signal.alarm(30)
            with contextlib.suppress(BaseException):
                connected(canned_queue, store=tmp_path / "child").submit(T2V, "x", seed=number).result(25)
                os._exit(0)
            os._exit(1)
        children.append(child)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    stop.set()
    thread.join(60)
    assert ends == [0] * 6
