"""What the program says of options and commands that there are not."""

from __future__ import annotations

import pytest

from decart_nb.cli import main as cli


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["make", "lucy-2.5", "--promt", "x"],
            "decart-nb make: error: there is no option --promt. Did you mean --prompt",
        ),
        (["sweep", "a.csv", "--out", "b", "--max-costs=5"], "there is no option --max-costs. Did you mean --max-cost"),
        (["jobs", "--stauts", "failed"], "there is no option --stauts. Did you mean --status"),
        (["jobs", "--zebra\x1b[2J"], "there is no option --zebra [2J.\n"),
        (["job"], "Did you mean jobs"),
        (["jobs", "more"], "unrecognized arguments: more"),
        (["--vresion"], "there is no option --vresion. Did you mean --version"),
    ],
    ids=["make", "with a value", "jobs", "nothing like it", "a command", "an argument", "the program"],
)
def test_a_name_that_there_is_not_is_told_with_what_was_meant(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_the_beginning_of_an_option_is_that_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "--al"]) == 0
    assert "Retired at Decart" in capsys.readouterr().out
