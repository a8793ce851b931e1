"""Foreign text becomes one printable line."""

import re

import pytest

from decart_nb._util.text import did_you_mean, printable


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("no room", "no room"),
        ("no\n  room\t", "no room"),
        ("\x1b]0;OWNED\x07\x1b[2Jroom", "]0;OWNED [2Jroom"),
        ("a\u202egpj.exe", "a gpj.exe"),
        ("half \ud800 a character", "half a character"),
        ("\x9b31mred", "31mred"),
        ("👩\u200d🎨 für Ölgemälde 油絵", "👩\u200d🎨 für Ölgemälde 油絵"),
    ],
    ids=["plain", "breaks", "escapes", "bidi", "surrogate", "c1", "scripts"],
)
def test_text_becomes_one_printable_line(text, line):
    assert printable(text) == line


def test_long_text_is_cut():
    assert printable("x" * 50, limit=10) == "x" * 9 + "…"


def test_secrets_are_left_out_before_the_text_is_cut():
    line = printable("key dct_SECRET_0123 is over its quota", secrets=["dct_SECRET_0123"], limit=12)
    assert line == "key … is ov…"


def test_a_secret_too_short_to_tell_takes_no_letters_out_of_words():
    assert printable("a cat", secrets=["a", ""]) == "a cat"


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("promt", ["prompt", "seed"], " Did you mean prompt?"),
        ("PROMPT", ["prompt"], " Did you mean prompt?"),
        ("aab", ["aaa", "aac"], " Did you mean aac or aaa?"),
        ("zebra", ["prompt", "seed"], ""),
        ("anything", [], ""),
        ("", ["prompt"], ""),
    ],
)
def test_did_you_mean_offers_the_closest_words_or_nothing(word: str, known: list[str], hint: str) -> None:
    offered = did_you_mean(word, known)
    assert set(re.findall(r"\w+", offered)) == set(re.findall(r"\w+", hint))
    assert offered[:1] == hint[:1]


def test_did_you_mean_offers_no_more_than_three() -> None:
    words = [f"lucy-{number}" for number in range(9)]
    assert len(re.findall(r"lucy-\d", did_you_mean("lucy-", words))) == 3
