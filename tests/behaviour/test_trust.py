"""What is asked for is not lost, and not paid twice, whatever happens to the store, the process and the connection."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.local.faults import Faults, FaultSchedule
from decart_nb.local.queue import LocalQueue
from decart_nb.session.session import Session
from decart_nb.store.job_row import Record
from tests import sweeping
from tests.sweeping import T2V, connected, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeping.alone(monkeypatch)


@pytest.fixture
def slow_queue(tmp_path: Path, small_video: Path) -> Iterator[LocalQueue]:
    """A queue whose jobs take a second."""
    with LocalQueue(tmp_path / "slow", canned=small_video, draw_duration=lambda: 1.0) as queue:
        yield queue


def taken(queue: LocalQueue) -> int:
    return sweeping.submitted(queue)


def script(queue: LocalQueue, code: str) -> subprocess.CompletedProcess[str]:
    """What a script that takes a queue for Decart says, and its exit status."""
    begin = f"""
    import warnings
    import decart_nb as dnb
    warnings.simplefilter("ignore")
    session = dnb.connect("live", api_key={queue.api_key!r}, base_url={queue.base_url!r}, prices={{"{T2V}": 0.04}})
    """
    environment = {name: value for name, value in os.environ.items() if name != "DECART_BACKEND"}
    return subprocess.run(  # noqa: PLW1510 - whoever calls looks at its status
        [sys.executable, "-c", textwrap.dedent(begin) + textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


# The store goes while jobs are under way.


def _moved(store: Path) -> None:
    store.rename(store.parent / "elsewhere")


def _without_its_database(store: Path) -> None:
    for path in store.glob("store.sqlite3*"):
        path.unlink()


def _restored(store: Path) -> None:
    """An older copy takes its place."""
    shutil.rmtree(store)
    (store.parent / "backup").rename(store)


@pytest.mark.parametrize("go", [shutil.rmtree, _moved, _without_its_database, _restored], ids=lambda go: go.__name__)
def test_a_store_that_goes_midway_comes_back_with_the_jobs_that_are_under_way(slow_queue, go, tmp_path) -> None:
    session = connected(slow_queue)
    session.generate(T2V, "before")
    backup = tmp_path / "backup"
    shutil.copytree(session.store, backup)
    jobs = [session.submit(T2V, f"request {number}") for number in range(4)]
    wait_until(lambda: all(job.id for job in jobs))
    go(session.store)
    more = [session.submit(T2V, f"request {number}") for number in range(6)]  # four of them again
    for number, job in enumerate([*jobs, *more]):
        assert f"request-{number % len(jobs) if job in jobs else number - len(jobs)}" in job.result(30).path.name
    assert taken(slow_queue) == 7
    for number in range(6):
        assert f"request-{number}" in session.generate(T2V, f"request {number}").path.name
    assert taken(slow_queue) == 7
    for row in session.jobs().itertuples():
        assert row.prompt.replace(" ", "-") in str(row.path)


def test_a_store_that_went_is_begun_anew_by_whatever_comes_next(canned_queue, small_video) -> None:
    session = connected(canned_queue)
    for follow in (session.jobs, lambda: None, lambda: connected(canned_queue)):
        session.generate("lucy-2.5", "a", data=small_video)
        shutil.rmtree(session.store)
        follow()
    assert session.generate("lucy-2.5", "b", data=small_video).path.exists()
    assert session.prune(older_than=0).shape[0] == 1


# The same process, in several threads; and others.


def test_each_thread_gets_the_session_that_it_asked_for(canned_queue, tmp_path) -> None:
    def connect(number: int) -> tuple[str, str]:
        store = f"store{number % 7}"
        return store, connected(canned_queue, store=store).store.name

    with ThreadPoolExecutor(16) as threads:
        assert all(asked == got for asked, got in threads.map(connect, range(200)))


def test_a_fork_taken_while_others_write_can_write_itself(canned_queue) -> None:
    session = connected(canned_queue)
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


# A script that ends.


def test_what_a_script_has_asked_for_is_not_forgotten_at_its_end(slow_queue) -> None:
    done = script(slow_queue, "for seed in range(3): dnb.submit('lucy-pro-t2v', 'x', seed=seed)")
    assert done.returncode == 0
    assert taken(slow_queue) == 3
    assert "3 jobs are under way" in done.stderr
    session = connected(slow_queue)
    ids = set(session.jobs()["job_id"])
    assert len(ids) == 3
    assert any(f"decart_nb.attach('{one}')" in done.stderr for one in ids)
    assert {session.generate(T2V, "x", seed=seed).job_id for seed in range(3)} == ids
    assert taken(slow_queue) == 3


def test_what_a_script_could_not_submit_is_known_and_goes_on(canned_queue) -> None:
    connected(canned_queue)
    canned_queue.stop()
    done = script(canned_queue, "job = dnb.submit('lucy-pro-t2v', 'x'); print(job.status)")
    assert done.returncode == 0
    assert "1 job is not submitted yet" in done.stderr
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
    assert taken(slow_queue) == 2


def test_a_file_that_is_overwritten_after_start_has_returned_is_sent_as_it_was(slow_queue, small_video) -> None:
    work = Path("in.mp4")
    work.write_bytes(small_video.read_bytes())
    sweep = connected(slow_queue).sweep(model="lucy-2.5", prompt=["a", "b"], data="in.mp4").start()
    work.write_bytes(b"something else")
    wait_until(lambda: sweep.over)
    assert sweep.results["status"].eq("completed").all()


# The cap.


def test_a_sample_of_a_named_sweep_spends_its_budget(canned_queue) -> None:
    sweep = connected(canned_queue).sweep(model=T2V, prompt="x", seed=range(20), name="budget")
    sample = sweep.sample(10, seed=1)
    assert sample.name != sweep.name
    assert sample.run(max_cost=0.5)["status"].eq("completed").sum() == 2
    assert sweep.run(max_cost=0.5)["status"].eq("completed").sum() == 2
    assert taken(canned_queue) == 2
    assert dnb.sweep.load(sample.name).results["status"].eq("completed").sum() == 2


@pytest.mark.parametrize("asked", ["lucy-latest", "lucy-2.5"])
@pytest.mark.parametrize("priced", ["lucy-latest", "lucy-2.5"])
def test_a_price_holds_for_all_names_of_a_model(canned_queue, small_video, asked, priced) -> None:
    session = connected(canned_queue, prices={priced: 0.5})
    plan = session.sweep(model=asked, prompt="x", data=small_video).plan
    assert plan["cost"][0] == pytest.approx(0.5)
    assert session.generate(asked, "x", data=small_video).cost == pytest.approx(0.5)


def test_the_price_of_an_old_name_holds_for_its_successor_and_the_name_itself_comes_first(canned_queue) -> None:
    session = connected(canned_queue, prices={"lucy-pro-v2v": 0.5, "lucy-clip": 0.7})
    assert session._runner.price(dnb.models.video("lucy-pro-v2v")) == 0.5
    assert session._runner.price(dnb.models.video("lucy-clip")) == 0.7
    assert session._runner.price(dnb.models.video("lucy-clip-latest")) == 0.7
    assert session._runner.price(dnb.models.video("lucy-restyle-2")) == 0.01


def test_a_price_of_an_unknown_name_is_warned_of(canned_queue) -> None:
    with pytest.warns(dnb.ModelWarning, match="lucy-25, which no table of models lists. Did you mean lucy-2.5"):
        connected(canned_queue, prices={"lucy-25": 1.0})


def test_an_input_that_makes_more_than_expected_counts_for_that_in_the_rows_that_follow(
    canned_queue, small_video
) -> None:
    # The model says that it makes a hundredth of a second, and makes one.
    own = dnb.ModelDefinition(
        name="lucy-9", width=64, height=48, fps=10, seconds=0.01, prices={"720p": 1.0}, url_path="/v1/jobs/lucy-2.5"
    )
    sweep = connected(canned_queue, prices={}).sweep(model=own, prompt=[str(n) for n in range(9)], data=small_video)
    table = sweep.run(max_cost=2.0, concurrency=1)
    assert table["status"].eq("completed").sum() == 2
    assert sweep.progress.cost == pytest.approx(2.0)


def test_nothing_is_submitted_after_cancel_has_returned(canned_queue) -> None:
    session = connected(canned_queue)
    for number in range(10):
        before = taken(canned_queue)
        sweep = session.sweep(model=T2V, prompt=f"x{number}", seed=range(200)).start()
        while taken(canned_queue) == before:
            time.sleep(0.001)
        sweep.cancel()
        under_way = {job for job in sweep.progress.jobs if job._is_being_submitted or job.id}
        after = taken(canned_queue)
        while not sweep.over:
            time.sleep(0.001)
        assert taken(canned_queue) - after <= len(under_way)


# What has ended.


def test_a_video_that_the_service_no_longer_has_is_an_end_of_its_own(slow_queue) -> None:
    session = connected(slow_queue, patience=dnb.Patience(lag=0.0, first=0.05))
    slow_queue.jobs.canned, kept = Path("gone.mp4"), slow_queue.jobs.canned
    job = session.submit(T2V, "x")
    with pytest.raises(dnb.QueueResultError, match="fresh=True makes another take"):
        job.result(30)
    assert job.status == "expired"
    assert list(session.jobs()["status"]) == ["expired"]
    with pytest.raises(dnb.QueueResultError, match="fresh=True"):
        session.generate(T2V, "x")
    assert taken(slow_queue) == 1
    polls = slow_queue.jobs.stats.as_dict()["polls"]
    connected(slow_queue)
    assert slow_queue.jobs.stats.as_dict()["polls"] == polls  # nobody asks for it by himself
    sweep = session.sweep(model=T2V, prompt="x")
    assert sweep.plan["plan"].tolist() == ["failed"]
    assert sweep.run()["status"].tolist() == ["expired"]
    slow_queue.jobs.canned = kept
    assert session.attach(job.id).result(30).job_id == job.id  # whoever asks is answered
    assert taken(slow_queue) == 1


def test_an_expired_row_is_made_again_by_retry(slow_queue) -> None:
    session = connected(slow_queue, patience=dnb.Patience(lag=0.0, first=0.05))
    slow_queue.jobs.canned, kept = Path("gone.mp4"), slow_queue.jobs.canned
    sweep = session.sweep(model=T2V, prompt="x")
    assert sweep.run()["status"].tolist() == ["expired"]
    slow_queue.jobs.canned = kept
    assert sweep.run()["status"].tolist() == ["expired"]
    assert sweep.retry()["status"].tolist() == ["completed"]
    assert taken(slow_queue) == 2


def test_attaching_to_a_failed_job_tells_that_it_failed(canned_queue) -> None:
    session = connected(canned_queue)
    with sweeping.failing(canned_queue), pytest.raises(dnb.JobFailedError) as failed:
        session.generate(T2V, "x")
    for _ in range(2):
        with pytest.raises(dnb.JobFailedError, match=failed.value.job_id):
            session.attach(failed.value.job_id).result(10)
    assert list(session.jobs()["status"]) == ["failed"]


@pytest.mark.parametrize("job_id", ["0" * 32, "typed", "..", "a/b", "x y"])
def test_a_bad_id_leaves_nothing_behind(canned_queue, job_id) -> None:
    session = connected(canned_queue)
    with pytest.raises(dnb.DecartSDKError, match="knows no such job"):
        session.attach(job_id).result(10)
    assert session.jobs().empty


# The store cannot write.


def test_an_id_that_could_not_be_written_down_is_asked_for_and_not_paid_again(canned_queue) -> None:
    session = connected(canned_queue)
    session.generate(T2V, "first")
    with contextlib.closing(sqlite3.connect(session.store / "store.sqlite3")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE UPDATE OF job_id ON jobs BEGIN SELECT RAISE(ABORT, 'The disk is full'); END"
        )
        with pytest.raises(dnb.StoreError, match=r"The disk is full.*\n.*decart_nb.attach") as told:
            session.generate(T2V, "x")
        job_id = told.value.data["job_id"]
        assert job_id in told.value.message
        database.execute("DROP TRIGGER full")
    assert session.generate(T2V, "x").job_id == job_id
    assert session.attach(job_id).result(10).job_id == job_id
    assert session.generate(T2V, "x", resubmit_uncertain=True).job_id == job_id
    assert taken(canned_queue) == 2


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
        print(clip.seconds, *[took for took, _ in session._runner.store.durations("{T2V}", session._runner.endpoint)])
        """,
    )
    assert done.returncode == 0, done.stderr
    told = [float(word) for word in done.stdout.split()[-2:]]
    assert all(0 <= one < 30 for one in told)


