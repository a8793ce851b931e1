"""Measures the time of the local queue's renderer against encoding alone of the same frames.

Run with ``python -m benchmarks.render``. Both write five seconds with the same encoder and the same settings; the bare
encoding has its frames ready in memory as RGB arrays. They take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from decart_nb import media
from decart_nb.local.render import scenes
from decart_nb.local.render.render import CRF, PRESET, render
from decart_nb.local.render.shot import Shot, seeded
from decart_nb.request.catalogue import models
from decart_nb.request.models import ModelDefinition

PROMPTS = (
    "A cat playing piano in a cozy living room",
    "a fox in the snow at night",
    "sunset over the ocean",
    "neon city in the rain",
    "a mountain lake at dawn",
    "abstract music",
)


def main() -> None:
    """Measures, and prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        _text_to_video(Path(folder), rounds)
        _other_kinds(Path(folder), rounds)


def _text_to_video(folder: Path, rounds: int) -> None:
    model, target = models.video("lucy-pro-t2v"), folder / "out.mp4"
    print(f"text to video, 125 frames of {model.width}×{model.height}: medians of {rounds} rounds, in seconds\n")
    print(f"{'prompt':44} {'render':>8} {'encode':>8} {'ratio':>7}")
    ratios = []
    for prompt in PROMPTS:
        scene = scenes.animate(Shot(prompt, seeded(model.name, prompt, 0), model.size(), 125))
        ready = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in scene]
        pairs = [
            (
                _timed(_render, model, {"prompt": prompt}, {}, target),
                _timed(media.encode, ready, target, fps=model.fps, crf=CRF, preset=PRESET),
            )
            for _ in range(rounds)
        ]
        rendered, encoded = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratios.append(rendered / encoded)
        print(f"{prompt:44} {rendered:8.2f} {encoded:8.2f} {ratios[-1]:7.2f}", flush=True)
    print(f"{'median':44} {'':8} {'':8} {statistics.median(ratios):7.2f}\n")


def _other_kinds(folder: Path, rounds: int) -> None:
    still, video, target = folder / "still.png", folder / "video.mp4", folder / "out.mp4"
    scene = folder / "scene.mp4"
    _render(models.video("lucy-pro-t2v"), {"prompt": "a mountain lake at dawn"}, {}, scene)
    Image.fromarray(next(iter(media.frames(scene)))).save(still)
    media.encode((np.ascontiguousarray(rgb) for rgb in media.frames(scene)), video, fps=25)
    path = [{"frame": 0, "x": 0.3, "y": 0.4}, {"frame": 100, "x": 0.7, "y": 0.6}]
    rows: tuple[tuple[str, dict[str, Any], dict[str, Path]], ...] = (
        ("lucy-pro-i2v", {"prompt": "the camera pulls back"}, {"data": still}),
        ("lucy-pro-flf2v", {"prompt": "a journey"}, {"start": still, "end": still}),
        ("lucy-motion", {"trajectory": path}, {"data": still}),
        ("lucy-restyle-2", {"prompt": "golden autumn"}, {"data": video}),
        *(
            ("lucy-pro-v2v", {"prompt": look}, {"data": video})
            for look in (
                "oil painting",
                "blueprint",
                "claymation",
                "comic",
                "pencil",
                "pixel art",
                "neon",
                "film noir",
            )
        ),
    )
    print(f"five seconds of the other kinds: medians of {rounds} rounds, in seconds\n")
    for name, values, files in rows:
        times = [_timed(_render, models.video(name), values, files, target) for _ in range(rounds)]
        print(f"{name + ', ' + str(values.get('prompt', '')):44} {statistics.median(times):8.2f}", flush=True)


def _render(model: ModelDefinition, values: dict[str, Any], files: dict[str, Path], target: Path) -> None:
    render(model, values, files, 0, target)


def _timed(work: Callable[..., None], *what: Any, **more: Any) -> float:
    start = time.perf_counter()
    work(*what, **more)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
