"""Several kernels on one folder, in any order of their steps: nothing is lost, and nothing is submitted twice."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from decart_nb.store.job_row import UNDER_WAY
from decart_nb.store.store import Store
from tests.records import wanted


class Kernels(RuleBasedStateMachine):
    """Several kernels on one folder come, claim, submit, finish and go in any order: nothing is submitted twice."""

    jobs = Bundle("jobs")

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.folder = Path(tempfile.mkdtemp())
        self.kernels = [Store(self.folder)]
        self.submissions: Counter[tuple[str, int]] = Counter()
        self.uncertain_again: Counter[tuple[str, int]] = Counter()
        self.carried: dict[int, Store] = {}
        self.ids: dict[int, str] = {}

    @rule()
    def comes(self) -> None:
        if len(self.kernels) < 3:
            self.kernels.append(Store(self.folder))

    @rule(which=st.integers(0, 2))
    def is_killed(self, which: int) -> None:
        kernel = self.kernels.pop(which % len(self.kernels))
        (self.folder / "holders" / kernel.holder).unlink()  # as whoever finds its lock released does
        kernel.close()
        self.carried = {row: holder for row, holder in self.carried.items() if holder is not kernel}
        if not self.kernels:
            self.kernels.append(Store(self.folder))

    @rule(which=st.integers(0, 2), request=st.sampled_from("abc"), fresh=st.booleans(), again=st.booleans())
    def asks(self, which: int, request: str, fresh: bool, again: bool) -> None:
        kernel = self.kernels[which % len(self.kernels)]
        record, ours = kernel.claim(wanted(request), fresh=fresh, resubmit=["uncertain"] if again else [])
        if ours:
            assert record.status in ("planned", "pending")
            assert record.row not in self.carried
            self.carried[record.row] = kernel
        elif record.status in UNDER_WAY:
            assert record.row in self.carried

    @rule(data=st.data(), end=st.sampled_from(["sent", "submitted", "completed", "failed", "rejected", "unreachable"]))
    def goes_on(self, data: st.DataObject, end: str) -> None:
        if not self.carried:
            return
        row = data.draw(st.sampled_from(sorted(self.carried)))
        kernel = self.carried[row]
        (record,) = [record for record in kernel.find() if record.row == row]
        if record.job_id is None and record.sent_at is None:
            kernel.update(record, sent_at=1.0)
            self.submissions[record.request, record.take] += 1
        elif record.job_id is None and end != "sent":
            if end == "rejected":
                kernel.update(record, status="rejected", error="no")
                self.submissions[record.request, record.take] -= 1
                del self.carried[row]
            else:
                kernel.update(record, status="pending", job_id=f"j{row}", submitted_at=2.0)
                self.ids[row] = f"j{row}"
        elif record.job_id and end in ("completed", "failed", "unreachable"):
            kernel.update(record, status=end, error="no")
            if end == "failed":
                self.submissions[record.request, record.take] -= 1
            del self.carried[row]

    @invariant()
    def nothing_is_lost_and_nothing_twice(self) -> None:
        if not hasattr(self, "kernels"):
            return
        store = self.kernels[0]
        records = {record.row: record for record in store.find()}
        for row, job_id in self.ids.items():
            assert records[row].job_id == job_id
        doubtful = Counter(
            (record.request, record.take)
            for record in records.values()
            if record.status == "uncertain"
            or (record.status == "planned" and record.sent_at and record.row not in self.carried)
        )
        for request, count in self.submissions.items():
            assert count <= 1 + doubtful[request]

    def teardown(self) -> None:
        for kernel in getattr(self, "kernels", ()):
            kernel.close()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)


TestKernels = Kernels.TestCase
TestKernels.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