def test_jobs_that_nobody_answers_for_do_not_hold_up_new_ones(canned_queue) -> None:
    session = connected(canned_queue)
    store = session._runner.store
    for number in range(300):
        record = Record(f"r{number}", session._runner.endpoint, "live", T2V, T2V, job_id=f"j{number}")
        record.status, record.submitted_at, record.ended_at = "unreachable", 1.0, float(number)
        store._jobs.insert(record)
    polls = canned_queue.jobs.stats.as_dict()["polls"]
    job = connected(canned_queue).submit(T2V, "x")
    job.result(20)
    assert canned_queue.jobs.stats.as_dict()["polls"] - polls < 10  # the forgotten ones were not polled before it
    wait_until(lambda: len(store.find(status="unreachable")) == 300 and not session._runner.at_work, 30)


def test_a_store_of_somebody_else_leads_nowhere(canned_queue, tmp_path) -> None:
    session = connected(canned_queue)
    session.generate(T2V, "x")
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("twelve years of work")
    with contextlib.closing(sqlite3.connect(session.store / "store.sqlite3")) as database:
        database.execute("UPDATE jobs SET path = '../thesis.tex', size_bytes = ?", [thesis.stat().st_size])
        database.commit()
    clip = session.generate(T2V, "x")
    assert clip.path.parent == session.store
    session.prune(older_than=0, delete=True)
    assert thesis.exists()


