"""Explorations: what they make, when they end, and how they go on."""

from __future__ import annotations

import asyncio
import copy
import itertools
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb import InvalidInputError
from decart_nb.adaptive.exploration import Exploration
from tests.explored_sweep import ExploredSweep, PaidStore, explored_sweep, prefers
from tests.sweeping import wait_until


def _vote(exploration: Exploration, model: str) -> None:
    """Vote for a model, as a person does."""
    shown = exploration.rating.current()
    assert shown is not None
    exploration.rating.vote("left" if shown.clips[0].model == model else "right")


def _vote_on_all(exploration: Exploration, model: str) -> None:
    """Vote until no pair is left."""
    while exploration.rating.current() is not None:
        _vote(exploration, model)


def _says(votes: Iterator[str]) -> Callable[..., str]:
    """A rater who votes as is given, whatever there is to see."""

    def vote(left: Any, right: Any) -> str:
        return next(votes)

    return vote


# By a function.


def test_the_better_one_is_found_with_fewer_rows_than_the_sweep_has(sweep) -> None:
    exploration = sweep.explored(rater=prefers("b"))
    exploration.run()
    assert (exploration.status, exploration.over, exploration.decided) == ("decided", True, True)
    (row,) = exploration.comparisons.to_dict("records")
    assert (row["value"], row["other"], row["better"]) == ("a", "b", "b")
    assert (row["wins"], row["losses"], row["ties"]) == (0, 8, 0)  # so many decide
    assert row["high"] < 0.5
    assert sweep.made == 16 < len(sweep.table)
    assert exploration.spent == pytest.approx(1.6)
    assert [len(rows) for rows in sweep.begun] == [8, 8]
    assert [*exploration.scores().index] == ["b", "a"]
    assert exploration.results["status"].eq("planned").sum() == 24


def test_equals_spend_the_budget_and_no_more_and_are_called_undecided(sweep) -> None:
    exploration = sweep.explored(rater=_says(itertools.cycle(["left", "right", "tie", "bad"])), budget=2.5)
    exploration.run()
    assert (exploration.status, exploration.decided) == ("limit reached", False)
    assert sweep.made == 24
    assert exploration.spent == pytest.approx(2.4)  # a row for each of the two does not fit into the rest
    assert exploration.comparisons["better"].isna().all()
    assert "not yet decided which of the two is better" in repr(exploration)
    assert "24 of 40 rows made, about $2.40 of $2.50, rehearsed" in repr(exploration)


def test_equals_without_a_low_limit_end_with_the_sweep(sweep) -> None:
    exploration = sweep.explored(rater=prefers())
    exploration.run()
    assert exploration.status == "all made"
    assert sweep.made == 40
    assert exploration.facts.votes == 20


def test_a_number_of_rows_is_a_limit_too_and_counts_those_from_before(sweep) -> None:
    sweep.begin(only=[0, 20])
    wait_until(lambda: sweep.made == 2)
    exploration = sweep.explored(rater=prefers(), budget=None, max_rows=11)
    exploration.run()
    assert exploration.status == "limit reached"
    assert sweep.made == 10


def test_only_what_is_not_told_apart_gets_more_rows(tmp_path) -> None:
    sweep = explored_sweep(tmp_path, ("a", "b", "c"), prompts=30)
    sides = itertools.cycle("ab")

    def judge(left: Any, right: Any) -> str:
        models = [left.model, right.model]
        if "c" in models:
            return "right" if models[0] == "c" else "left"
        return ("left", "right")[models.index(next(sides))]

    exploration = sweep.explored(rater=judge)
    exploration.run()
    made = sweep.table[sweep.table["status"] == "completed"]["model"].value_counts()
    assert made["a"] == made["b"] == 30
    assert made["c"] == 12  # a third of the error rate is left for each comparison
    better = exploration.comparisons.set_index(["value", "other"])["better"]
    assert (better["a", "c"], better["b", "c"]) == ("a", "b")
    assert better.isna()["a", "b"]
    assert "2 of 3 comparisons decided" in repr(exploration)


def test_rows_that_exist_are_rated_before_anything_is_made(sweep) -> None:
    sweep.begin(only=range(40))
    wait_until(lambda: sweep.made == 40)
    exploration = sweep.explored(budget=4.0)
    exploration.run()
    assert exploration.decided
    assert exploration.facts.votes == 8
    assert len(sweep.begun) == 1  # nothing by the exploration


