"""Unfinished calls: which one the cursor is in, and what was given to it."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from decart_nb.notebook.call_site import call_site


@pytest.mark.parametrize(
    ("code", "callee", "position", "string"),
    [
        ('generate("lu', "generate", 0, "lu"),
        ("dnb.generate('lu", "dnb.generate", 0, "lu"),
        ('dnb.generate ( """two\nlines', "dnb.generate", 0, "two\nlines"),
        ('x = await dnb.submit(r"a\\"b', "dnb.submit", 0, 'a\\"b'),
        ('f(g("a", (1, 2)), "b, c", {"d": [3, 4]}, "e', "f", 3, "e"),
        ('f(g("a", "b', "g", 1, "b"),
        ('f(model=["a", "b', "f", 0, "b"),
        ('f(1, x=("a", "b', "f", 1, "b"),
        ('f(\n    "a",  # it\'s "one, two(\n    "b', "f", 1, "b"),
        ("!echo it's\nf(\"a", "f", 0, "a"),
        ("f(a, b", "f", 1, None),
        ("f(", "f", 0, None),
        ("f(g(1), ", "f", 1, None),
        ('models["lu', "models", 0, "lu"),
        ('f(x[1], "a', "f", 1, "a"),
        ('é.ü("a', "é.ü", 0, "a"),
    ],
)
def test_the_innermost_call_is_found(code: str, callee: str, position: int, string: str | None) -> None:
    site = call_site(code)
    assert site is not None
    assert (site.callee, site.position, site.string) == (callee, position, string)
    assert site.is_subscription == ("models[" in code)


@pytest.mark.parametrize(
    "code", ["", "x", "f()", '"f(', "# f(", "f(1)\n", "(1, 2", "[", 'f({"a', "f(x={", ")f", "f(a))(", "'''f("]
)
def test_outside_of_calls_there_is_none(code: str) -> None:
    assert call_site(code) is None


@pytest.mark.parametrize(
    ("code", "keyword", "word"),
    [
        ('f("a", pro', None, "pro"),
        ('f("a", ', None, ""),
        ("f(", None, ""),
        ("f(a == b", None, None),
        ("f(prompt=", "prompt", None),
        ("f(prompt = x", "prompt", None),
        ('f("a", prompt="x', "prompt", None),
        ('f("a', None, None),
        ("f(a.b", None, None),
        ("f(a, *b", None, None),
    ],
)
def test_the_current_argument_is_read(code: str, keyword: str | None, word: str | None) -> None:
    site = call_site(code)
    assert site is not None
    assert (site.keyword, site.word) == (keyword, word)


def test_what_was_given_before_is_known() -> None:
    site = call_site('f("lucy-2.5", data=x["a, b"], prompt = "p", a == b, se')
    assert site is not None
    assert site.first == "lucy-2.5"
    assert {name: text.strip() for name, text in site.given.items()} == {"data": 'x["a, b"]', "prompt": '"p"'}
    for code in ("f(a, ", 'f("a" + "b", ', 'f(f"{a}" , ', "f("):
        assert call_site(code).first is None


@given(st.text(alphabet="f(g[{)]}\"'\\,=# \n.a1é", max_size=60))
def test_any_text_has_an_answer(code: str) -> None:
    site = call_site(code)
    if site is not None:
        assert site.callee in code
        assert code.endswith(site.current)
        assert site.string is None or code.endswith(site.string)


def test_long_code_is_read_in_one_pass() -> None:
    assert call_site("f(a, " * 50_000).position == 1
