"""A program for Decart's own client runs on ours with its import changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = Path(__file__).with_name("drop_in.py")


def test_only_the_import_changes(decart_0_0_20, rendering_queue, files, tmp_path, monkeypatch):
    monkeypatch.setenv("DECART_API_KEY", rendering_queue.api_key)
    monkeypatch.setenv("QUEUE_URL", rendering_queue.base_url)
    monkeypatch.setenv("VIDEO", str(files["video"]))
    program = _PROGRAM.read_text(encoding="utf-8")
    assert program.count("from decart import ") == program.count("decart ") == 1
    ours = tmp_path / "drop_in.py"
    ours.write_text(program.replace("from decart import ", "from decart_nb import "), encoding="utf-8")

    runs = [
        subprocess.Popen([python, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for python, script in ((decart_0_0_20, _PROGRAM), (sys.executable, ours))
    ]
    (theirs, their_errors), (said, our_errors) = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], their_errors + our_errors
    assert said == theirs
    assert our_errors == ""
    told, result, *videos = said.splitlines()
    assert (told, result) == ("told: completed pending", "result: completed")
    assert len(videos) == 2
    assert all(video.startswith("mp4: True ") for video in videos)
