"""How many jobs a gate lets in, as the service says that there are too many, or that it is in trouble."""

from __future__ import annotations

import itertools

import pytest

from decart_nb.concurrency import START, Gate, rounds
from decart_nb.errors import QueueSubmitError

TOO_MANY = QueueSubmitError("Too many.", {"status": 429})
TROUBLE = QueueSubmitError("Out of order.", {"status": 503})


def fill(gate: Gate, waiting: int = 10**6) -> list[int]:
    """Lets in as many as there is room for; returns their episodes."""
    episodes = []
    while waiting > len(episodes) and gate.opens():
        episodes.append(gate.begin())
    return episodes


def finish(gate: Gate, episodes: list[int]) -> None:
    for episode in episodes:
        gate.end(episode)


def limits(gate: Gate, count: int) -> list[int]:
    """The ceilings of so many rounds, in each of which all that are let in come to an end."""
    seen = []
    for _ in range(count):
        episodes = fill(gate)
        seen.append(len(episodes))
        finish(gate, episodes)
    return seen


def refused(gate: Gate) -> None:
    """A round in which one is refused, and made again."""
    episodes = fill(gate)
    gate.refused(episodes[0], TOO_MANY)
    finish(gate, episodes)


def test_it_doubles_from_round_to_round() -> None:
    assert limits(Gate(), 5) == [START, 2 * START, 4 * START, 8 * START, 16 * START]


def test_a_429_halves_it_and_from_then_on_it_grows_by_about_one_a_round() -> None:
    gate = Gate()
    limits(gate, 2)
    refused(gate)
    assert gate.limit == 2 * START
    seen = limits(gate, 6)
    assert seen[0] == 2 * START
    assert all(0 <= later - earlier <= 1 for earlier, later in itertools.pairwise(seen))
    assert 2 * START + 3 <= gate.limit <= 2 * START + 6


def test_it_halves_once_for_all_that_were_in_flight_together() -> None:
    gate = Gate()
    episodes = fill(gate)
    for episode in episodes:
        gate.refused(episode, TOO_MANY)
        gate.refused(episode, TOO_MANY)
    assert gate.limit == START / 2
    assert not gate.opens()
    finish(gate, episodes)
    (later, *others) = fill(gate)
    gate.refused(later, TOO_MANY)
    assert gate.limit == START / 4
    finish(gate, [later, *others])


def test_those_that_began_before_the_cut_do_not_make_it_grow() -> None:
    gate = Gate()
    episodes = fill(gate)
    gate.refused(episodes[0], TOO_MANY)
    finish(gate, episodes)
    assert gate.limit == START / 2


def test_there_is_always_room_for_one() -> None:
    gate = Gate()
    for _ in range(10):
        refused(gate)
        assert gate.limit >= 1
    assert (gate.limit, gate.in_flight) == (1, 0)
    assert len(fill(gate)) == 1


def test_what_a_429_halves_is_what_was_really_in_flight() -> None:
    gate = Gate()
    limits(gate, 4)
    assert gate.limit == 16 * START
    (episode, *_) = fill(gate, waiting=6)
    gate.refused(episode, TOO_MANY)
    assert gate.limit == 3


def test_it_does_not_grow_while_it_holds_nothing_back() -> None:
    gate = Gate()
    for _ in range(20):
        finish(gate, fill(gate, waiting=START - 1))
    assert gate.limit == START


def test_it_grows_again_when_it_holds_something_back() -> None:
    gate = Gate()
    finish(gate, fill(gate, waiting=START - 1))
    assert limits(gate, 2) == [START, 2 * START]


@pytest.mark.parametrize("status", [500, 502, 503, None])
def test_a_servers_own_trouble_stops_the_growth_for_a_round_and_cuts_nothing(status) -> None:
    gate = Gate()
    episodes = fill(gate)
    for episode in episodes:
        gate.refused(episode, QueueSubmitError("Out of order.", {} if status is None else {"status": status}))
    finish(gate, episodes)
    assert limits(gate, 3) == [START, START * 2, START * 4]


def test_after_trouble_it_still_hears_a_429() -> None:
    gate = Gate()
    episodes = fill(gate)
    gate.refused(episodes[0], TROUBLE)
    gate.refused(episodes[1], TOO_MANY)
    assert gate.limit == START / 2
    finish(gate, episodes)


def test_a_gate_counts_who_is_in() -> None:
    gate = Gate()
    episodes = fill(gate)
    assert gate.in_flight == len(episodes) == gate.limit == START
    gate.end(episodes.pop())
    assert gate.in_flight == START - 1
    assert gate.opens()


@pytest.mark.parametrize(
    ("jobs", "ceiling", "count"),
    [
        (0, None, 0),
        (1, None, 1),
        (START, None, 1),
        (START + 1, None, 2),
        (3 * START, None, 2),
        (3 * START + 1, None, 3),
        (10, 1, 10),
        (10, 3, 4),
        (3 * START, START, 3),
        (12 * START, 100 * START, 4),
        (7 * START + 1, 2 * START, 5),
    ],
)
def test_rounds_are_those_of_a_gate_to_which_nothing_objects(jobs, ceiling, count) -> None:
    assert rounds(jobs, ceiling) == count
    gate, left, counted = Gate(), jobs, 0
    while left:
        episodes = fill(gate, waiting=min(left, ceiling or left))
        left, counted = left - len(episodes), counted + 1
        if left and (ceiling is None or len(episodes) < ceiling):
            gate.opens()  # there was one more
        finish(gate, episodes)
    assert counted == count