def test_another_session_makes_nothing_twice_and_asks_no_vote_twice(tmp_path) -> None:
    asked: list[frozenset[str]] = []
    first = explored_sweep(tmp_path)
    first.explored(rater=prefers(asked=asked), max_rows=10).run()
    assert (first.made, len(asked)) == (10, 5)

    second = explored_sweep(tmp_path)
    second.table, second.runner.store.paid = first.table, first.runner.store.paid
    exploration = second.explored(rater=prefers(asked=asked))
    assert exploration.facts.votes == 0  # nothing was looked at yet
    exploration.run()
    assert exploration.facts.votes == 20
    assert len(asked) == len({*asked}) == 20
    made = [row for rows in first.begun + second.begun for row in rows]
    assert len(made) == len({*made}) == 40


def test_the_same_seed_makes_the_same_rows(tmp_path) -> None:
    begun = []
    for number, seed in enumerate([None, None, 1, 1, 2]):
        sweep = explored_sweep(tmp_path / str(number))
        sweep.explored(seed=seed).run()
        begun.append(sweep.begun)
    assert begun[0] == begun[1]
    assert begun[2] == begun[3]
    assert len({str(rows) for rows in begun}) == 3


def test_rows_that_fail_stop_nothing_and_are_not_made_again(sweep) -> None:
    sweep.fails = {*range(20, 34)}
    exploration = sweep.explored()
    exploration.run()
    assert exploration.status == "all made"
    assert exploration.facts.votes == 6
    made = [row for rows in sweep.begun for row in rows]
    assert len(made) == len({*made}) == 40
    assert "no more can be made" in repr(exploration)


def test_one_prompt_with_several_takes_is_compared_take_by_take(tmp_path) -> None:
    sweep = ExploredSweep(PaidStore(tmp_path), model=["a", "b"], prompt=["p"], number=range(6))
    sweep.table["take"], sweep.table = sweep.table["number"], sweep.table.drop(columns="number")
    exploration = sweep.explored(rater=prefers())
    exploration.run()
    assert exploration.facts.votes == 6


def test_a_video_is_compared_once_with_the_same_other_value_whichever_rows_have_it(tmp_path) -> None:
    asked: list[frozenset[str]] = []
    sweep = ExploredSweep(PaidStore(tmp_path), model=["a", "b"], prompt=["p"], seed=range(6))
    sweep.digests[:6] = [sweep.digests[0]] * 6  # this model ignores the seed
    exploration = sweep.explored(rater=prefers("a", asked=asked))
    exploration.run()
    assert exploration.status == "all made"
    assert len(asked) == exploration.facts.votes == 1


def test_what_the_function_raises_is_raised_and_everything_is_kept(sweep) -> None:
    exploration = sweep.explored(rater=_says(iter(["left", "left"])))
    with pytest.raises(StopIteration):
        exploration.run()
    assert exploration.status == "stopped"
    assert (sweep.made, exploration.facts.votes) == (8, 2)
    wrong = sweep.explored(rater=_says(iter(["neither"])))
    with pytest.raises(InvalidInputError, match="A vote is one of left, right, tie, bad, not 'neither'"):
        wrong.run()


def test_an_interrupt_stops_it_and_says_how_to_go_on(sweep) -> None:
    def interrupted(left: Any, right: Any) -> str:
        raise KeyboardInterrupt

    exploration = sweep.explored(rater=interrupted)
    with pytest.raises(KeyboardInterrupt, match="makes no more rows; the same call continues"):
        exploration.run()
    assert exploration.status == "stopped"
    assert sweep.made == 8


def test_a_run_that_cannot_begin_ends_it_with_its_error(sweep) -> None:
    sweep.error = dnb.QueueStatusError("The queue does not answer.")
    with pytest.raises(dnb.QueueStatusError, match="The queue does not answer"):
        sweep.explored().run()
    exploration = sweep.explored(rater="me")
    exploration.start()
    assert exploration.wait(10)
    assert exploration.status == "failed"
    assert "ended by an error: The queue does not answer." in repr(exploration)
    with pytest.raises(dnb.QueueStatusError):
        asyncio.run(_awaited(exploration))


# By a person.


async def _awaited(exploration: Exploration) -> Any:
    return await exploration


def test_a_person_is_asked_and_more_is_made_when_the_votes_do_not_decide(sweep) -> None:
    exploration = sweep.explored(rater="me")
    exploration.start()  # returns at once
    wait_until(lambda: exploration.status == "rating")
    assert sweep.made == 8
    assert not exploration.over
    assert not exploration.wait(0.01)
    _vote_on_all(exploration, "a")
    wait_until(lambda: sweep.made == 16 and exploration.status == "rating")
    _vote_on_all(exploration, "a")
    assert exploration.wait(10)
    assert exploration.status == "decided"
    assert asyncio.run(_awaited(exploration)) is not None
    assert sweep.made == 16
    assert exploration.rating.ratings["rater"].eq("me").all()


