"""Cached properties: computed once for each instance, and never locked in a fork."""

from __future__ import annotations

import os
import signal
import threading

from decart_nb._util.cached import Cached


class Square:
    """A number and its square."""

    def __init__(self, number: int) -> None:
        self.number, self.computed = number, 0
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    @Cached
    def square(self) -> int:
        """The square."""
        self.computed += 1
        self.begun.set()
        assert self.go_on.wait(30)
        return self.number**2


def test_a_value_is_computed_once_for_each_instance() -> None:
    two, three = Square(2), Square(3)
    assert [two.square, two.square, three.square] == [4, 4, 9]
    assert (two.computed, three.computed) == (1, 1)
    assert Square.square.__doc__ == "The square."


def test_a_fork_taken_while_another_thread_computes_a_value_computes_its_own() -> None:
    slow = Square(2)
    slow.go_on.clear()
    thread = threading.Thread(target=lambda: slow.square)
    thread.start()
    assert slow.begun.wait(30)
    child = os.fork()
    if not child:
        signal.alarm(20)
        os._exit(Square(3).square)
    slow.go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert slow.square == 4
