"""``%%decart`` and ``%decart`` in a shell of IPython's, over a local queue that is reached as Decart would be."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import decart_nb as dnb
from decart_nb.local.queue import LocalQueue
from decart_nb.notebook import magics
from decart_nb.session.session import Session
from tests.shells import new_shell
from tests.sweeping import SHORT


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> InteractiveShell:
    """A shell with the magics."""
    shell = new_shell(tmp_path, monkeypatch)
    magics.load(shell)
    return shell


@pytest.fixture
def live(canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session that takes the canned queue for Decart."""
    monkeypatch.delenv("DECART_BACKEND")
    with dnb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url, polling=SHORT) as opened:
        yield opened


def ran(shell: InteractiveShell, cell: str) -> Any:
    """What a cell gives."""
    result = shell.run_cell(cell)
    result.raise_error()
    return result.result


def test_a_cell_becomes_a_job(shell, live, small_video):
    shell.user_ns.update(video=small_video, animal="cat", price=3)
    job = ran(
        shell,
        "%%decart lucy-2.5 --data {video} --seed=3 --no-enhance-prompt --resolution '480p' -o made\n"
        "\nA {animal} in {{oil}},\nfor $price {}\n",
    )
    assert isinstance(job, dnb.Job)
    assert shell.user_ns["made"] is job
    assert job.inputs == {
        "prompt": "A cat in {oil},\nfor $price {}",
        "data": "small.mp4",
        "seed": 3,
        "enhance_prompt": False,
        "resolution": "480p",
    }
    assert job.result(10).width == 64


def test_wait_returns_the_job_when_it_is_done(shell, live, small_video, capsys):
    job = ran(shell, f"%%decart lucy-2.5 --data {small_video} --wait\nx")
    assert job.done
    assert str(job.clip.path) in capsys.readouterr().out  # as generate says in a terminal


def test_wait_raises_as_generate_does_and_the_variable_has_the_job(shell, failing_queue, small_video, monkeypatch):
    monkeypatch.delenv("DECART_BACKEND")
    dnb.connect("live", api_key=failing_queue.api_key, base_url=failing_queue.base_url, polling=SHORT)
    with pytest.raises(dnb.JobFailedError, match="was told to fail it"):
        ran(shell, f"%%decart lucy-2.5 --data {small_video} -o job --wait\nx")
    assert shell.user_ns["job"].status == "failed"


@pytest.mark.parametrize(
    ("line", "body", "prompt"),
    [
        ("lucy-2.5 --data {video}", "\n", ""),  # it wants a prompt, which may be empty
        ("lucy-restyle-2 --data {video} --reference-image {still}", "\n", None),  # it wants one of two
        ("lucy-2.5 --data {video}", "{empty}", ""),
    ],
)
def test_an_empty_body_is_what_the_model_takes_it_for(shell, live, small_video, small_image, line, body, prompt):
    shell.user_ns.update(video=small_video, still=small_image, empty="")
    assert ran(shell, f"%%decart {line}\n{body}\n").inputs.get("prompt") == prompt


def test_a_model_that_wants_no_prompt_needs_no_cell(shell, small_image):
    dnb.connect("local")
    job = ran(shell, f"%decart lucy-motion --data {small_image} --trajectory '[[0, 0.1, 0.1], [9, 0.9, 0.9]]'")
    assert "prompt" not in job.inputs
    assert {"data", "trajectory"} < job.inputs.keys()
    job.cancel()


@pytest.mark.parametrize(
    ("cell", "error", "said"),
    [
        ("%%decart lucy-2.5 --data {video}\nA {anmial}", dnb.InvalidInputError, r"no variable anmial.*mean animal\?"),
        ("%%decart lucy-2.5 --data {vidoe}\nx", dnb.InvalidInputError, r"Did you mean video\?"),
        ("%%decart lucy-2.5 --data {video} --sede 3\nx", dnb.InvalidInputError, "Did you mean --seed"),
        ("%%decart lucy-2.5 --data {video} --seed x\nx", dnb.InvalidInputError, "seed must be an integer, not 'x'"),
        ("%%decart lucy-2.5 --data no.mp4\nx", dnb.InvalidInputError, r"no file no\.mp4"),
        ("%%decart lucy-clip --data {video}\n\n", dnb.InvalidInputError, "prompt is empty"),
        ("%%decart lucy-2.5 --data {video} -o 3\nx", dnb.InvalidInputError, "-o needs the name"),
        ("%%decart lucy-25\nx", dnb.ModelNotFoundError, r"lucy-2\.5"),
        ("%%decart\nx", dnb.InvalidInputError, "needs a model first"),
        ("%decart", dnb.InvalidInputError, "takes jobs, models, or attach and a job's id"),
        ("%decart job", dnb.InvalidInputError, r"Did you mean jobs"),
        ("%decart lucy-25", dnb.InvalidInputError, r"Did you mean lucy-2\.5"),
        ("%decart attach", dnb.InvalidInputError, "attach and a job's id"),
        ("%decart jobs all", dnb.InvalidInputError, "takes jobs"),
    ],
)
def test_a_bad_cell_shows_its_line_and_one_sentence_and_sends_nothing(
    shell, live, canned_queue, small_video, capsys, cell, error, said
):
    shell.user_ns.update(video=small_video, animal="cat")
    with pytest.raises(error, match=said):
        ran(shell, cell)
    *own, shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert shown.startswith(f"{error.__name__}: ")
    assert [line for line in own if not line.startswith("Cell")] == [f"----> 1 {cell.splitlines()[0]}"]
    assert canned_queue.jobs.stats.as_dict()["submissions"] == 0
    assert dnb.jobs().empty


