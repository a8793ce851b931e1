"""The poll scheduler: which job is polled when under one rate limit, and how a wait handles failures."""

from __future__ import annotations

import asyncio
import random

import httpx
import pytest

from decart_nb import DecartClient, JobTimeoutError, QueueStatusError
from decart_nb.client.duration_estimate import JOB_TIMEOUT, Estimate
from decart_nb.client.poll_scheduler import PollScheduler
from decart_nb.client.polling import LIVE
from decart_nb.client.responses import JobStatusResponse
from tests.simulated import SimulatedLoop, simulated
from tests.simulated_queue import USUAL, SimulatedQueue, lognormal, many, one, raising, refused


def test_a_job_is_polled_when_its_estimate_says_so() -> None:
    queue = SimulatedQueue({"a": 40.0})
    one(queue)
    due, times = 0.0, []
    while due < 40:
        due += USUAL.gap(due)
        times.append(due)
    assert queue.polls["a"] == pytest.approx(times)


def test_an_end_is_told_to_lie_between_the_last_two_polls() -> None:
    queue = SimulatedQueue({"a": 40.0})
    end = one(queue)
    before, last = queue.polls["a"][-2:]
    assert (end.status, end.seconds) == ("completed", pytest.approx((before + last) / 2))


def test_who_waits_for_the_beginning_of_a_job_looks_every_two_seconds_until_it_is_there() -> None:
    queue = SimulatedQueue({"a": 40.0})
    one(queue, eager=lambda: asyncio.get_running_loop().time() < 5)
    assert queue.polls["a"][:3] == pytest.approx([2.0, 4.0, 6.0])
    assert queue.polls["a"][3] == pytest.approx(6 + USUAL.gap(6))


def test_a_pause_after_a_poll_that_failed_is_not_cut_short() -> None:
    queue = SimulatedQueue({"a": 40.0}, raising(refused(429, retry_after=12.0), times=1))
    one(queue, eager=lambda: True)
    first, second, *_ = queue.polls["a"]
    assert first == 2.0
    assert second >= 14


def test_what_is_learned_meanwhile_says_when_to_ask_again() -> None:
    queue, patient = SimulatedQueue({"a": 100.0}), Estimate.around(90.0, 0.1)

    async def expect() -> Estimate:
        return USUAL if asyncio.get_running_loop().time() < 20 else patient

    one(queue, re_estimate=expect)
    first = USUAL.gap(0)
    second = first + USUAL.gap(first)
    assert queue.polls["a"][:3] == pytest.approx([first, second, second + patient.gap(second)])
    assert first < 20 < second


def test_what_was_not_submitted_just_now_is_asked_at_once_and_its_seconds_may_be_unknown() -> None:
    queue = SimulatedQueue({"a": 0.0})
    assert one(queue, age=25.0, just_submitted=False).seconds is None
    assert queue.times == [0.0]
    queue = SimulatedQueue({"a": 5.0})
    assert one(queue, age=25.0, just_submitted=False).seconds == pytest.approx(30, abs=2)


def test_the_time_of_an_end_after_a_failed_poll_is_unknown() -> None:
    queue = SimulatedQueue({"a": 1.0}, raising(refused(500), times=1))
    assert one(queue).seconds is None


def test_each_answer_is_told_and_an_unknown_status_keeps_the_wait_going() -> None:
    words = iter(["pending", "in_review", "processing", "failed"])
    told: list[str] = []

    async def ask(job_id: str) -> JobStatusResponse:
        return JobStatusResponse(job_id, next(words), "too dark")

    end = simulated(PollScheduler(ask).wait("a", USUAL, on_status_change=lambda status: told.append(status.status)))
    assert (end.status, end.reason) == ("failed", "too dark")
    assert told == ["pending", "in_review", "processing", "failed"]


@pytest.mark.parametrize("jobs", [1, 40, 400])
@pytest.mark.parametrize("budget", [5.0, 50.0])
def test_no_more_is_asked_than_the_budget_has_and_no_job_more_often_than_its_floor(jobs: int, budget: float) -> None:
    queue = SimulatedQueue(lognormal(jobs))
    many(queue, budget=budget)
    assert queue.least_gap() >= USUAL.floor - 1e-9
    # Those that found a job at its end are as many as there are jobs, and are not counted.
    times = sorted(time for polls in queue.polls.values() for time in polls[:-1])
    for begin, time in enumerate(times):
        within = sum(1 for later in times[begin:] if later < time + 1 - 1e-9)
        assert within <= 1.2 * budget  # the first of a group may come right after a single one


def test_jobs_that_have_ended_are_found_as_fast_as_the_queue_answers() -> None:
    queue = SimulatedQueue(dict.fromkeys(map(str, range(400)), 0.0))
    many(queue, budget=20.0)
    assert queue.times[-1] - queue.times[0] < 2.0


