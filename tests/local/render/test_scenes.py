"""Text to video: scenes that move, loop, and differ."""

from __future__ import annotations

import itertools
from pathlib import Path

from tests.local.render.rendering import apart, made, small

PROMPTS = (
    "A cat playing piano in a cozy living room",
    "a fox in the snow at night",
    "sunset over the ocean",
    "neon city in the rain",
    "desert canyon",
    "sand dunes at noon",
    "northern lights over a forest",
    "a galaxy far away",
    "a mountain lake at dawn",
    "green hills in spring",
    "volcano in autumn",
    "abstract silk",
    "an old man laughing",
    "",
)


def test_text_to_video_moves_loops_and_differs_by_prompt(tmp_path: Path) -> None:
    firsts = []
    for prompt in PROMPTS:
        shown = made(tmp_path, small("text-to-video", seconds=2), {"prompt": prompt})
        assert len(shown) == 20
        steps = [apart(one, two) for one, two in itertools.pairwise(shown)]
        assert min(steps) > 0.02, f"{prompt!r} stands still"
        assert apart(shown[-1], shown[0]) < 3 * max(steps) + 0.5, f"{prompt!r} does not come back to its beginning"
        assert max(apart(shown[0], rgb) for rgb in shown) > 0.5
        assert shown[0].std() > 12, f"{prompt!r} is flat"
        firsts.append(shown[0])
    for one, two in itertools.combinations(firsts, 2):
        assert apart(one, two) > 5


def test_words_choose_the_light(tmp_path: Path) -> None:
    night, day = (
        made(tmp_path, small("text-to-video", 0.3), {"prompt": f"mountains {when}"})[0]
        for when in ("at night", "at noon")
    )
    assert night.mean() < 0.6 * day.mean()
