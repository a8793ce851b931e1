"""The one dialect of prompt templates."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from decart_nb.notebook.magic_parser import fill as magic_fill
from decart_nb.sweeps.template import escape, fill, is_template, placeholders

NAMES = ["animal", "place", "camera move", "shot-2", "ünï"]
CHOICES = {"animal": "cat {place}", "place": "Rome", "n": 2, "none": r"\1"}


def test_placeholders_are_names_in_braces() -> None:
    assert placeholders("a {animal} in {place}, {animal}") == ("animal", "place")
    assert placeholders("{camera move} {shot-2}") == ("camera move", "shot-2")
    assert placeholders('{"zoom": {"to": 2}} {} { } {seed:03d} {a!r} {[0]} {0.5} {{animal}} {') == ()


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("a {animal} in {place}", "a cat {place} in Rome"),
        ("{none}{{n}}", r"\1{n}"),
        ("{{{n}}}", "{2}"),
        ("{{ {n} }} {", "{ 2 } {"),
        ('{"a": {n}, "b": {"c": "{other}"}}', '{"a": 2, "b": {"c": "{other}"}}'),
        ('{"a": {"b": {"c": 1}}}', '{"a": {"b": {"c": 1}}}'),
        ("{n:03d} {n!r} {n.real}", "{n:03d} {n!r} {n.real}"),
    ],
)
def test_a_template_is_filled_once_and_doubled_braces_are_braces(template: str, text: str) -> None:
    assert fill(template, CHOICES) == text


def test_magics_have_the_same_dialect() -> None:
    for template in ("a {animal} {{n}}", "{{{n}}}", '{"a": {"b": {"c": 1}}}'):
        assert magic_fill(template, CHOICES) == fill(template, CHOICES)


@settings(deadline=None)  # the machine may be busy
@given(st.text() | st.text("{}an "))
def test_an_escaped_text_stands_for_itself(text: str) -> None:
    assert fill(escape(text), {"a": "filled", "an": "filled"}) == text
    assert not placeholders(escape(text))
    if not is_template(text):
        assert escape(text) == text


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(st.text(st.characters(exclude_characters="{}")), st.sampled_from(NAMES))), st.data())
def test_a_template_is_its_texts_with_the_choices_between(parts: list[tuple[str, str]], data: st.DataObject) -> None:
    choices = {name: data.draw(st.text() | st.integers() | st.none()) for _, name in parts}
    template = "".join(f"{text}{{{name}}}" for text, name in parts)
    assert placeholders(template) == tuple(choices)
    assert fill(template, choices) == "".join(f"{text}{choices[name]}" for text, name in parts)
