"""The facts of Decart's models, restated as data, and the least that each model takes."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from decart_nb import models
from decart_nb.request.validation import check


class Fact(NamedTuple):
    """What is known about a model: ``either`` names the inputs of which exactly one is required."""

    required: str
    optional: str
    size: tuple[int, int]
    fps: int
    status: str
    price: float | None
    seconds: float | None
    either: str = ""


WIDE, HD, VTON = (1280, 704), (1280, 720), (1088, 624)


CLIP = "reference_image seed resolution enhance_prompt"


def clip(status: str) -> Fact:
    return Fact("prompt data", CLIP, WIDE, 25, status, 0.15, 5)


def restyle(status: str) -> Fact:
    return Fact("data", "seed resolution enhance_prompt", WIDE, 22, status, 0.01, None, "prompt reference_image")


def lucy2(price: float | None, size: tuple[int, int] = HD, status: str = "live", more: str = "") -> Fact:
    return Fact("prompt data", f"{CLIP} {more}", size, 20, status, price, None)


FACTS = {
    "lucy-pro-t2v": Fact("prompt", "seed resolution orientation", WIDE, 25, "retired", 0.08, 5),
    "lucy-pro-i2v": Fact("prompt data", "seed resolution", WIDE, 25, "retired", None, 5),
    "lucy-dev-i2v": Fact("prompt data", "seed resolution", WIDE, 25, "retired", None, 5),
    "lucy-pro-v2v": clip("deprecated"),
    "lucy-fast-v2v": Fact("prompt data", "seed resolution enhance_prompt", HD, 25, "retired", None, 5),
    "lucy-pro-flf2v": Fact("prompt start end", "seed resolution", WIDE, 25, "retired", None, 5),
    "lucy-motion": Fact("data trajectory", "seed resolution", WIDE, 25, "retired", None, 5),
    "lucy-restyle-v2v": restyle("deprecated"),
    "lucy-restyle-2": restyle("live"),
    "lucy-restyle-latest": restyle("live"),
    "lucy-2.1": lucy2(0.04),
    "lucy-2.5": lucy2(0.04, more="self_anchor"),
    "lucy-2.6": lucy2(None),
    "lucy-latest": lucy2(0.04),
    "lucy-vton-3.5": lucy2(None),
    "lucy-vton-3.6": lucy2(None),
    "lucy-vton-latest": lucy2(None),
    "lucy-clip": clip("deprecated"),
    "lucy-clip-latest": clip("deprecated"),
    "lucy-vton-2": lucy2(0.04, VTON, "deprecated"),
    "lucy-vton-3": lucy2(0.04, VTON, "deprecated"),
    "lucy-2.1-vton-2": lucy2(0.04, VTON, "deprecated"),
}
SUCCESSORS = {
    "lucy-pro-v2v": "lucy-clip",
    "lucy-restyle-v2v": "lucy-restyle-2",
    "lucy-2.1-vton-2": "lucy-vton-2",
}
IMAGES = {"lucy-pro-i2v", "lucy-dev-i2v", "lucy-motion"}
BOTH_RESOLUTIONS = ("lucy-pro-t2v", "lucy-pro-i2v", "lucy-pro-flf2v")
ONE_RESOLUTION = ("lucy-dev-i2v", "lucy-pro-v2v", "lucy-fast-v2v", "lucy-motion", "lucy-restyle-v2v")
RESTYLES = [name for name, fact in FACTS.items() if fact.either]
EMPTY_PROMPT = [name for name in FACTS if re.match(r"lucy-(2|vton|latest)", name)]
POINT = {"frame": 0, "x": 0.5, "y": 0.25}
MINIMAL: dict[str, Any] = {
    "prompt": "a cat",
    "trajectory": [POINT, POINT | {"frame": 9}],
    **dict.fromkeys(("data", "start", "end"), b"a file, which is read elsewhere"),
}


def inputs_of(name: str, **more: Any) -> dict[str, Any]:
    """The least that the model takes, and more."""
    fact = FACTS[name]
    least = {field: MINIMAL[field] for field in (fact.required + " " + fact.either.partition(" ")[0]).split()}
    return least | more


def problems_of(name: str, **more: Any) -> dict[str, str]:
    """What is wrong with the least that the model takes and more: message by field."""
    return {problem.field: problem.message for problem in check(models.video(name), inputs_of(name, **more))[1]}


def value_of(name: str, field: str, value: Any) -> Any:
    """The value as it is sent."""
    values, problems = check(models.video(name), inputs_of(name, **{field: value}))
    assert not problems
    return values[field]
