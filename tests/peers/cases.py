"""Requests for the peers' tests: every model at least once, and every input that a client encodes specially."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from decart_nb import media, models
from decart_nb.local.queue import LocalQueue

_DRIVE = Path(__file__).with_name("drive.py")
INPUT_SECONDS = 0.2


@dataclass(frozen=True)
class Case:
    """A request that a client is driven with.

    Attributes:
        model: its model's name.
        inputs: its plain fields.
        files: by field, which of the test's files, and the form in which a client is given it.
        way: the function of ``drive.py`` that runs it.
        more: further arguments of that function.
    """

    model: str
    inputs: dict[str, Any] = field(default_factory=dict)
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    way: str = "at_once"
    more: dict[str, Any] = field(default_factory=dict)


_TRAJECTORY = [
    {"frame": 0, "x": 0.25, "y": 0.5},
    {"frame": 60, "x": 0.5, "y": 0.25},
    {"frame": 124, "x": 0.75, "y": 0.5},
]
_OIL = {"prompt": "An oil painting"}

#: The eight models that this project is named for.
MISSION = [
    Case("lucy-pro-t2v", {"prompt": "A cat playing piano"}),
    Case("lucy-pro-t2v", {"prompt": "Rain", "seed": 2**32 - 1, "resolution": "480p", "orientation": "portrait"}),
    Case("lucy-pro-i2v", {"prompt": "Pull back", "seed": 0, "resolution": "480p"}, {"data": ("image", "bytes")}),
    Case("lucy-dev-i2v", {"prompt": "Zoom in", "resolution": "720p"}, {"data": ("image", "path")}, "by_hand"),
    Case("lucy-pro-v2v", {**_OIL, "seed": 3, "enhance_prompt": False}, {"data": ("video", "text")}),
    Case("lucy-fast-v2v", {**_OIL, "enhance_prompt": True}, {"data": ("video", "file")}, "by_hand"),
    Case(
        "lucy-pro-flf2v",
        {"prompt": "Morning becomes night", "seed": 4, "resolution": "480p"},
        {"start": ("image", "file"), "end": ("other image", "bytes")},
    ),
    Case("lucy-motion", {"trajectory": _TRAJECTORY, "seed": 5}, {"data": ("image", "bytes")}),
    Case("lucy-restyle-v2v", {**_OIL, "enhance_prompt": False, "seed": 6}, {"data": ("video", "path")}),
    Case("lucy-restyle-v2v", {}, {"data": ("video", "bytes"), "reference_image": ("image", "bytes")}, "by_hand"),
]

#: Those of Decart's SDK 0.2.4.
TODAY = [
    Case("lucy-2.1", {"prompt": ""}, {"data": ("video", "bytes")}),
    Case("lucy-2.5", {**_OIL, "resolution": "480p"}, {"data": ("video", "text")}, "by_hand"),
    Case("lucy-2.6", {**_OIL, "seed": 7}, {"data": ("video", "path"), "reference_image": ("image", "path")}),
    Case("lucy-latest", _OIL, {"data": ("video", "file")}),
    Case("lucy-vton-3.5", {**_OIL, "enhance_prompt": False}, {"data": ("video", "bytes")}, "by_hand"),
    Case("lucy-vton-3.6", {"prompt": ""}, {"data": ("video", "path"), "reference_image": ("image", "bytes")}),
    Case("lucy-vton-latest", {**_OIL, "enhance_prompt": True}, {"data": ("video", "path")}),
    Case("lucy-restyle-2", {**_OIL, "seed": 8, "resolution": "720p"}, {"data": ("video", "path")}),
    Case("lucy-restyle-latest", {}, {"data": ("video", "path"), "reference_image": ("image", "file")}, "by_hand"),
]

#: Those of the summer of 2026, which no published SDK of these two has.
SUMMER = [
    Case("lucy-clip", _OIL, {"data": ("video", "path"), "reference_image": ("image", "path")}),
    Case("lucy-clip-latest", _OIL, {"data": ("video", "path")}),
    Case("lucy-vton-2", {**_OIL, "resolution": "480p"}, {"data": ("video", "path")}),
    Case("lucy-vton-3", {"prompt": ""}, {"data": ("video", "path")}, "by_hand"),
    Case("lucy-2.1-vton-2", _OIL, {"data": ("video", "path")}),
]


def drive(
    python: str | Path, library: str, queue: LocalQueue, cases: Sequence[Case], files: dict[str, Path], **more: Any
) -> list[dict[str, Any]]:
    """Run cases concurrently in a child process, and return their outcomes, each with its ``target``."""
    asked = [
        {
            "model": case.model,
            "inputs": case.inputs,
            "files": {name: (str(files[which]), form) for name, (which, form) in case.files.items()},
            "way": case.way,
            "target": str(Path.cwd() / f"{library}-{number}.mp4"),
            **case.more,
        }
        for number, case in enumerate(cases)
    ]
    message = {"base_url": queue.base_url, "api_key": queue.api_key, "cases": asked} | more
    child = subprocess.run(
        [python, _DRIVE, library], input=json.dumps(message), capture_output=True, text=True, timeout=120, check=False
    )
    assert child.returncode == 0, child.stderr
    return [outcome | {"target": case["target"]} for outcome, case in zip(json.loads(child.stdout), asked, strict=True)]


def check(case: Case, outcome: dict[str, Any]) -> None:
    """Assert that a case has completed with a video of its model's size, frame rate and length."""
    model = models.video(case.model)
    assert outcome.get("result") == "completed", outcome
    order = ["pending", "processing", "completed"]
    assert outcome["statuses"] == sorted(outcome["statuses"], key=order.index)
    assert outcome["statuses"][0] == "pending"
    assert outcome["statuses"].count("completed") == 1
    assert outcome.get("jobs", 1) == 1

    video = media.probe(outcome["target"])
    size = model.size(case.inputs.get("resolution"), case.inputs.get("orientation"))
    from_video = any(which == "video" for which, _ in case.files.values())
    assert (video.codec, video.width, video.height) == ("h264", *size)
    assert video.fps == model.fps
    assert abs(video.duration - (INPUT_SECONDS if from_video else 5.0)) <= 1 / model.fps
