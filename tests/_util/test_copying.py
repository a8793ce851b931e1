"""Copies and pickles of what lives in this process, and of what does not; and jobs where futures are wanted."""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import dataclasses
import pickle
import ssl
from typing import Any

import httpx
import pandas as pd
import pytest

import decart_nb as dnb
from decart_nb import errors
from decart_nb.local.queue import LocalQueue
from tests.sweeping import alone, connected

pytestmark = pytest.mark.filterwarnings("ignore:lucy-.* is retired:decart_nb.ModelWarning")


@dataclasses.dataclass
class Shot:
    name: str
    held: Any


@pytest.fixture
def session(canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> dnb.Session:
    alone(monkeypatch)
    return connected(canned_queue)


@pytest.fixture
def job(session: dnb.Session) -> dnb.Job:
    return session.submit("lucy-pro-t2v", "a")


@pytest.fixture(params=["job", "sweep", "session", "client"])
def living(request: pytest.FixtureRequest, session: dnb.Session) -> Any:
    made = {
        "job": lambda: session.submit("lucy-pro-t2v", "a"),
        "sweep": lambda: session.sweep(model="lucy-pro-t2v", prompt=["a"]),
        "session": lambda: session,
        "client": lambda: dnb.DecartClient("dct_hidden"),
    }
    return made[request.param]()


def test_a_copy_of_what_lives_here_is_itself(living: Any) -> None:
    assert copy.copy(living) is living
    assert copy.deepcopy([living])[0] is living
    assert dataclasses.asdict(Shot("a", living))["held"] is living


def test_a_pickle_of_it_says_what_to_do_instead(living: Any) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(errors.NotPicklableError, match=r"decart_nb\.|DecartClient") as refused:
            pickle.dumps(Shot("a", [living]), protocol)
    assert isinstance(refused.value, TypeError)
    assert "\n" not in str(refused.value)
    assert "dct_" not in str(refused.value)


def test_the_sentence_about_a_job_names_its_id(job: dnb.Job) -> None:
    job.result(60)
    with pytest.raises(errors.NotPicklableError, match=f"attach.'{job.id}'"):
        pickle.dumps(job)


def test_a_clip_and_the_tables_come_back(session: dnb.Session, job: dnb.Job) -> None:
    clip = job.result(60)
    for again in (pickle.loads(pickle.dumps(clip)), copy.deepcopy(clip), copy.copy(clip)):
        assert dataclasses.asdict(again) == dataclasses.asdict(clip)
        assert again.poster().size == clip.poster().size
    sweep = session.sweep(model="lucy-pro-t2v", prompt=["a", "b"])
    plan = sweep.plan
    for table in (plan, sweep.run(), session.jobs()):
        for again in (pickle.loads(pickle.dumps(table)), copy.copy(table), copy.deepcopy(table)):
            pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(table))
            assert again.attrs == table.attrs
    assert repr(pickle.loads(pickle.dumps(plan))) == repr(plan)


_CAUSES = {
    "none": None,
    "ours": errors.MediaError("No."),
    "os": FileNotFoundError(2, "No such file", "a.mp4"),
    "ssl": ssl.SSLCertVerificationError(1, "bad"),
    "httpx": httpx.ConnectError("refused", request=httpx.Request("GET", "http://a")),
    "httpx status": httpx.HTTPStatusError("a", request=httpx.Request("GET", "http://a"), response=httpx.Response(500)),
    "with a lock": ValueError(asyncio.Lock(), lambda: 0),
}
_FAMILY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DecartSDKError)]
_GIVEN = {"ModelNotFoundError": ("lucy-9", ["lucy-2.5"]), "JobFailedError": ("j1", "out of paint")}


@pytest.mark.parametrize("kind", _FAMILY, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("cause", _CAUSES)
def test_an_error_keeps_all_that_it_has(kind: type[errors.DecartSDKError], cause: str) -> None:
    error = kind(*_GIVEN.get(kind.__name__, ("It went wrong.",)))
    error.message += " More of it."
    error.data |= {"status": 422, "fields": ["data"]}
    error.cause = _CAUSES[cause]
    vars(error)["_render_traceback_"] = lambda: [""]  # as a magic leaves it
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        kept = {name: value for name, value in vars(error).items() if name not in ("cause", "_render_traceback_")}
        assert {name: value for name, value in vars(again).items() if name != "cause"} == kept
        assert str(again) == error.message
        assert (again.cause is None) == (error.cause is None)
        assert str(error.cause) in str(again.cause) or cause == "with a lock"


def test_a_job_is_a_future_where_one_is_wanted(session: dnb.Session) -> None:
    jobs = [session.submit("lucy-pro-t2v", "a", seed=seed) for seed in range(3)]
    futures = [job.future() for job in jobs]
    done, waiting = concurrent.futures.wait(futures, 60)
    assert {future.result() for future in done} == {job.clip for job in jobs}
    assert not waiting
    assert jobs[0].future().result(0) is jobs[0].clip
    assert not futures[0].cancel()


def test_a_future_tells_what_went_wrong(session: dnb.Session) -> None:
    job = session.submit("lucy-pro-t2v", "a")
    future = job.future()
    job.cancel()
    with pytest.raises(errors.JobCancelledError):
        future.result(60)


def test_what_awaits_takes_jobs(session: dnb.Session) -> None:
    async def run() -> list[Any]:
        jobs = [session.submit("lucy-pro-t2v", "a", seed=seed) for seed in range(3)]
        first = await asyncio.wait_for(jobs[0], 60)
        both = await asyncio.gather(*jobs[1:])
        (done,), _ = await asyncio.wait([asyncio.ensure_future(jobs[0])])
        each = [await one for one in asyncio.as_completed(jobs)]
        return [first, *both, done.result(), await asyncio.shield(jobs[0]), *each]

    assert len({clip.job_id for clip in asyncio.run(run())}) == 3


@pytest.mark.parametrize("thing", ["job", "sweep"])
def test_what_takes_futures_alone_is_told_how(session: dnb.Session, thing: str) -> None:
    sweep = session.sweep(model="lucy-pro-t2v", prompt=["a"])
    one: Any = session.submit("lucy-pro-t2v", "a") if thing == "job" else sweep
    how = "job.future" if thing == "job" else "asyncio.ensure_future"
    with pytest.raises(errors.NotAFutureError, match=how):
        concurrent.futures.wait([one])
    with pytest.raises(errors.NotAFutureError, match=how):
        next(iter(concurrent.futures.as_completed([one])))

    async def wait() -> None:
        await asyncio.wait([one])

    with pytest.raises(errors.NotAFutureError, match=r"asyncio\.ensure_future"):
        asyncio.run(wait())
    assert not hasattr(one, "nothing_of_that_name")
