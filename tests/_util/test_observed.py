"""Objects that call observers after each change."""

from __future__ import annotations

from decart_nb._util.observed import Observed, is_observed


class _Counter(Observed):
    """A number that is observed."""

    value = 0

    def count(self) -> None:
        self.value += 1
        self._notify()


def test_each_observer_is_called_until_it_is_removed() -> None:
    counter, first, second = _Counter(), [], []
    forget_first = counter.observe(lambda counter: first.append(counter.value))
    counter.observe(lambda counter: second.append(counter.value))
    counter.count()
    forget_first()
    forget_first()
    counter.count()
    assert (first, second) == ([1], [1, 2])


def test_an_observer_may_remove_itself_while_it_is_called() -> None:
    counter, seen = _Counter(), []

    def once(counter: _Counter) -> None:
        seen.append(counter.value)
        forget()

    forget = counter.observe(once)
    counter.observe(lambda counter: seen.append(-counter.value))
    counter.count()
    counter.count()
    assert seen == [1, -1, -2]


def test_it_is_known_whether_there_are_observers() -> None:
    counter = _Counter()
    assert not is_observed(counter)
    forget = counter.observe(lambda _: None)
    assert is_observed(counter)
    forget()
    assert not is_observed(counter)