def test_with_budget_enough_many_jobs_are_polled_like_one() -> None:
    queue = SimulatedQueue(lognormal(300))
    late = many(queue, budget=1e6)
    assert sum(late) / 300 < 0.85
    assert len(queue.times) / 300 < 10


def test_jobs_whose_turns_are_near_are_polled_together() -> None:
    queue = SimulatedQueue(lognormal(300))
    many(queue, budget=1e6)
    assert len(set(queue.times)) < len(queue.times) / 4
    assert queue.least_gap() >= USUAL.floor - 1e-9


def test_who_was_told_when_to_ask_again_does_not_go_along_with_others_before() -> None:
    queue = SimulatedQueue({"a": 60.0, **dict.fromkeys(map(str, range(50)), 60.0)})
    refusal = refused(503, retry_after=20.0)

    def wrong(job_id: str) -> None:
        if job_id == "a" and len(queue.polls["a"]) == 1:
            raise refusal

    queue.wrong = wrong
    many(queue)
    first, second, *_ = queue.polls["a"]
    assert second - first >= 20.0


def test_under_a_tight_budget_no_job_is_forgotten() -> None:
    queue = SimulatedQueue(lognormal(300))
    late = many(queue, budget=20.0)
    assert len(queue.times) < 300 * 4
    assert sum(late) / 300 < 8
    assert max(late) < 30


def test_a_poll_that_takes_long_holds_up_no_other_job_and_is_made_again() -> None:
    queue = SimulatedQueue({"a": 20.0, "b": 30.0})

    async def lost() -> None:
        await asyncio.sleep(20.0)
        raise refused()

    queue.wrong = lambda job_id: lost() if job_id == "a" and len(queue.polls["a"]) == 1 else None
    late_a, late_b = many(queue)
    assert late_b < 3
    assert late_a < 45
    assert len(queue.polls["a"]) >= 2


