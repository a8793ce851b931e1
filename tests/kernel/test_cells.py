"""Blocking, awaiting, submitting: in a cell, in many queued cells, in two notebooks; and mistakes in cells."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .conftest import OPENING, only
from .notebook import Cell, Notebook, shown_lines

_WAYS = {
    "blocking": "clip = dnb.generate('lucy-pro-t2v', prompt='{}')",
    "awaiting": "job = dnb.submit('lucy-pro-t2v', prompt='{}')\nclip = await job",
    "submitting": "job = dnb.submit('lucy-pro-t2v', prompt='{}')",
}


def _check(notebook: Notebook, cells: list[Cell], prompts: list[str]) -> None:
    """Each cell ends well, with its own clip under it, once; and nothing lies anywhere else."""
    assert [cell.error for cell in cells] == [""] * len(cells)
    notebook.until(lambda: all(cell.videos for cell in cells))
    time.sleep(0.2)  # whatever comes twice, or too late
    notebook.run("None")
    for cell, prompt in zip(cells, prompts, strict=True):
        assert [f'title="{prompt}">{prompt}<' in video for video in cell.videos] == [True]
        assert cell.stream("stdout") + cell.stream("stderr") == ""
    assert notebook.cells[-1].outputs == []
    assert notebook.strays == []


def test_importing_and_connecting_patch_nothing(notebook):
    # The first of a kernel's tests: others load the extension.
    look = "import asyncio\nprint(asyncio.run.__module__, [name for name in vars(asyncio) if 'nest' in name])"
    assert notebook.run(look).stream("stdout") == "asyncio.runners []\n"
    [refused] = notebook.run_all(["task = asyncio.sleep(0)\ntry:\n    asyncio.run(task)\nfinally:\n    task.close()"])
    assert "asyncio.run() cannot be called from a running event loop" in refused.error


@pytest.mark.parametrize("way", _WAYS)
def test_a_cell_ends_with_its_clip_under_it(notebook, way):
    prompt = f"alone by {way}"
    _check(notebook, notebook.run_all([_WAYS[way].format(prompt)]), [prompt])


def test_run_all_with_ten_of_each(notebook):
    prompts = [f"{way} {number}" for number in range(10) for way in _WAYS]
    codes = [_WAYS[prompt.split()[0]].format(prompt) for prompt in prompts]
    _check(notebook, notebook.run_all(codes), prompts)


# What they share, the folder and its queue, is no matter of the kernel's: the oldest and the newest show it.
@only(("6.31", "3.11"), ("today", "3.13"))
def test_two_notebooks_in_a_folder_at_once(kernel: Path, notebook: Notebook):
    with Notebook.opened(kernel, notebook.folder) as other:
        prompts = {"one": notebook, "other": other}
        for each in prompts.values():
            each.run("import decart_nb as dnb\ndnb.connect('local')")
        code = "clip = dnb.generate('lucy-2.5', prompt='{}', data='small.mp4', resolution='480p')"
        cells = {prompt: each.send(code.format(prompt)) for prompt, each in prompts.items()}
        for prompt, each in prompts.items():
            cell = cells[prompt]
            each.until(lambda cell=cell: cell.done)
            _check(each, [cell], [prompt])
    for prompt in prompts:
        assert len(list((notebook.folder / "decart_runs").glob(f"lucy-2.5-{prompt}-*.mp4"))) == 1
    notebook.run(OPENING)


_TYPOS = {
    "model": "clip = dnb.generate('lucy-pro-t2', prompt='a')",
    "input": "clip = dnb.generate('lucy-pro-t2v', promt='a')",
    "awaiting": "await dnb.sweep(model='lucy-pro-t2v', prompt='a')",
    "nested": "import asyncio\nasync def f():\n    return dnb.submit('lucy-9')\nawait asyncio.gather(f(), f())",
    "result": "dnb.submit('lucy-pro-t2v', prompt='a').result(timeout='soon')",
    "magic": "%load_ext decart_nb\nget_ipython().run_cell_magic('decart', 'lucy-pro-t2', 'a')",
}


@pytest.mark.parametrize("typo", _TYPOS)
def test_a_typo_gives_at_most_6_lines_with_the_cells_own_and_tb_has_all(notebook, typo):
    [cell] = notebook.run_all([_TYPOS[typo]])
    lines = shown_lines(cell)
    assert 3 <= len(lines) <= 6
    assert lines[0].startswith("Cell In[")
    assert lines[1].startswith("----> ")
    assert f"{cell.reply['ename']}: " in "\n".join(lines)
    assert not any("decart_nb/" in line for line in lines)
    whole = notebook.run("%tb")
    assert "decart_nb/" in str(whole.outputs)
