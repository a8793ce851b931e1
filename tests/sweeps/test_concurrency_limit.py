"""How many jobs a limit lets in, as the service says that there are too many, or that it is in trouble."""

from __future__ import annotations

import itertools

import pytest

from decart_nb.errors import QueueSubmitError
from decart_nb.sweeps.concurrency_limit import START, AdaptiveLimit

TOO_MANY = QueueSubmitError("Too many.", {"status": 429})
TROUBLE = QueueSubmitError("Out of order.", {"status": 503})


def fill(limit: AdaptiveLimit, waiting: int = 10**6) -> list[int]:
    """Lets in as many as there is room for."""
    places = []
    while waiting > len(places) and limit.can_admit():
        places.append(limit.admit())
    return places


def finish(limit: AdaptiveLimit, places: list[int]) -> None:
    for place in places:
        limit.on_started(place)
        limit.release(place)


def limits(limit: AdaptiveLimit, count: int) -> list[int]:
    """The ceilings of so many rounds, in each of which all that are let in come to an end."""
    seen = []
    for _ in range(count):
        places = fill(limit)
        seen.append(len(places))
        finish(limit, places)
    return seen


def refused(limit: AdaptiveLimit) -> None:
    """A round in which one is refused, and made again."""
    places = fill(limit)
    limit.on_rejected(places[0], TOO_MANY)
    finish(limit, places)


def test_it_doubles_from_round_to_round() -> None:
    assert limits(AdaptiveLimit(), 5) == [START, 2 * START, 4 * START, 8 * START, 16 * START]


def test_a_429_halves_it_and_from_then_on_it_grows_by_about_one_a_round() -> None:
    limit = AdaptiveLimit()
    limits(limit, 2)
    refused(limit)
    assert limit.limit == 2 * START
    seen = limits(limit, 6)
    assert seen[0] == 2 * START
    assert all(0 <= later - earlier <= 1 for earlier, later in itertools.pairwise(seen))
    assert 2 * START + 3 <= limit.limit <= 2 * START + 6


def test_it_halves_once_for_all_that_were_in_flight_together() -> None:
    limit = AdaptiveLimit()
    places = fill(limit)
    for place in places:
        limit.on_rejected(place, TOO_MANY)
        limit.on_rejected(place, TOO_MANY)
    assert limit.limit == START / 2
    assert not limit.can_admit()
    finish(limit, places)
    (later, *others) = fill(limit)
    limit.on_rejected(later, TOO_MANY)
    assert limit.limit == START / 4
    finish(limit, [later, *others])


def test_those_that_began_before_the_cut_do_not_make_it_grow() -> None:
    limit = AdaptiveLimit()
    places = fill(limit)
    limit.on_rejected(places[0], TOO_MANY)
    finish(limit, places)
    assert limit.limit == START / 2


def test_there_is_always_room_for_one() -> None:
    limit = AdaptiveLimit()
    for _ in range(10):
        refused(limit)
        assert limit.limit >= 1
    assert (limit.limit, limit.in_flight) == (1, 0)
    assert len(fill(limit)) == 1


def test_what_a_429_halves_is_what_was_really_in_flight() -> None:
    limit = AdaptiveLimit()
    limits(limit, 4)
    assert limit.limit == 16 * START
    (place, *_) = fill(limit, waiting=6)
    limit.on_rejected(place, TOO_MANY)
    assert limit.limit == 3


def test_it_does_not_grow_while_it_holds_nothing_back() -> None:
    limit = AdaptiveLimit()
    for _ in range(20):
        finish(limit, fill(limit, waiting=START - 1))
    assert limit.limit == START


def test_it_grows_again_when_it_holds_something_back() -> None:
    limit = AdaptiveLimit()
    finish(limit, fill(limit, waiting=START - 1))
    assert limits(limit, 2) == [START, 2 * START]


@pytest.mark.parametrize("status", [500, 502, 503, None])
def test_a_servers_own_trouble_stops_the_growth_for_a_round_and_cuts_nothing(status) -> None:
    limit = AdaptiveLimit()
    places = fill(limit)
    for place in places:
        limit.on_rejected(place, QueueSubmitError("Out of order.", {} if status is None else {"status": status}))
    finish(limit, places)
    assert limits(limit, 3) == [START, START * 2, START * 4]


def test_after_trouble_it_still_hears_a_429() -> None:
    limit = AdaptiveLimit()
    places = fill(limit)
    limit.on_rejected(places[0], TROUBLE)
    limit.on_rejected(places[1], TOO_MANY)
    assert limit.limit == START / 2
    finish(limit, places)


def test_a_gate_counts_who_is_in() -> None:
    limit = AdaptiveLimit()
    places = fill(limit)
    assert limit.in_flight == len(places) == limit.limit == START
    limit.release(places.pop())
    assert limit.in_flight == START - 1
    assert limit.can_admit()


def test_a_round_is_over_when_the_one_that_made_it_full_is_worked_on_though_none_has_ended() -> None:
    limit = AdaptiveLimit()
    first = fill(limit)
    assert [limit.is_probing(number) for number in first] == [False] * (START - 1) + [True]
    for number in first[:-1]:
        limit.on_started(number)
    assert limit.limit == START
    limit.on_started(first[-1])
    assert (limit.limit, limit.in_flight) == (2 * START, START)
    second = fill(limit)
    assert len(second) == START
    for number in first + second[:-1]:
        limit.on_started(number)
    assert limit.limit == 2 * START
    limit.on_started(second[-1])
    assert limit.limit == 4 * START


def test_where_the_last_one_of_a_round_came_to_nothing_the_next_one_takes_its_place() -> None:
    limit = AdaptiveLimit()
    *_, last = fill(limit)
    limit.release(last)
    limit.release(last)
    assert (limit.limit, limit.in_flight) == (START, START - 1)
    (instead,) = fill(limit)
    assert limit.is_probing(instead)
    limit.on_started(instead)
    assert limit.limit == 2 * START
