"""The parser of the program's arguments, which says what was meant by an option or a command that there is not."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn

from .._util import console
from .._util.console import say, stderr
from .._util.text import did_you_mean, printable

_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)", re.DOTALL)
_NAME = re.compile(r"[\w-]+")


class ArgumentParser(argparse.ArgumentParser):
    """An argument parser that suggests similar names, and prints by way of ``_util.console``."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, which a command's own parser is called by too. An option that there is not is an error.

        The error is that of the command, which knows its options: argparse would leave it to the whole program.
        """
        found, unknown = super().parse_known_args(args, namespace)
        option = next((text.partition("=")[0] for text in unknown if text.startswith("-")), None)
        if option is not None:
            known = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
            self.error(f"there is no option {printable(option, limit=100)}.{did_you_mean(option, known)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """As argparse's, with what was meant by a command or a choice that there is not."""
        if choice := _CHOICE.search(message):
            message += f".{did_you_mean(choice[1], _NAME.findall(choice[2]))}"
        super().error(message)

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:
            say(message.rstrip("\n"), console.stdout if file is sys.stdout else stderr)
