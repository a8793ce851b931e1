"""How pytest-xdist shares the tests out: what waits for other processes first, and the browsers in few workers."""

from __future__ import annotations

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

#: These take longest, and mostly wait: if they began last, nothing would be left for the other workers to do meanwhile.
_FIRST = (
    "tests/test_binder.py",
    "tests/behaviour/",
    "tests/kernel/",
    "build/notebooks/",
    "tests/browser/",
    "tests/peers/",
)
_BROWSER = "tests/browser/"
#: The tests of this file share nothing, and each takes long.
_APART = "tests/behaviour/test_under_faults.py"


class Scheduling(LoadFileScheduling):
    """Gives each worker whole files, or all tests of one kernel, so that what these share is started once.

    Only the tests of one file are shared out one by one.

    Every second worker gets the files of `tests/browser` before all others, and the others get them last: a worker
    keeps its JupyterLab and its Chromium from one of these files to the next.
    """

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by the number of their tests, the longest would come last
        self._in_order = False

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if file == _APART:
            return nodeid
        kernel = re.search(r"\[(ipykernel [^\]-]+)", nodeid)
        return kernel[1] if file.startswith("tests/kernel/") and kernel else file

    def _assign_work_unit(self, node: WorkerController) -> None:
        if not self._in_order:
            for scope in sorted(self.workqueue, key=self._turn):
                self.workqueue.move_to_end(scope)
            self._in_order = True
        wants_browser = self.nodes.index(node) % 2 == 0
        for scope in self.workqueue:
            if scope.startswith(_BROWSER) == wants_browser:
                self.workqueue.move_to_end(scope, last=False)
                break
        super()._assign_work_unit(node)

    def _turn(self, scope: str) -> tuple[int, int]:
        tests = self.workqueue[scope]
        begins = next(iter(tests))
        first = (number for number, start in enumerate(_FIRST) if begins.startswith(start))
        return next(first, len(_FIRST)), -len(tests)
