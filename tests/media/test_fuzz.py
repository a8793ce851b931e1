"""Damaged images and videos, in a process of their own: a decoder may end it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROUNDS = int(os.environ.get("DECART_NB_FUZZ", "150"))
ROOT = Path(__file__).parents[2]


def test_damaged_media_are_used_or_refused_in_one_sentence_each(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.media_fuzz", str(ROUNDS), "20"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = json.loads(ended.stdout)
    assert found["wrong"] == []
    assert found["refused"] > ROUNDS
    assert found["used"] > ROUNDS / 10
    assert (found["mebibytes"] or 0) < 500