# Videos that cannot be decoded here.


def _of_another_codec(video: bytes) -> bytes:
    """The same MP4, whose picture says that it is of a codec that nobody has."""
    return video.replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC")


def _cut_short(video: bytes) -> bytes:
    return video[:-100]


@pytest.mark.parametrize("damage", [_of_another_codec, _cut_short], ids=lambda damage: damage.__name__.strip("_"))
def test_a_paid_video_that_cannot_be_decoded_here_is_kept(slow_queue, small_video, tmp_path, damage) -> None:
    odd = damage(small_video.read_bytes())
    slow_queue.jobs.canned = tmp_path / "odd.mp4"
    slow_queue.jobs.canned.write_bytes(odd)
    session = connected(slow_queue, patience=dnb.Patience(first=0.05, longest=0.1, download=5.0))
    clip = session.generate(T2V, "x")
    assert clip.path.read_bytes() == odd
    assert (clip.width, clip.duration) == (0, 0.0)
    (row,) = session.jobs().to_dict("records")
    assert row["status"] == "completed"
    assert "cannot be decoded here" in row["error"]
    with contextlib.suppress(dnb.MediaError):  # of one that is cut short, the beginning may be there
        clip.poster()
    assert "<Clip" in repr(clip)
    assert session.generate(T2V, "x").reused
    assert taken(slow_queue) == 1


