"""A rating: votes, scores, and going on in another kernel."""

from __future__ import annotations

import copy
import itertools
import pickle
import random
import sys

import numpy as np
import pandas as pd
import pytest

from decart_nb import InvalidInputError, NotPicklableError
from decart_nb.rating.rating import Rating, rate
from decart_nb.store.store import Store
from tests.rating_tables import clips_of, rating, results

TABLE = results(model=["a", "b"], prompt=[f"p{number}" for number in range(6)])


def _prefer(found: Rating, model: str) -> None:
    """Vote for the clip of a model."""
    shown = found.current()
    assert shown is not None
    digest = TABLE.loc[TABLE["model"].eq(model), "sha256"]
    found.vote("left" if shown.digests[0] in set(digest) else "right")


def test_a_vote_is_in_the_store_at_once_with_its_sides_and_inputs(store) -> None:
    found = rating(TABLE, store)
    shown = found.current()
    assert found.current() is shown
    found.vote("left")
    (vote,) = store.votes(by="model", rater="me")
    assert ((vote.left_sha256, vote.right_sha256), vote.outcome, vote.repeated) == (shown.digests, "left", False)
    (row,) = found.ratings.to_dict("records")
    left = TABLE.loc[TABLE["sha256"].eq(shown.digests[0])].iloc[0]
    assert (row["rater"], row["left"], row["outcome"], row["preferred"]) == ("me", left["model"], "left", left["model"])
    assert row["prompt"] == left["prompt"]
    assert row["voted_at"].tzinfo is not None


def test_each_outcome_is_counted(store) -> None:
    found = rating(TABLE, store)
    for _ in range(3):
        _prefer(found, "a")
    _prefer(found, "b")
    found.vote("tie")
    found.vote("bad")
    scores = found.scores()
    assert scores.index.name == "model"
    assert scores.loc["a", ["wins", "losses", "ties", "bad", "votes"]].tolist() == [3, 1, 1, 1, 6]
    assert scores.loc["b", ["wins", "losses", "ties", "bad", "votes"]].tolist() == [1, 3, 1, 1, 6]
    assert [*scores.index] == ["a", "b"]
    assert scores["strength"].sum() == pytest.approx(0)
    # Four wins to two, with half a win for each tie.
    assert scores.loc["a", "strength"] == pytest.approx(np.log(2) / 2)
    assert (scores["low"] < scores["strength"]).all()
    assert (scores["strength"] < scores["high"]).all()
    assert [*scores["rank"]] == ["1–2, undecided"] * 2
    assert scores.attrs["note"] == ""
    assert found.wins.loc["a", "b"] == 3
    assert found.wins.loc["b", "a"] == 1


def test_without_votes_there_are_no_strengths(store) -> None:
    scores = rating(TABLE, store).scores()
    assert scores["strength"].isna().all()
    assert [*scores["rank"]] == ["undecided"] * 2
    assert scores.attrs["note"] == "There are no votes yet."
    found = rating(TABLE, store)
    assert found.ratings.empty
    assert found.consistency.empty
    assert found.standing == ("0 votes, 6 pairs to rate", False)


def test_one_that_always_wins_is_told(store) -> None:
    found = rating(TABLE, store)
    for _ in range(6):
        _prefer(found, "b")
    assert found.scores().attrs["note"].startswith("b was preferred in every vote, which gives no finite strength.")
    assert np.isfinite(found.scores()["strength"]).all()


def test_another_kernel_goes_on_where_the_rater_stopped(store) -> None:
    first = rating(TABLE, store)
    shown = []
    for _ in range(4):
        shown.append(first.current().pair.identity)
        first.vote("tie")
    second = rating(TABLE, Store(store.folder), seed=2)
    assert len(second.ratings) == 4
    for _ in range(2):
        comparison = second.current()
        assert comparison.repeated or comparison.pair.identity not in shown
        second.vote("tie")
    assert second.standing.text.startswith("6 votes")


def test_when_all_pairs_are_rated_there_is_nothing_left(store) -> None:
    found = rating(TABLE, store)
    while found.current() is not None:
        found.vote("tie")
    assert len(found.ratings[~found.ratings["repeated"]]) == 6
    assert found.standing.text.endswith("all pairs are rated, and it is not clear which of the two is better")
    with pytest.raises(InvalidInputError, match="All pairs are rated"):
        found.vote("left")


def test_raters_vote_apart_and_are_scored_together(store) -> None:
    me, you = rating(TABLE, store), rating(TABLE, store, rater="you")
    _prefer(me, "a")
    for _ in range(2):
        _prefer(you, "a")
    assert me.scores().loc["a", "wins"] == 3
    assert [*me.consistency.index] == ["me", "you"]
    assert me.consistency["votes"].tolist() == [1, 2]
    assert me.standing.text.startswith("1 vote (3 with those of others)")


def test_undo_takes_the_last_vote_back_and_shows_its_pair_again(store) -> None:
    found = rating(TABLE, store)
    assert not found.can_undo
    shown = found.current()
    found.vote("left")
    found.vote("right")
    found.undo()
    found.undo()
    assert store.votes() == []
    assert found.current() is shown
    assert not found.can_undo
    with pytest.raises(InvalidInputError, match="no vote to undo"):
        found.undo()


