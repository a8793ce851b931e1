"""The sequential test: what it promises holds at every number of votes at once."""

from __future__ import annotations

import pytest

from decart_nb.adaptive.sequential import deciding_lead, decision, interval, verdict


def _ever_decided(probability: float, error_rate: float, most: int) -> tuple[float, float]:
    """The exact probabilities that the first, and the second, of two values is ever called better within so many votes.

    They follow all leads that are not decided yet, without simulation.
    """
    leads, first, second = {0: 1.0}, 0.0, 0.0
    for count in range(1, most + 1):
        after: dict[int, float] = {}
        for lead, share in leads.items():
            for step, chance in ((1, probability), (-1, 1 - probability)):
                after[lead + step] = after.get(lead + step, 0.0) + share * chance
        limit = deciding_lead(count, error_rate)
        first += sum(share for lead, share in after.items() if lead >= limit)
        second += sum(share for lead, share in after.items() if lead <= -limit)
        leads = {lead: share for lead, share in after.items() if abs(lead) < limit}
    return first, second


@pytest.mark.parametrize("error_rate", [0.01, 0.05, 0.2])
def test_equals_are_told_apart_no_more_often_than_promised_however_long_one_looks(error_rate) -> None:
    first, second = _ever_decided(0.5, error_rate, 1000)
    assert first == pytest.approx(second)
    assert error_rate / 4 < first + second <= error_rate  # and not much less often either: it is no dead test


@pytest.mark.parametrize("preferred", [0.6, 0.7, 0.8, 0.9])
def test_the_better_one_is_found_and_the_worse_one_hardly_ever(preferred) -> None:
    better, worse = _ever_decided(preferred, 0.05, 500)
    assert better > 0.9
    assert worse < 0.01


def test_eight_votes_that_agree_decide_and_seven_do_not() -> None:
    assert decision([1] * 7, 0.05) == 0
    assert decision([1] * 8, 0.05) == 1
    assert decision([-1] * 8, 0.05) == -1
    assert decision([1] * 8, 0.01) == 0
    assert decision([1, -1] * 100, 0.05) == 0  # as many for either


def test_ties_decide_nothing_and_do_not_count() -> None:
    assert decision([0] * 500, 0.05) == 0
    assert decision([0, 1] * 8, 0.05) == 1
    said = verdict([0, 1] * 8, 0.05)
    assert (said.wins, said.losses, said.ties, said.better) == (8, 0, 8, 1)
    assert said.decided


def test_a_decision_stands_whatever_comes_later() -> None:
    assert decision([1] * 8 + [-1] * 50, 0.05) == 1
    assert verdict([1] * 8 + [-1] * 50, 0.05).better == 1


@pytest.mark.parametrize(("wins", "losses"), [(0, 1), (3, 3), (8, 0), (20, 5), (300, 310)])
def test_an_interval_leaves_one_half_out_exactly_where_that_decides(wins, losses) -> None:
    low, high = interval(wins, losses, 0.05)
    assert 0 <= low < wins / (wins + losses) + 1e-9
    assert wins / (wins + losses) - 1e-9 < high <= 1
    decides = abs(wins - losses) >= deciding_lead(wins + losses, 0.05)
    assert (low > 0.5 or high < 0.5) is decides
    assert interval(losses, wins, 0.05) == pytest.approx((1 - high, 1 - low))


def test_without_votes_nothing_is_known() -> None:
    said = verdict([], 0.05)
    assert (said.low, said.high, said.decided) == (0.0, 1.0, False)
    assert interval(0, 0, 0.05) == (0.0, 1.0)


def test_the_interval_is_what_all_intervals_so_far_share() -> None:
    votes = [1, 1, 1, -1, -1, 1, -1, 1]
    said = verdict(votes, 0.05)
    bounds = [interval(votes[:count].count(1), votes[:count].count(-1), 0.05) for count in range(1, len(votes) + 1)]
    assert said.low == max(low for low, _ in bounds)
    assert said.high == min(high for _, high in bounds)