class Silence(httpx.AsyncBaseTransport):
    """A server that never answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        raise AssertionError


def test_nobody_waits_for_an_answer_of_a_few_bytes_as_long_as_for_a_video() -> None:
    async def waited() -> float:
        client = DecartClient(api_key="key", transport=Silence())
        with pytest.raises(QueueStatusError, match="took too long"):
            await client.queue.status("a")
        return asyncio.get_running_loop().time()

    assert simulated(waited()) == pytest.approx(20.0, abs=0.1)


PASSING = [
    refused(),
    refused(404),
    refused(408),
    refused(429),
    refused(429, retry_after=3.0),
    refused(500),
    refused(503, retry_after=1.0),
    refused(200, readable=False),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: str(error.data))
def test_failures_that_may_pass_fail_nothing_and_come_at_growing_intervals(error: QueueStatusError) -> None:
    queue = SimulatedQueue({"a": 0.0}, raising(error, times=5))
    assert one(queue, estimate=Estimate.around(3.0, 0.3)).status == "completed"
    times = queue.polls["a"]
    assert len(times) == 6
    assert queue.least_gap() >= 1
    assert times[-1] - times[-2] >= error.data.get("retry_after", 5)


def test_an_outage_is_survived_and_does_not_hammer() -> None:
    def wrong(job_id: str) -> None:
        if asyncio.get_running_loop().time() < 500:
            raise refused()

    queue = SimulatedQueue({"a": 30.0}, wrong)
    assert one(queue).status == "completed"
    assert queue.times[-1] < 540
    assert len(queue.times) < 50


@pytest.mark.parametrize("status", [400, 401, 403, 410, 422])
def test_a_refusal_that_will_not_pass_is_raised_at_once(status: int) -> None:
    queue = SimulatedQueue({"a": 9.0}, raising(refused(status)))
    with pytest.raises(QueueStatusError):
        one(queue)
    assert len(queue.times) == 1


@pytest.mark.parametrize(("age", "fresh"), [(45.0, True), (0.0, False)])
def test_a_404_is_final_unless_the_job_was_submitted_just_now(age: float, fresh: bool) -> None:
    queue = SimulatedQueue({"a": 9.0}, raising(refused(404)))
    with pytest.raises(QueueStatusError):
        one(queue, age=age, just_submitted=fresh)
    assert len(queue.times) == 1


def test_a_job_is_not_polled_before_the_server_wants_it_to_be_asked_again_and_others_are() -> None:
    queue = SimulatedQueue(lognormal(60))
    queue.wrong = raising(refused(429, retry_after=30.0), times=1)
    many(queue)
    (delayed,) = [times for times in queue.polls.values() if times[0] == queue.times[0] and times[1] - times[0] >= 30]
    assert sum(time < delayed[1] for time in queue.times) > 60


def test_where_most_polls_are_refused_nobody_is_polled_before_the_server_wants_to_be_asked_again() -> None:
    queue = SimulatedQueue({str(number): 200.0 for number in range(60)})
    asked: list[float] = []

    def wrong(job_id: str) -> None:
        if asyncio.get_running_loop().time() < 60:
            asked.append(asyncio.get_running_loop().time())
            raise refused(429, retry_after=30.0)

    queue.wrong = wrong
    many(queue)
    assert len(asked) < 40


def test_no_server_can_put_a_poll_off_beyond_the_deadline() -> None:
    queue = SimulatedQueue({"a": 0.0}, raising(refused(429, retry_after=1e9), times=1))
    one(queue)
    assert queue.times[-1] < 20 + JOB_TIMEOUT


def test_too_many_requests_make_all_of_them_fewer_for_a_while() -> None:
    def rate(begin: float, end: float) -> float:
        return sum(begin <= time < end for time in queue.times) / (end - begin)

    def wrong(job_id: str) -> None:
        if 100 <= asyncio.get_running_loop().time() < 101:
            raise refused(429, retry_after=5.0)

    queue = SimulatedQueue({str(number): 200.0 for number in range(600)}, wrong)
    many(queue, Estimate.around(60, 1.0), budget=40.0)
    assert rate(90, 100) > 35
    again = next(time for time in queue.times if time > 100.1)
    assert 105 <= again < 107
    assert 15 < rate(again, again + 0.5) < 35
    assert rate(120, 130) > 35


@pytest.mark.parametrize("facts", [{}, {"retry_after": 1.0}], ids=["plain", "Retry-After"])
@pytest.mark.parametrize("jobs", [100, 1500])
def test_random_refusals_of_one_in_twenty_do_not_bring_the_polling_to_a_halt(
    jobs: int, facts: dict[str, float]
) -> None:
    chance = random.Random(1)

    def wrong(job_id: str) -> None:
        if chance.random() < 0.05:
            raise refused(429, **facts)

    calm = many(SimulatedQueue(lognormal(jobs)))
    late = many(SimulatedQueue(lognormal(jobs), wrong))
    assert sum(late) < sum(calm) + jobs * 1.5


def test_whoever_waits_hears_what_is_retried_and_that_it_works_again() -> None:
    queue = SimulatedQueue({"a": 40.0})
    error = refused(429)
    error.data["problem"] = "too many requests (429)"
    queue.wrong = raising(error, times=2)
    heard: list[str | None] = []
    one(queue, on_retry=heard.append)
    assert [said and said.partition(", trying again in ")[0] for said in heard] == ["too many requests (429)"] * 2 + [
        None
    ]


def test_a_job_that_never_ends_is_left_after_the_ten_minutes() -> None:
    queue = SimulatedQueue({"a": 1e9})
    with pytest.raises(JobTimeoutError, match=r"^Job a has not ended within 11 minutes\.$") as caught:
        one(queue, estimate=LIVE.prior.updated_with([(seconds, None) for seconds in range(20, 40)]))
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.data["job_id"] == "a"
    assert JOB_TIMEOUT <= queue.times[-1] < JOB_TIMEOUT + 20
    assert len(queue.times) < 200


def test_a_job_that_nothing_answers_for_is_left_well_beyond_the_ten_minutes() -> None:
    queue = SimulatedQueue({"a": 30.0}, raising(refused()))
    with pytest.raises(JobTimeoutError, match=r"has not been heard of within 1\d minutes\. .* not now"):
        one(queue)
    assert 900 <= queue.times[-1] < 950


def test_a_machine_that_slept_past_every_deadline_asks_before_it_gives_up() -> None:
    queue = SimulatedQueue({"a": 100.0}, raising(refused(), times=4))

    async def main() -> JobStatusResponse:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        loop.call_later(20, loop.sleep_through, 7200.0)
        return await PollScheduler(queue.ask).wait("a", Estimate.around(60, 0.25))

    assert simulated(main()).status == "completed"
    assert queue.times[0] > 7200


@pytest.mark.parametrize("when", [1.0, 40.0], ids=["before its turn", "while it is asked"])
def test_a_wait_that_is_cancelled_leaves_nothing_behind(when: float) -> None:
    queue = SimulatedQueue({"a": 1e9, "b": 45.0})
    queue.wrong = lambda job_id: asyncio.sleep(15) if job_id == "a" else None

    async def main() -> float:
        scheduler = PollScheduler(queue.ask)
        other = asyncio.create_task(scheduler.wait("b", USUAL))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(when):
                await scheduler.wait("a", USUAL)
        assert asyncio.all_tasks() == {asyncio.current_task(), other}
        await other
        return asyncio.get_running_loop().time()

    assert simulated(main()) < 50
    assert all(time <= when for time in queue.polls.get("a", []))


def test_when_nobody_waits_any_more_no_timer_is_left() -> None:
    async def main() -> None:
        scheduler = PollScheduler(SimulatedQueue({"a": 1e9}).ask)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await scheduler.wait("a", USUAL)
        # A timer that is left would let this end, an hour later; without one, the loop finds nothing to wait for.
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        simulated(main())