def test_undo_takes_back_a_vote_of_an_earlier_kernel_on_the_same_sides(store) -> None:
    first = rating(TABLE, store)
    shown = first.current()
    first.vote("bad")
    second = rating(TABLE, Store(store.folder), seed=5)
    assert second.can_undo
    second.undo()
    assert second.current().digests == shown.digests
    assert store.votes() == []


def test_a_skipped_pair_comes_again_at_the_end_and_undo_brings_it_back(store) -> None:
    found = rating(TABLE, store)
    shown = found.current()
    found.skip()
    assert found.current().pair != shown.pair
    found.undo()
    assert found.current() == shown
    found.skip()
    seen = []
    while found.current() is not None:
        if not found.current().repeated:
            seen.append(found.current().pair)
        found.vote("tie")
    assert len(seen) == 6
    assert seen[-1] == shown.pair
    assert len(store.votes()) == len(found.ratings)


def test_if_all_are_skipped_they_come_again(store) -> None:
    found = rating(TABLE, store)
    seen = []
    for _ in range(18):
        seen.append(found.current().pair.identity)
        found.skip()
    assert len({*seen[:6]}) == len({*seen}) == 6
    assert all(one != two for one, two in itertools.pairwise(seen))


def test_votes_on_clips_that_the_table_no_longer_has_are_not_counted(store) -> None:
    found = rating(TABLE, store)
    while found.current() is not None:
        found.vote("tie")
    fewer = rating(TABLE[TABLE["prompt"].isin(["p0", "p1"])], store)
    assert len(fewer.ratings[~fewer.ratings["repeated"]]) == 2


def test_consistency_is_of_the_pairs_that_were_shown_twice(store) -> None:
    table = results(model=["a", "b"], prompt=[f"p{number}" for number in range(120)])
    always_left = rating(table, store, seed=3)
    chance = random.Random(0)
    steady = rating(table, store, rater="steady", seed=4)
    first = set(table.loc[table["model"].eq("a"), "sha256"])
    while (shown := steady.current()) is not None:
        steady.vote("left" if shown.digests[0] in first else "right")
    while always_left.current() is not None:
        always_left.vote("left" if chance.random() < 0.9 else "right")
    consistency = steady.consistency
    assert consistency.loc["steady", "repeats"] > 0
    assert consistency.loc["steady", "share"] == 1
    assert consistency.loc["steady", "left_low"] < 0.5 < consistency.loc["steady", "left_high"]
    assert consistency.loc["me", "left_low"] > 0.5


def test_observers_hear_of_votes_and_a_broken_one_stops_nothing(store) -> None:
    found, heard = rating(TABLE, store), []

    def broken(_: Rating) -> None:
        raise ValueError("no")

    found.observe(broken)
    forget = found.observe(heard.append)
    found.vote("left")
    found.undo()
    forget()
    found.vote("left")
    assert heard == [found, found]


def test_enough_is_said_when_the_intervals_part_without_a_name(store) -> None:
    table = results(model=["alpha", "beta"], prompt=[f"p{number}" for number in range(40)])
    found = rating(table, store)
    best = set(table.loc[table["model"].eq("alpha"), "sha256"])
    texts = []
    while not found.standing.enough:
        texts.append(found.standing.text)
        number = len(found.ratings)
        shown = found.current()
        winner = "left" if (shown.digests[0] in best) == (number % 5 != 0) else "right"
        found.vote(winner)
    texts.append(found.standing.text)
    assert any("more until it is clear which of the two is better" in text for text in texts)
    assert texts[-1].endswith("Enough: it is clear which of the two is better")
    assert not any("alpha" in text or "beta" in text for text in texts)
    scores = found.scores()
    assert [*scores["rank"]] == ["1", "2"]
    assert [*scores.index] == ["alpha", "beta"]


@pytest.mark.parametrize("rater", ["", "  ", None, 5, "x" * 201])
def test_a_rater_has_a_name(store, rater) -> None:
    with pytest.raises(InvalidInputError, match="rater must be the name"):
        rate(TABLE, clips_of(TABLE), by="model", rater=rater, store=store)


def test_without_a_store_it_says_to_connect() -> None:
    with pytest.raises(InvalidInputError, match=r"call decart_nb\.connect"):
        rate(TABLE, clips_of(TABLE), by="model", rater="me", store=None)


def test_without_evalica_it_says_what_to_install(store, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "evalica", None)
    with pytest.raises(InvalidInputError, match="pip install evalica"):
        rating(TABLE, store)


def test_what_is_no_outcome_is_refused(store) -> None:
    with pytest.raises(InvalidInputError, match="A vote is one of left, right, tie, bad, not 'best'"):
        rating(TABLE, store).vote("best")


def test_its_text_tells_how_it_stands_and_it_stays_in_its_process(store) -> None:
    found = rating(TABLE, store)
    assert repr(found) == "<Rating by model of 6 pairs, rater me: 0 votes, 6 pairs to rate>"
    assert copy.deepcopy(found) is found
    with pytest.raises(NotPicklableError, match="the votes are in the store"):
        pickle.dumps(found)


def test_tables_of_votes_survive_a_csv(store, tmp_path) -> None:
    found = rating(TABLE, store)
    found.vote("left")
    found.ratings.to_csv(tmp_path / "votes.csv", index=False)
    assert [*pd.read_csv(tmp_path / "votes.csv").columns][:4] == ["rater", "left", "right", "outcome"]