def test_what_is_no_video_is_not_kept(slow_queue, tmp_path) -> None:
    slow_queue.jobs.canned = tmp_path / "page.mp4"
    slow_queue.jobs.canned.write_bytes(b"\x00\x01 nothing that anybody plays" * 100)
    session = connected(slow_queue, patience=dnb.Patience(first=0.05, longest=0.1, download=1.0))
    job = session.submit(T2V, "x")
    with pytest.raises(dnb.QueueResultError, match="no video"):
        job.result(30)
    assert job.status == "unreachable"


# What is being retried.


def test_what_is_retried_is_said_while_it_lasts(canned_queue) -> None:
    session = connected(canned_queue)
    address, key = (canned_queue.host, canned_queue.port), canned_queue.api_key
    canned_queue.stop()
    job = session.submit(T2V, "x")
    wait_until(lambda: job.retrying is not None)
    assert f"no connection to 127.0.0.1:{address[1]}" in job.retrying
    assert session.jobs()["error"][0] == job.retrying
    assert job.retrying in repr(job)
    with LocalQueue(Path("back"), host=address[0], port=address[1], api_key=key, canned=canned_queue.jobs.canned):
        job.result(30)
    assert job.retrying is None


@pytest.mark.parametrize(
    "definition", ["nonsense", "{}", "[]", '{"factors": 5}', '{"factors": [{"names": 1}]}', "[" * 9999]
)
def test_a_damaged_definition_of_a_sweep_is_a_sentence(canned_queue, definition) -> None:
    session = connected(canned_queue)
    session._runner.store.keep_sweep("s", definition)
    with pytest.raises(dnb.StoreError, match=r"is damaged\. Make the sweep anew"):
        session.sweep.load("s")


def test_a_damaged_schema_is_a_sentence(canned_queue) -> None:
    session = connected(canned_queue)
    session.generate(T2V, "x")
    path = session.store / "store.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damaged = path.read_bytes().replace(
        b"CREATE INDEX jobs_by_request ON jobs", b"CREATE INDEX jobs_by_request ON j\xffbs"
    )
    shutil.rmtree(session.store)
    session.store.mkdir()
    path.write_bytes(damaged)
    with pytest.raises(dnb.StoreError, match="database is damaged"):
        session.jobs()


@pytest.mark.parametrize("fault", ["429", "503"])
def test_what_is_refused_for_the_moment_keeps_its_part_of_the_budget(tmp_path, small_video, fault) -> None:
    with LocalQueue(tmp_path / "busy", canned=small_video, faults=Faults({fault: 1.0})) as queue:
        session = connected(queue, patience=dnb.Patience(submission=2.0, first=0.05, longest=0.1))
        sweep = session.sweep(model=T2V, prompt="x", seed=range(20), name="s")
        table = sweep.run(max_cost=0.5)
        assert table["status"].value_counts().to_dict() == {"planned": 18, "rejected": 2}
        assert queue.jobs.fault_schedule.call_counts["submission"] <= 2 * 4
        queue.jobs.fault_schedule = FaultSchedule(Faults())
        assert sweep.run(max_cost=0.5)["status"].eq("completed").sum() == 2
        assert taken(queue) == 2


def _opened(session: Session) -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208 - Linux's own


def test_what_was_replaced_is_closed(canned_queue) -> None:
    session = connected(canned_queue)
    session.generate(T2V, "x")
    before = _opened(session)
    for number in range(10):
        shutil.rmtree(session.store)
        session.generate(T2V, f"x{number}")
    assert _opened(session) <= before + 3