def test_pairs_can_be_voted_on_while_others_are_still_made(sweep) -> None:
    sweep.hold = True
    exploration = sweep.explored(rater="me", batch=20)
    exploration.start()
    assert exploration.status == "making"
    assert exploration.rating.current() is None
    sweep.make([0, 1, 20, 21])
    wait_until(lambda: exploration.rating.open_pairs == 2)
    _vote_on_all(exploration, "b")
    assert exploration.status == "making"
    sweep.make([*range(2, 8), *range(22, 28)])
    wait_until(lambda: exploration.rating.open_pairs == 6)
    _vote_on_all(exploration, "b")
    assert exploration.wait(10)  # decided: the rest is not made any more
    assert sweep.cancelled
    assert exploration.status == "decided"
    assert sweep.made == 16


def test_a_stop_keeps_everything_and_the_same_call_goes_on(sweep) -> None:
    exploration = sweep.explored(rater="me")
    exploration.start()
    wait_until(lambda: exploration.rating.open_pairs == 4)
    _vote(exploration, "a")
    exploration.stop()
    assert (exploration.status, exploration.over) == ("stopped", True)
    _vote_on_all(exploration, "a")  # these are kept too, and nothing more is made for them
    again = sweep.explored(rater="me")
    again.start()
    wait_until(lambda: sweep.made == 16 and again.status == "rating")
    assert again.facts.votes == 4
    assert len(sweep.begun) == 2
    again.stop()


def test_a_stop_while_rows_are_made_submits_no_more(sweep) -> None:
    sweep.hold = True
    exploration = sweep.explored(rater="me")
    exploration.start()
    exploration.stop()
    assert sweep.cancelled
    assert exploration.wait(10)
    assert "stopped; the same call goes on" in repr(exploration)


def test_cancelling_the_sweep_ends_its_exploration_too(sweep) -> None:
    sweep.hold = True
    exploration = sweep.explored(rater="me")
    exploration.start()
    sweep.cancel()
    assert exploration.wait(10)
    assert exploration.status == "stopped"
    assert len(sweep.begun) == 1


def test_an_interrupted_await_stops_it(sweep) -> None:
    exploration = sweep.explored(rater="me")
    exploration.start()

    async def interrupted() -> None:
        waiting = asyncio.ensure_future(_awaited(exploration))
        await asyncio.sleep(0)
        waiting.cancel()
        await waiting

    with pytest.raises(asyncio.CancelledError, match="makes no more rows; the same call continues"):
        asyncio.run(interrupted())
    assert exploration.status == "stopped"


def test_rows_that_another_kernel_has_made_meanwhile_are_rated_before_more_are_made(sweep) -> None:
    exploration = sweep.explored(rater="me")
    exploration.start()
    wait_until(lambda: exploration.status == "rating")
    sweep.observers, observers = [], sweep.observers
    sweep.make(sweep.table.index[sweep.table["status"] == "planned"])
    sweep.observers = observers
    for _ in range(4):
        exploration.rating.vote("tie")
    wait_until(lambda: exploration.rating.open_pairs == 16)
    assert len(sweep.begun) == 1
    exploration.stop()


def test_a_vote_that_is_taken_back_does_not_count(sweep) -> None:
    exploration = sweep.explored(rater="me", batch=20)
    exploration.start()
    wait_until(lambda: exploration.status == "rating")
    for _ in range(7):
        _vote(exploration, "a")
    exploration.rating.undo()
    _vote(exploration, "a")
    assert not exploration.decided
    _vote(exploration, "a")
    assert exploration.wait(10)
    assert exploration.decided


def test_no_pair_is_shown_twice(sweep) -> None:
    exploration = sweep.explored(rater="me", batch=20)
    exploration.start()
    wait_until(lambda: exploration.status == "rating")
    while exploration.rating.current() is not None:
        exploration.rating.vote("tie")
    assert not exploration.rating.ratings["repeated"].any()
    assert len(exploration.rating.ratings) == 20
    exploration.stop()


def test_another_raters_votes_do_not_decide_but_are_in_the_scores(sweep) -> None:
    sweep.explored(rater=prefers("a")).run()
    exploration = sweep.explored(rater="me")
    exploration.start()
    assert exploration.facts.votes == 0
    assert not exploration.decided
    assert exploration.scores()["votes"].tolist() == [8, 8]
    exploration.stop()


def test_an_exploration_is_of_one_process(sweep) -> None:
    exploration = sweep.explored()
    assert copy.deepcopy(exploration) is exploration
    with pytest.raises(dnb.NotPicklableError, match="the same call"):
        pickle.dumps(exploration)
    with pytest.raises(dnb.NotAFutureError):
        exploration.add_done_callback  # noqa: B018


# Arguments.
