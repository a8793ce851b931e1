"""How many jobs a gate lets in, as the service says that there are too many, or that it is in trouble."""

from __future__ import annotations

import itertools

import pytest

from decart_nb.errors import QueueSubmitError
from decart_nb.sweeps.concurrency_limit import START, Gate, rounds

TOO_MANY = QueueSubmitError("Too many.", {"status": 429})
TROUBLE = QueueSubmitError("Out of order.", {"status": 503})


def fill(gate: Gate, waiting: int = 10**6) -> list[int]:
    """Lets in as many as there is room for."""
    places = []
    while waiting > len(places) and gate.opens():
        places.append(gate.begin())
    return places


def finish(gate: Gate, places: list[int]) -> None:
    for place in places:
        gate.bears(place)
        gate.end(place)


def limits(gate: Gate, count: int) -> list[int]:
    """The ceilings of so many rounds, in each of which all that are let in come to an end."""
    seen = []
    for _ in range(count):
        places = fill(gate)
        seen.append(len(places))
        finish(gate, places)
    return seen


def refused(gate: Gate) -> None:
    """A round in which one is refused, and made again."""
    places = fill(gate)
    gate.refused(places[0], TOO_MANY)
    finish(gate, places)


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
    places = fill(gate)
    for place in places:
        gate.refused(place, TOO_MANY)
        gate.refused(place, TOO_MANY)
    assert gate.limit == START / 2
    assert not gate.opens()
    finish(gate, places)
    (later, *others) = fill(gate)
    gate.refused(later, TOO_MANY)
    assert gate.limit == START / 4
    finish(gate, [later, *others])


def test_those_that_began_before_the_cut_do_not_make_it_grow() -> None:
    gate = Gate()
    places = fill(gate)
    gate.refused(places[0], TOO_MANY)
    finish(gate, places)
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
    (place, *_) = fill(gate, waiting=6)
    gate.refused(place, TOO_MANY)
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
    places = fill(gate)
    for place in places:
        gate.refused(place, QueueSubmitError("Out of order.", {} if status is None else {"status": status}))
    finish(gate, places)
    assert limits(gate, 3) == [START, START * 2, START * 4]


def test_after_trouble_it_still_hears_a_429() -> None:
    gate = Gate()
    places = fill(gate)
    gate.refused(places[0], TROUBLE)
    gate.refused(places[1], TOO_MANY)
    assert gate.limit == START / 2
    finish(gate, places)


def test_a_gate_counts_who_is_in() -> None:
    gate = Gate()
    places = fill(gate)
    assert gate.in_flight == len(places) == gate.limit == START
    gate.end(places.pop())
    assert gate.in_flight == START - 1
    assert gate.opens()


def test_a_round_is_over_when_the_one_that_made_it_full_is_worked_on_though_none_has_ended() -> None:
    gate = Gate()
    first = fill(gate)
    assert [gate.awaits(number) for number in first] == [False] * (START - 1) + [True]
    for number in first[:-1]:
        gate.bears(number)
    assert gate.limit == START
    gate.bears(first[-1])
    assert (gate.limit, gate.in_flight) == (2 * START, START)
    second = fill(gate)
    assert len(second) == START
    for number in first + second[:-1]:
        gate.bears(number)
    assert gate.limit == 2 * START
    gate.bears(second[-1])
    assert gate.limit == 4 * START


def test_where_the_last_one_of_a_round_came_to_nothing_the_next_one_takes_its_place() -> None:
    gate = Gate()
    *_, last = fill(gate)
    gate.end(last)
    gate.end(last)
    assert (gate.limit, gate.in_flight) == (START, START - 1)
    (instead,) = fill(gate)
    assert gate.awaits(instead)
    gate.bears(instead)
    assert gate.limit == 2 * START


@pytest.mark.parametrize(
    ("jobs", "count"), [(0, 0), (1, 1), (START, 1), (START + 1, 2), (3 * START, 2), (3 * START + 1, 3), (7 * START, 3)]
)
def test_rounds_are_those_of_a_gate_to_which_nothing_objects(jobs, count) -> None:
    assert rounds(jobs) == count
    gate, left, counted = Gate(), jobs, 0
    while left:
        places = fill(gate, waiting=left)
        left, counted = left - len(places), counted + 1
        if left:
            gate.opens()  # there was one more
        finish(gate, places)
    assert counted == count
