"""The catalogue as a list: what is live comes first, one model is found by its name, and a table shows all."""

from __future__ import annotations

import re

import pytest

from decart_nb import ModelDefinition, ModelNotFoundError, models
from decart_nb.request.models import Models
from tests.model_facts import FACTS, RESTYLES


def _named(status: str) -> list[str]:
    return [name for name, fact in FACTS.items() if fact.status == status]


def test_live_models_come_first_and_retired_ones_last() -> None:
    assert [model.name for model in models] == [*_named("live"), *_named("deprecated"), *_named("retired")]


@pytest.mark.parametrize("status", ["live", "deprecated", "retired"])
def test_the_models_of_a_status_are_a_catalogue_of_their_own(status: str) -> None:
    part = getattr(models, status)
    assert isinstance(part, Models)
    assert [model.name for model in part] == _named(status)
    assert len(repr(part).splitlines()) == len(part) + 1
    assert "<details" not in part._repr_html_()


@pytest.mark.parametrize("name", FACTS)
def test_a_model_is_found_by_subscription(name: str) -> None:
    assert models[name] is models.video(name)
    assert name in models._ipython_key_completions_()


def test_the_subscription_of_an_unknown_name_offers_the_closest() -> None:
    with pytest.raises(ModelNotFoundError, match=r"Did you mean lucy-2\.5"):
        models["lucy-2,5"]
    with pytest.raises(ModelNotFoundError):
        models.live["lucy-pro-t2v"]


def test_the_table_shows_every_model_as_text_and_as_html() -> None:
    page, texts = models._repr_html_(), repr(models).splitlines() + repr(models.retired).splitlines()
    assert page.count("<tr>") == 22 + 2
    for name, fact in FACTS.items():
        line = next(line for line in texts if line.split()[:1] == [name])
        row = next(row for row in page.split("<tr>") if f">{name}</td>" in row)
        for shown in (f"{fact.size[0]}×{fact.size[1]}", fact.status, f"{fact.price:.2f}" if fact.price else "unknown"):
            assert shown in line
            assert shown in row


def test_retired_models_are_folded() -> None:
    text, page = repr(models), models._repr_html_()
    table, _, folded = text.partition("\n\n")
    shown, _, hidden = page.partition("<details>")
    for name, fact in FACTS.items():
        is_retired = fact.status == "retired"
        assert (name in folded, f">{name}</td>" in hidden) == (is_retired, is_retired)
        assert (f"\n{name} " in table, f">{name}</td>" in shown) == (not is_retired, not is_retired)
    assert len(folded.splitlines()) == 1
    assert "<details open" not in page


@pytest.mark.parametrize("name", FACTS)
def test_the_stars_are_at_what_a_request_cannot_do_without(name: str) -> None:
    fact, own = FACTS[name], Models([models[name]])
    for text in (repr(own).splitlines()[-1], own._repr_html_()):
        starred = set(re.findall(r"(\w+)\*", text.replace("(* required)", "")))
        assert starred == set(fact.required.split())
        assert ("(either prompt or reference_image)*" in text) == (name in RESTYLES)
        assert text.count("reference_image") <= 1


def test_the_html_table_escapes_what_it_shows() -> None:
    page = Models((ModelDefinition(name="<script>&", width=2, height=2, fps=1),))._repr_html_()
    assert "&lt;script&gt;&amp;" in page
    assert "<script" not in page


def test_a_name_is_in_the_catalogue_or_not_and_a_model_shows_what_it_is() -> None:
    assert "lucy-2.5" in models
    assert "lucy-9" not in models
    assert repr(models["lucy-2.5"]) == (
        "<lucy-2.5: video-to-video, 1280×720 at 20 fps, live, $0.04 a second; inputs (* required): prompt*, data*, "
        "reference_image, seed, resolution, enhance_prompt, self_anchor>"
    )
    assert "price unknown; inputs" in repr(models["lucy-2.6"])
    assert repr(ModelDefinition(name="mine", width=2, height=2, fps=1)) == (
        "<mine: custom model, 2×2 at 1 fps, custom, price unknown>"
    )


@pytest.mark.parametrize("name", FACTS)
def test_a_model_alone_is_shown_with_its_price_and_what_each_input_takes(name: str) -> None:
    fact, page = FACTS[name], models[name]._repr_html_()
    assert f"{name}: {models[name].kind}, {fact.status}" in page
    assert f"${fact.price:.2f} for a generated second" in page if fact.price else "price: unknown" in page
    rows = dict(re.findall(r">(\w+)</td><td[^>]*>[^<]*</td><td[^>]*>([^<]*)</td>", page))
    assert [*rows] == [field.name for field in models[name].fields or ()]
    required = {field for field, condition in rows.items() if condition.startswith(("required", "this or"))}
    assert required == set(fact.required.split()) | ({"prompt", "reference_image"} if name in RESTYLES else set())


def test_a_model_of_ones_own_is_escaped() -> None:
    assert "<script" not in ModelDefinition(name="<script>&", width=2, height=2, fps=1)._repr_html_()
