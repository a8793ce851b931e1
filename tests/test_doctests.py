"""The examples in the docstrings of the public names: each runs, on the local queue."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path

import pytest

import decart_nb as dnb

#: In a shell, generate prints where its video is; in a notebook, which the examples are for, it shows the video.
_PATH = re.compile(r"^\S+/decart_runs/\S+\.mp4\n", re.MULTILINE)


class _InNotebook(doctest.OutputChecker):
    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(want, _PATH.sub("", got), optionflags)


def _documented() -> dict[str, doctest.DocTest]:
    """The examples by the names of what they are of: functions, classes and their public methods, objects."""
    finder, found = doctest.DocTestFinder(exclude_empty=True), {}
    for name in dnb.__all__:
        value = getattr(dnb, name)
        owner = value if inspect.isroutine(value) or inspect.isclass(value) else type(value)
        for test in finder.find(owner, name, module=False, globs={}):
            if test.examples:
                found[test.name] = test
    return found


_EXAMPLES = _documented()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples, so that what several ask for is made once."""
    return tmp_path_factory.mktemp("examples")


@pytest.mark.parametrize("name", _EXAMPLES)
def test_an_example_runs(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    told: list[str] = []
    runner = doctest.DocTestRunner(_InNotebook(), optionflags=doctest.FAIL_FAST)
    failed, tried = runner.run(_EXAMPLES[name], out=told.append)
    assert tried
    assert not failed, "".join(told)


def test_what_one_types_first_has_an_example() -> None:
    assert set(_EXAMPLES) >= {"attach", "connect", "generate", "models", "sample", "submit", "sweep.__call__"}


@pytest.mark.parametrize("name", ["connect", "generate", "submit", "attach", "sample"])
def test_a_function_explains_its_own_arguments(name: str) -> None:
    function = getattr(dnb, name)
    _, _, arguments = inspect.getdoc(function).partition("Args:\n")
    explained = {word for line in re.findall(r"^    ([\w, ]+):", arguments, re.MULTILINE) for word in line.split(", ")}
    assert set(inspect.signature(function).parameters) <= explained
    assert "as for" not in arguments
