"""Units of work on the cores of this machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from decart_nb._util.cores import usable_cores
from decart_nb._util.work_units import run_units
from decart_nb.errors import InvalidInputError


class Counted(Mapping[str, tuple[Any, ...]]):
    """Numbered units, of which it is known how many have been asked for."""

    def __init__(self, count: int) -> None:
        self.count, self.taken = count, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, key: str) -> tuple[Any, ...]:
        return (int(key),)

    def __iter__(self) -> Iterator[str]:
        for number in range(self.count):
            self.taken += 1
            yield str(number)


def test_each_unit_is_called_once_and_its_result_comes_with_its_key() -> None:
    called: list[int] = []

    def square(number: int) -> int:
        called.append(number)
        return number * number

    assert dict(run_units(square, Counted(50))) == {str(number): number * number for number in range(50)}
    assert sorted(called) == list(range(50))


@pytest.mark.skipif(usable_cores() < 2, reason="a machine with one core")
def test_units_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=30)
    assert all(isinstance(result, int) for _, result in run_units(lambda _: both.wait(), Counted(2)))


@pytest.mark.skipif(usable_cores() < 2, reason="a machine with one core")
def test_results_come_in_the_order_in_which_units_end() -> None:
    second_is_done = threading.Event()

    def wait(number: int) -> None:
        assert number or second_is_done.wait(30)

    keys = []
    for key, result in run_units(wait, Counted(2)):
        keys.append(key)
        assert result is None
        second_is_done.set()
    assert keys == ["1", "0"]


def test_an_exception_is_that_of_its_own_unit() -> None:
    results = dict(run_units(lambda number: 12 // (number - 3), Counted(6)))
    assert isinstance(results.pop("3"), ZeroDivisionError)
    assert results == {"0": -4, "1": -6, "2": -12, "4": 12, "5": 6}


def test_few_units_are_in_work_however_many_there_are() -> None:
    units = Counted(100_000)
    results = run_units(lambda number: number, units, limit=5)
    for _ in range(20):
        next(results)
    assert units.taken <= 25
    results.close()


def test_what_has_not_begun_when_the_results_are_closed_is_not_begun_and_what_has_is_waited_for() -> None:
    begun: list[int] = []
    ended: list[int] = []
    go_on = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        assert not number or go_on.wait(30)
        ended.append(number)

    results = run_units(work, Counted(1000), limit=4)
    assert next(results) == ("0", None)
    threading.Timer(0.1, go_on.set).start()
    results.close()
    assert sorted(begun) == sorted(ended)
    assert len(begun) <= 4


def test_an_interrupt_ends_the_work() -> None:
    begun: list[int] = []
    interrupted = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number == 10:
            signal.raise_signal(signal.SIGINT)  # the main thread gets it
        if number >= 10:
            interrupted.wait(30)

    def consume() -> None:
        try:
            for _ in run_units(work, Counted(1000)):
                pass
        finally:
            interrupted.set()

    threading.Timer(1, interrupted.set).start()  # closing waits for what has begun
    with pytest.raises(KeyboardInterrupt):
        consume()
    assert len(begun) < 1000


@pytest.mark.parametrize("client", ["tcp://127.0.0.1:8786", 4, object], ids=["an address", "a number", "a class"])
def test_what_is_no_dask_client_is_refused_before_anything_is_called(client: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r'client must be a dask.distributed.Client.*"decart_nb\[dask\]"'):
        run_units(lambda number: (tmp_path / str(number)).touch(), Counted(3), client=client)
    assert not list(tmp_path.iterdir())