def test_jobs_are_those_of_the_store(shell, live, small_video):
    assert len(ran(shell, "%decart jobs")) == 0
    shell.user_ns["video"] = small_video
    job = ran(shell, "%%decart lucy-2.5 --data {video} --wait\n<b>A cat")
    table = ran(shell, "%decart jobs")
    assert list(table["job_id"]) == [job.id]
    assert "&lt;b&gt;A cat" in table._repr_html_()


def test_models_are_the_catalogue(shell):
    assert ran(shell, "%decart models") is dnb.models


def test_attach_gives_the_job(shell, live, small_video):
    job = live.submit("lucy-2.5", "x", data=small_video)
    job.result(10)
    shell.user_ns["job_id"] = job.id
    for line in (f"%decart attach {job.id}", "%decart attach {job_id} lucy-2.5"):
        assert ran(shell, line).result(10).path == job.clip.path


def completed(shell: InteractiveShell, line: str) -> list[str]:
    """What Tab offers at the end of a line."""
    with provisionalcompleter():
        return [found.text for found in shell.Completer.completions(line, len(line))]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("%%decart lucy-pro-f", ["lucy-pro-flf2v"]),
        ("%%decart lucy-2.5", ["lucy-2.5"]),
        ("%%decart ", [model.name for model in dnb.models]),
        ("%%decart lucy-pro-t2v --se", ["--seed"]),
        ("%%decart lucy-pro-t2v --", ["--seed", "--resolution", "--orientation", "--wait"]),
        ("%%decart lucy-pro-t2v --seed 3 --orientation portrait --", ["--resolution", "--wait"]),
        ("%%decart lucy-2.5 --enhance-prompt --no", ["--no-enhance-prompt", "--no-self-anchor"]),
        ("%%decart lucy-pro-t2v --resolution 7", ["720p"]),
        ("%%decart lucy-pro-t2v --resolution=", ["720p", "480p"]),
        ("%decart ", ["attach", "jobs", "models"]),
        ("x = 1\n%decart m", ["models"]),
        ("%decart lucy-motion --tr", ["--trajectory"]),
    ],
)
def test_tab_completes_models_and_options(shell, line, offered):
    assert completed(shell, line) == offered


@pytest.mark.parametrize(
    "line", ["%%decart lucy-9 --se", "%%decart lucy-2.5\nlucy-2.", "%%decartes lucy-2.", "lucy-2."]
)
def test_tab_offers_nothing_where_there_is_nothing_of_ours(shell, line):
    assert not {"--seed", "lucy-2.5"} & set(completed(shell, line))


def test_tab_leaves_files_and_variables_to_ipython(shell, tmp_path):
    (tmp_path / "stillness.png").touch()
    shell.user_ns["stillness"] = 1
    assert "stillness.png" in completed(shell, "%%decart lucy-pro-i2v --data stilln")
    assert "stillness" in completed(shell, "%%decart lucy-pro-i2v --data {stilln")


def test_tab_completes_the_ids_of_jobs(shell, live, small_video):
    job = live.submit("lucy-2.5", "x", data=small_video)
    job.result(10)
    assert completed(shell, "%decart attach ") == [job.id]


def test_completion_by_ipythons_older_way(shell, monkeypatch):
    magics.unload(shell)
    monkeypatch.delattr("IPython.core.completer.context_matcher")  # as before IPython 8.6
    magics.load(shell)
    shell.Completer.use_jedi = False
    assert completed(shell, "%%decart lucy-pro-t2v --se") == ["--seed"]
    magics.unload(shell)
    assert completed(shell, "%%decart lucy-pro-t2v --se") != ["--seed"]


def test_the_help_teaches(shell):
    told = shell.object_inspect("%%decart")["docstring"]
    assert told == shell.object_inspect("%decart")["docstring"]
    for word in (
        "%%decart MODEL",
        "-o NAME",
        "--wait",
        "{name}",
        "%decart jobs",
        "%decart models",
        "%decart attach ID",
    ):
        assert word in told


def test_unloading_leaves_nothing_and_loading_again_works(shell):
    magics.load(shell)  # twice does no harm
    magics.unload(shell)
    assert shell.find_magic("decart", "line") is None
    assert shell.find_magic("decart", "cell") is None
    assert "lucy-2.5" not in completed(shell, "%%decart lucy-2.")
    magics.unload(shell)
    magics.load(shell)
    assert completed(shell, "%%decart lucy-pro-f") == ["lucy-pro-flf2v"]


def test_load_ext_gives_the_magics_and_runs_code_that_was_pasted(tmp_path):
    script = (
        "import asyncio\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "def ran(cell): shell.run_cell(cell).raise_error()\n"
        "async def kernel():\n"
        "    for cell in ('%load_ext decart_nb', '%load_ext decart_nb', '%reload_ext decart_nb'): ran(cell)\n"
        "    ran('import asyncio\\nasync def main(): print(42)\\nasyncio.run(main())')\n"
        "    print(shell.find_magic('decart', 'cell') is not None, len(shell.Completer.custom_matchers))\n"
        "    ran('%unload_ext decart_nb')\n"
        "    print(shell.find_magic('decart', 'cell') is not None, len(shell.Completer.custom_matchers))\n"
        "asyncio.run(kernel())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    # Calls are completed also without the extension.
    assert done.stdout.splitlines()[-3:] == ["42", "True 2", "False 1"]
