"""The manual's page on metrics: its table says what the metrics say of themselves, and its example of CLIP runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import decart_nb as dnb
from decart_nb.metrics.builtin import BUILTIN
from tests.metric_clips import moving, table, write

_PAGE = (Path(__file__).parents[2] / "docs/manual/metrics.md").read_text()


def test_the_table_has_each_metric_with_its_unit_its_filter_and_what_it_says_of_itself() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| `(\w+)` \| (.+) \|$", _PAGE, re.MULTILINE)
    assert rows == [(metric.name, metric.unit, metric.filter[0], metric.about) for metric in BUILTIN.values()]


def test_the_example_with_clip_measures_clips_with_a_stand_in_for_its_model(monkeypatch, tmp_path) -> None:
    loaded = []

    def cosine(ones, others):
        return (ones * others).sum(-1) / np.linalg.norm(ones, axis=-1) / np.linalg.norm(others, axis=-1)

    model = SimpleNamespace(
        encode_image=lambda pictures: pictures.mean(axis=(1, 2)), encode_text=lambda texts: np.ones((len(texts), 3))
    )
    model.eval = lambda: model

    def create(name, pretrained):
        loaded.append(name)
        return model, None, lambda image: np.asarray(image, float)

    functional = SimpleNamespace(cosine_similarity=cosine)
    torch = SimpleNamespace(no_grad=np.errstate, stack=np.stack, nn=SimpleNamespace(functional=functional))
    open_clip = SimpleNamespace(create_model_and_transforms=create, get_tokenizer=lambda name: list)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "open_clip", open_clip)
    example = next(block for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL) if "load_clip" in block)
    exec(example, {"dnb": dnb})
    blue = np.zeros((64, 96, 3), np.uint8) + np.array([0, 0, 250], np.uint8)
    paths = [write(tmp_path / f"{number}.mp4", clip) for number, clip in enumerate((moving(20), [blue] * 20))]
    found = table(*paths).decart.measure(["looks_like_oil", "motion"])
    assert loaded == ["ViT-B-32"]
    grey, coloured = found["looks_like_oil"]
    assert grey > 0.9
    assert coloured == pytest.approx(1 / np.sqrt(3), abs=0.05)
