"""Reading of unfinished code: which call the cursor is in, and what has been given to it so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

_CALLEE = re.compile(r"([^\W\d][\w.]*)\s*\Z")
_KEYWORD = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)")
_WORD = re.compile(r"\s*([^\W\d]\w*)?\Z")
_LITERAL = re.compile(r"""\s*[rRuU]?(["'])([^"'\\]*)\1\s*\Z""")
_MAX_CALLEE_LENGTH = 200
_CLOSING = {")": "(", "]": "[", "}": "{"}


@dataclass
class CallSite:
    """A call, or a subscription, whose end is not written yet.

    Attributes:
        callee: the dotted name that is called.
        is_subscription: whether it is subscribed, as in ``models["…``.
        arguments: the texts of the arguments before the current one.
        current: the text of the current argument, up to the cursor.
        string: the text of the string that the cursor is in, from its quote on; ``None`` outside of strings.
    """

    callee: str
    is_subscription: bool
    arguments: list[str]
    current: str
    string: str | None

    @property
    def position(self) -> int:
        """The number of the current argument."""
        return len(self.arguments)

    @property
    def keyword(self) -> str | None:
        """The name of the current argument, where it has one."""
        return found[1] if (found := _KEYWORD.match(self.current)) else None

    @property
    def word(self) -> str | None:
        """The beginning of what may become a keyword; ``None`` where none can stand."""
        if self.string is not None or not (found := _WORD.match(self.current)):
            return None
        return found[1] or ""

    @property
    def given(self) -> dict[str, str]:
        """The keyword arguments before the current one, as they are written."""
        found = ((_KEYWORD.match(text), text) for text in self.arguments)
        return {match[1]: text[match.end() :] for match, text in found if match}

    @property
    def first(self) -> str | None:
        """The first argument, where it is one literal string."""
        return literal(self.arguments[0]) if self.arguments else None


def literal(text: str) -> str | None:
    """The value of a plain literal string; ``None`` for other code."""
    return found[2] if (found := _LITERAL.match(text)) else None


@dataclass
class _Bracket:
    """An open bracket: its sign, where it stands, and where the commas directly in it stand."""

    sign: str
    at: int
    commas: list[int] = field(default_factory=list)

    def callee(self, code: str) -> str | None:
        """The dotted name before it, if there is one."""
        found = _CALLEE.search(code[max(0, self.at - _MAX_CALLEE_LENGTH) : self.at]) if self.sign != "{" else None
        return found[1] if found else None


def call_site(code: str) -> CallSite | None:
    """The innermost call or subscription that the end of the code is in, also inside a list in its arguments.

    Args:
        code: the code up to the cursor. It need not be valid.
    """
    brackets, string_at = _open_brackets(code)
    for bracket in reversed(brackets):
        if callee := bracket.callee(code):
            edges = [bracket.at, *bracket.commas]
            arguments = [code[begin + 1 : end] for begin, end in pairwise(edges)]
            string = None if string_at is None else code[string_at:]
            return CallSite(callee, bracket.sign == "[", arguments, code[edges[-1] + 1 :], string)
        if bracket.sign == "{":
            break  # in a list or a tuple, the cursor is in an argument; in a dictionary, it is at some key
    return None


def _open_brackets(code: str) -> tuple[list[_Bracket], int | None]:
    """The brackets that are open at the end of the code, and where the string that is open there begins."""
    brackets: list[_Bracket] = []
    at = 0
    while at < len(code):
        sign = code[at]
        if sign == "#":
            newline = code.find("\n", at)
            at = len(code) if newline < 0 else newline
        elif sign in "\"'":
            quote = sign * 3 if code.startswith(sign * 3, at) else sign
            end = _string_end(code, at + len(quote), quote)
            if end is None:
                return brackets, at + len(quote)
            at = end
        else:
            if sign in "([{":
                brackets.append(_Bracket(sign, at))
            elif sign in ")]}":
                if brackets and brackets[-1].sign == _CLOSING[sign]:
                    brackets.pop()
            elif sign == "," and brackets:
                brackets[-1].commas.append(at)
            at += 1
    return brackets, None


def _string_end(code: str, at: int, quote: str) -> int | None:
    """Where a string ends; ``None`` if the code ends in it. A line's end ends one that may have one line only."""
    while at < len(code):
        if code[at] == "\\":
            at += 2
        elif code.startswith(quote, at):
            return at + len(quote)
        elif code[at] == "\n" and len(quote) == 1:
            return at
        else:
            at += 1
    return None
