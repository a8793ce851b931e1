"""Pruning: what is said badly removes nothing, and neither does what is not said."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb.local.queue import LocalQueue
from decart_nb.session.pruning import select
from decart_nb.session.session import Session
from decart_nb.store.job_row import Record
from decart_nb.store.store import Store
from tests import sweeping

STATUSES = (
    "planned",
    "pending",
    "processing",
    "completed",
    "failed",
    "rejected",
    "cancelled",
    "uncertain",
    "unreachable",
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with a job of each status, each a day older than the next."""
    store, now = Store(tmp_path / "runs"), time.time()
    for days, status in enumerate(reversed(STATUSES)):
        record, _ = store.claim(Record(status, "local", "local", "lucy-2.5", "lucy-latest"))
        store.update(record, status=status, **({"ended_at": now - days * 86400} if days < 6 else {}))
    return store


def gone(store: Store, **asked: Any) -> set[str]:
    return {record.status for record in select(store, **({"older_than": None, "status": None, "model": None} | asked))}


def test_what_may_still_be_fetched_goes_only_where_it_is_named(store: Store) -> None:
    over = {"completed", "failed", "rejected", "cancelled"}
    assert gone(store, model="lucy-2.5") == gone(store, model="lucy-latest") == over
    assert gone(store, model=dnb.models.video("lucy-2.5")) == over
    assert gone(store, model="lucy-9") == set()
    assert gone(store, status="uncertain") == {"uncertain"}
    assert gone(store, status=("unreachable", "failed")) == {"unreachable", "failed"}
    assert gone(store, older_than=0) == over
    assert gone(store, older_than=3.5) == {"failed", "completed"}
    assert gone(store, older_than=3.5, status=["failed", "cancelled"]) == {"failed"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "needs to know what"),
        ({"older_than": "x"}, "must be days"),
        ({"older_than": True}, "must be days"),
        ({"older_than": math.nan}, "must be days"),
        ({"older_than": -1}, "must be days"),
        ({"older_than": math.inf}, "must be days"),
        ({"status": 3}, "no status 3. There are completed, failed"),
        ({"status": "fialed"}, "Did you mean failed"),
        ({"status": ["failed", None]}, "no status None"),
        ({"status": [["failed"]]}, "no status"),
        ({"status": ""}, "no status ''"),
        ({"status": []}, "status is empty"),
        ({"status": "pending"}, "pending is under way, and stays"),
        ({"model": 3}, "must be a model's name, not 3"),
        ({"model": ["lucy-2.5"]}, "must be a model's name"),
    ],
    ids=str,
)
def test_what_is_said_badly_is_an_error(store: Store, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(dnb.InvalidInputError) as caught:
        gone(store, **asked)
    assert words in caught.value.message


@pytest.fixture
def live(canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    sweeping.alone(monkeypatch)
    with sweeping.connected(canned_queue) as opened:
        yield opened


def test_only_true_deletes(live: Session, small_video: Path) -> None:
    clip = live.generate("lucy-2.5", "a", data=small_video)
    for delete in ("no", 1, None):
        with pytest.raises(dnb.InvalidInputError, match="delete must be True or False"):
            live.prune(older_than=0, delete=delete)
    assert clip.path.exists()
    assert len(live.prune(older_than=0)) == 1
    assert len(live.prune(older_than=0, delete=True)) == 1
    assert not clip.path.exists()
