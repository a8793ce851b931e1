"""What IPython shows under a cell that one of our errors has ended: the cell's own line and the message."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from decart_nb._util.short_traceback import short_traceback, with_short_traceback
from decart_nb.notebook import magics

_SETUP = """
import decart_nb as dnb
from decart_nb._util.short_traceback import with_short_traceback
"""
_TYPO = 'clip = dnb.generate("lucy-2.5x", prompt="a")'
Shown = Callable[[str], list[str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shown]:
    """Runs a cell in the process's own shell, and gives the lines that it shows, without colours."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(
        config=Config({"HistoryManager": {"enabled": False}}), ipython_dir=str(tmp_path / "ipython")
    )
    shell.run_cell(_SETUP, store_history=True).raise_error()

    def run(code: str) -> list[str]:
        capsys.readouterr()
        shell.run_cell(code, store_history=True)
        run.raw = capsys.readouterr().out
        return re.sub(r"\x1b\[[0-9;]*m", "", run.raw).splitlines()

    run.shell = shell
    yield run
    InteractiveShell.clear_instance()


def test_a_typo_shows_the_cells_own_line_and_one_sentence(shown) -> None:
    place, code, message = shown(f"1 + 1\n{_TYPO}")
    assert place == "Cell In[2], line 2"
    assert code == f"----> 2 {_TYPO}"
    assert message.startswith("ModelNotFoundError: Model lucy-2.5x not found. Did you mean lucy-2.5,")


def test_a_call_on_several_lines_is_shown_in_one(shown) -> None:
    assert shown('clip = dnb.generate(\n    "lucy-2.5x",\n    prompt="a",\n)')[:2] == [
        "Cell In[2], line 1",
        '----> 1 clip = dnb.generate( "lucy-2.5x", prompt="a", )',
    ]


def test_of_a_function_the_cells_line_and_the_functions_are_shown(shown) -> None:
    shown(f"def make():\n    for _ in range(2):\n        {_TYPO}")
    assert shown("make()")[:-1] == [
        "Cell In[3], line 1",
        "----> 1 make()",
        "Cell In[2], line 3, in make",
        f"----> 3 {_TYPO}",
    ]


def test_an_error_in_nested_tasks_shows_no_line_of_asyncio(shown) -> None:
    shown("import asyncio\nasync def make():\n    return dnb.generate('lucy-9')")
    *places, message = shown("await asyncio.gather(make(), asyncio.sleep(0))")
    assert [line for line in places if line.startswith("Cell")] == ["Cell In[3], line 1", "Cell In[2], line 3, in make"]
    assert message.startswith("ModelNotFoundError")


def test_tb_and_the_mode_verbose_show_the_whole_traceback(shown) -> None:
    shown(_TYPO)
    whole = "\n".join(shown("%tb"))
    assert "models.py" in whole
    assert len(whole.splitlines()) > 20
    shown("%xmode Verbose")
    assert "models.py" in "\n".join(shown(_TYPO))
    shown("%xmode Context")
    assert len(shown(_TYPO)) == 3


def test_an_interrupt_with_advice_is_as_short_and_stays_what_it_is(shown) -> None:
    assert shown("raise with_short_traceback(KeyboardInterrupt('It goes on.'))") == [
        "Cell In[2], line 1",
        "----> 1 raise with_short_traceback(KeyboardInterrupt('It goes on.'))",
        "KeyboardInterrupt: It goes on.",
    ]
    interrupt = KeyboardInterrupt("It goes on.")
    assert with_short_traceback(interrupt) is interrupt


def test_a_magic_is_shown_as_it_was_typed(shown) -> None:
    magics.load(shown.shell)  # %load_ext would patch asyncio in this process too
    assert shown("%%decart lucy-2.5x --seed 3\nA cat")[:2] == [
        "Cell In[2], line 1",
        "----> 1 %%decart lucy-2.5x --seed 3",
    ]


def test_an_accessor_that_a_table_has_no_columns_for_is_as_short(shown) -> None:
    *_, message = lines = shown("import pandas as pd\npd.DataFrame({'a': [1]}).decart")
    assert len(lines) == 3
    assert message.startswith("AttributeError: df.decart needs a column model")


def test_a_file_is_named_below_the_working_directory_or_by_its_name_alone(shown, tmp_path, monkeypatch) -> None:
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    for folder in (work, elsewhere):
        (folder / "own").mkdir(parents=True)
        (folder / "own" / f"{folder.name}_tools.py").write_text(
            "import decart_nb\n\n\ndef make():\n    decart_nb.generate('lucy-9')\n"
        )
        monkeypatch.syspath_prepend(folder / "own")
    monkeypatch.chdir(work)
    assert shown("import work_tools; work_tools.make()")[2] == "own/work_tools.py, line 5, in make"
    assert shown("import elsewhere_tools; elsewhere_tools.make()")[2] == "elsewhere_tools.py, line 5, in make"


def test_nothing_that_a_terminal_obeys_is_shown_but_the_colours(shown) -> None:
    shown("raise dnb.InvalidInputError('It has \\x1b]0;title\\x07 in it.')  # \x1b[2J")
    assert re.findall(r"\x1b.{0,4}", shown.raw) == ["\x1b[32m", "\x1b[39m", "\x1b[31m", "\x1b[39m"]


def test_there_are_no_colours_where_there_are_to_be_none(shown) -> None:
    shown.shell.colors = "nocolor"
    shown(_TYPO)
    assert "\x1b" not in shown.raw


def test_notes_are_told_and_an_error_without_a_traceback_is_its_message() -> None:
    error = ValueError("No.")
    error.add_note("Because.")
    assert short_traceback(error) == ["\x1b[31mValueError\x1b[39m: No.", "Because."]
