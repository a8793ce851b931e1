"""Outputs of a headless kernel (nbconvert, papermill), and what one cell shows once."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.formatters import DisplayFormatter

import decart_nb
from decart_nb.display.ipython import NotebookDisplay
from decart_nb.local.faults import Faults
from decart_nb.local.queue import LocalQueue
from tests.fake_sweep import FakeSweep

if TYPE_CHECKING:
    from nbformat import NotebookNode

_BEGIN = "import decart_nb as dnb\ns = dnb.connect('local')"
_SMALL = "'lucy-2.5', prompt='<b>&', data='small.mp4', resolution='480p', seed=1"
_OTHER, _THIRD = (_SMALL.replace("seed=1", f"seed={seed}") for seed in (2, 3))
_COUNT = "from ipywidgets import Widget\nlen(Widget.get_manager_state()['state'])"
_BROKEN = "shell.display_pub.publish = lambda *_, **__: 1 / 0\n"


def _run(folder: Path, *cells: str, allow_errors: bool = False) -> list[NotebookNode]:
    """Run the cells in a connected kernel, and return their outputs."""
    return [cell.outputs for cell in _executed(folder, *cells, allow_errors=allow_errors).cells[1:]]


def _executed(folder: Path, *cells: str, allow_errors: bool = False) -> NotebookNode:
    """Run a notebook with these cells after the connection."""
    import nbclient  # loading the two takes a second: what only collects the tests does not
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (_BEGIN, *cells)])
    client = nbclient.NotebookClient(
        notebook,
        timeout=120,
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=40"],
    )
    client.execute()
    return notebook


def _videos(outputs: list[NotebookNode]) -> int:
    return sum("<video " in output.get("data", {}).get("text/html", "") for output in outputs)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, small_video: Path) -> dict[str, list[NotebookNode]]:
    """The outputs of a notebook with a cell for each way to show a clip, and of some after them."""
    cells = {
        "last line": f"dnb.generate({_SMALL})",
        "assigned": f"clip = dnb.generate({_SMALL})",
        "assigned, then last line": f"clip = dnb.generate({_SMALL})\nclip",
        "in a later cell": "clip",
        "displayed in a later cell": "display(clip)",
        "submitted": f"job = dnb.submit({_SMALL})",
        "its result": "job.result()",
        "the finished job": "job",
        "submitted, then last line": f"job = dnb.submit({_SMALL})\njob",
        "awaited": "clip = await job",
        "submitted and waited for": f"dnb.submit({_SMALL}).result()",
        "attached": "attached = dnb.attach(job.id)\nclip = await attached",
        "widgets before": _COUNT,
        "two more": f"for _ in range(2): dnb.generate({_OTHER})",
        "widgets after": _COUNT,
        "kept": "shell = get_ipython()\npublish = shell.display_pub.publish",
        "broken job": f"{_BROKEN}job = dnb.submit({_THIRD})\nshell.display_pub.publish = publish",
        "broken sweep": f"{_BROKEN}rows = dnb.sweep(model='lucy-2.5', prompt='x', data='small.mp4', resolution='480p', "
        "seed=[1, 2]).run()\nshell.display_pub.publish = publish",
        "their ends": "print(job.result().width, *rows.status)",
    }
    folder = tmp_path_factory.mktemp("kernel")
    shutil.copy(small_video, folder / "small.mp4")
    outputs = _run(folder, *cells.values())
    return dict(zip(cells, outputs, strict=True))


@pytest.mark.parametrize(
    "way",
    [
        "last line",
        "assigned",
        "assigned, then last line",
        "in a later cell",
        "displayed in a later cell",
        "submitted",
        "its result",
        "the finished job",
        "submitted, then last line",
        "submitted and waited for",
        "attached",
    ],
)
def test_each_way_shows_the_clip_exactly_once(shown: dict[str, list[NotebookNode]], way: str) -> None:
    assert [output.output_type for output in shown[way]] in (["display_data"], ["execute_result"])
    assert _videos(shown[way]) == 1


def test_no_widget_is_left_when_the_jobs_are_done(shown: dict[str, list[NotebookNode]]) -> None:
    assert _videos(shown["two more"]) == 2
    assert shown["widgets before"][0].data == shown["widgets after"][0].data


def test_nothing_is_shown_where_nothing_was_asked_for(shown: dict[str, list[NotebookNode]]) -> None:
    assert shown["awaited"] == []


def test_the_kept_output_is_an_ordinary_one_and_escaped(shown: dict[str, list[NotebookNode]]) -> None:
    (output,) = shown["assigned"]
    assert set(output.data) == {"text/html", "text/plain"}
    assert "data:video/mp4;base64," in output.data["text/html"]
    assert "&lt;b&gt;&amp;" in output.data["text/html"]
    assert "<b>" not in output.data["text/html"]
    assert "lucy-2.5 · <b>& · seed 1 · 856×480 · 1.0 s" in output.data["text/plain"]


def test_nbconvert_keeps_the_clip(shown: dict[str, list[NotebookNode]]) -> None:
    import nbformat
    from nbconvert import HTMLExporter

    cell = nbformat.v4.new_code_cell("clip", outputs=shown["assigned"])
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert page.count('src="data:video/mp4;base64,') == 1


_SIZE = 300_000


@pytest.fixture(scope="module")
def many_clips(tmp_path_factory: pytest.TempPathFactory, small_video: Path) -> NotebookNode:
    """A notebook with a cell to connect, one for the queue, and 60 with a clip of 300,000 bytes each."""
    folder = tmp_path_factory.mktemp("many")
    padding = _SIZE - small_video.stat().st_size
    video = small_video.read_bytes() + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8)
    (folder / "clip.mp4").write_bytes(video)
    shutil.copy(small_video, folder / "small.mp4")
    begin = (
        "from pathlib import Path; from decart_nb.local.queue import LocalQueue\n"
        "queue = LocalQueue(Path('queue'), canned=Path('clip.mp4'), draw_duration=lambda: 0.1).start()\n"
        "import os; os.environ.pop('DECART_BACKEND', None)\n"
        "s = dnb.connect('live', api_key=queue.api_key, base_url=queue.base_url)\njobs = []"
    )
    each = f"jobs.append(s.submit({_SMALL}))"
    notebook = _executed(folder, begin, *[each] * 60, "[job.result() for job in jobs];")
    assert notebook.cells.pop().outputs == []
    return notebook


@pytest.mark.parametrize(("clips", "megabytes"), [(20, 9), (60, 28)])
def test_a_notebook_with_many_clips_can_still_be_opened(
    many_clips: NotebookNode, clips: int, megabytes: int, tmp_path: Path
) -> None:
    import nbformat

    notebook = nbformat.from_dict(many_clips | {"cells": many_clips.cells[: 2 + clips]})
    shown = [output for cell in notebook.cells for output in cell.outputs]
    assert _videos(shown) == clips
    assert sum("data:video/mp4" in output.data["text/html"] for output in shown) == clips
    path = tmp_path / "executed.ipynb"
    nbformat.write(notebook, path)
    assert clips * _SIZE < path.stat().st_size < megabytes * 10**6


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory, small_video: Path) -> dict[str, list[NotebookNode]]:
    """The outputs of cells that raise: at a queue whose jobs all fail, and without a session and a key."""
    folder = tmp_path_factory.mktemp("failing")
    shutil.copy(small_video, folder / "small.mp4")
    faults = Faults({"failed": 1.0})
    with LocalQueue(folder / "queue", canned=small_video, draw_duration=lambda: 0.0, faults=faults) as queue:
        cells = {
            "live": "import os\nfor name in ('DECART_BACKEND', 'DECART_API_KEY'): os.environ.pop(name, None)\n"
            f"dnb.connect('live', api_key={queue.api_key!r}, base_url={queue.base_url!r})",
            "job": f"dnb.generate({_SMALL})",
            "no session": "from decart_nb.session.current import set_current_session\nset_current_session(None)\n"
            f"dnb.submit({_SMALL})",
        }
        outputs = _run(folder, *cells.values(), allow_errors=True)
    return dict(zip(cells, outputs, strict=True))


def test_a_failed_job_says_why_in_its_place_and_in_the_error(failed: dict[str, list[NotebookNode]]) -> None:
    line, error = failed["job"]
    assert "failed after" in line.data["text/html"]
    assert "was told to fail it" in line.data["text/plain"]
    assert error.ename == "JobFailedError"


def test_a_headless_kernel_without_a_key_is_told_both_ways(failed: dict[str, list[NotebookNode]]) -> None:
    assert failed["no session"][0].ename == "BackendError"


class _Shell:
    """A minimal kernel shell that records new display ids."""

    def __init__(self) -> None:
        self.execution_count = 1
        self.held: list[str] = []
        self.display_pub = SimpleNamespace(publish=self._publish)

    def _publish(self, data: dict[str, Any], *, transient: dict[str, str], update: bool) -> None:
        if not update:
            self.held.append(transient["display_id"])


def test_a_cell_shows_the_sweep_that_it_began_once() -> None:
    sweep = FakeSweep()
    shell = _Shell()
    display = NotebookDisplay(shell)

    def echo() -> None:
        display.show_unless_echo(sweep, display.show_sweep)

    display.show_sweep(sweep, starting=True)
    display.show_sweep(sweep, starting=True)  # start(), and then run(), which waits for it
    echo()
    assert len(shell.held) == 1
    shell.execution_count += 1
    echo()
    assert len(shell.held) == 2
    sweep.tell(over=True)
    display.show_sweep(sweep, starting=True)  # run anew
    assert len(shell.held) == 3


def test_a_sweep_is_registered_under_the_name_that_its_class_has() -> None:
    events = SimpleNamespace(callbacks={"pre_run_cell": [], "post_run_cell": []}, register=lambda *_: None)
    shell = SimpleNamespace(display_formatter=DisplayFormatter(), kernel=object(), events=events)
    NotebookDisplay(shell).register()
    assert shell.display_formatter.ipython_display_formatter.lookup_by_type(decart_nb.Sweep)


def test_a_view_that_breaks_stops_nothing_that_is_paid_for(shown: dict[str, list[NotebookNode]]) -> None:
    for name in ("job", "sweep"):
        warning = "".join(output.get("text", "") for output in shown[f"broken {name}"])
        assert f"The {name} goes on, but cannot be shown (division by zero)" in warning
    assert shown["their ends"][0].text == "856 completed completed\n"
