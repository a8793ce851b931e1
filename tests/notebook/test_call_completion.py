"""Tab inside calls of decart_nb, in a shell of IPython's. It also runs on IPython 7.34: see test_older_libraries."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import IPython
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import decart_nb as dnb
from decart_nb.notebook import completion_hook
from decart_nb.store.job_row import Record
from tests.shells import new_shell

#: From here on, completions can be ordered, and the only ones; and the lines above the cursor are known.
_NEWER = IPython.version_info >= (8, 6)

Completed = Callable[[str], list[str]]


@pytest.fixture(scope="module", params=[True, False], ids=["jedi", "no jedi"])
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    """A shell that has imported the package. All tests use one, since each takes IPython as long as a completion."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        shell = new_shell(tmp_path_factory.mktemp("shell"), monkeypatch)
        shell.Completer.use_jedi = request.param
        shell.user_ns.update(dnb=dnb, generate=dnb.generate, sweep=dnb.sweep, models=dnb.models)
        completion_hook.add_to(shell)
        yield shell


@pytest.fixture
def completed(shell: InteractiveShell) -> Completed:
    """What Tab makes of the end of some code: the code with each completion in place."""

    def complete(code: str) -> list[str]:
        with provisionalcompleter():
            return [code[: found.start] + found.text for found in shell.Completer.completions(code, len(code))]

    return complete


def check_offered(found: list[str], expected: list[str]) -> None:
    """Check what is offered: these and nothing else, in this order, where IPython can be told so."""
    assert found == expected if _NEWER else set(expected) <= set(found)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('dnb.generate("lucy-re', ["lucy-restyle-2", "lucy-restyle-latest", "lucy-restyle-v2v"]),
        ("x = dnb.submit('lucy-2.5", ["lucy-2.5"]),
        ('generate("lucy-pro-f', ["lucy-pro-flf2v"]),
        ('dnb.generate(prompt="a (b", model="lucy-m', ["lucy-motion"]),
        ('dnb.sweep(model=["lucy-2.5", "lucy-2.6', ["lucy-2.6"]),
        ('sweep(model="lucy-pro-v', ["lucy-pro-v2v"]),
        ('dnb.models["lucy-f', ["lucy-fast-v2v"]),
        ('models["lucy-f', ["lucy-fast-v2v"]),
        ('dnb.models.video("lucy-2.1-', ["lucy-2.1-vton-2"]),
        ('dnb.attach("a-job", "lucy-dev', ["lucy-dev-i2v"]),
        ('dnb.reproduce("a.mp4", model="lucy-dev', ["lucy-dev-i2v"]),
        ('dnb.generate("lucy-pro-t2v", resolution="4', ["480p"]),
        ('dnb.fit("phone.mov", "lucy-2.5', ["lucy-2.5"]),
        ('dnb.form("lucy-2.6', ["lucy-2.6"]),
        ('dnb.submit("lucy-pro-t2v", orientation="p', ["portrait"]),
        ('dnb.sweep(model="lucy-2.5", resolution=["7', ["720p"]),
        ('dnb.connect("lo', ["local"]),
        ('dnb.sample("st', ["still"]),
    ],
)
def test_a_text_in_a_call_is_completed(completed: Completed, code: str, expected: list[str]) -> None:
    quote = code[max(code.rfind('"'), code.rfind("'"))]
    check_offered([text.rpartition(quote)[2] for text in completed(code)], expected)


@pytest.mark.parametrize("code", ['dnb.generate("', "generate('", 'models["', "sweep(model=['"])
def test_models_come_live_ones_first_and_retired_ones_only_where_no_live_one_is(
    completed: Completed, code: str
) -> None:
    names = [model.name for model in (*dnb.models.live, *dnb.models.deprecated)]
    check_offered([text.removeprefix(code) for text in completed(code)], names)
    retired = [f"{code}{name}" for name in ("lucy-pro-i2v", "lucy-pro-t2v")]
    assert set(retired) <= set(completed(f"{code}lucy-pro-"))


@pytest.mark.skipif(not _NEWER, reason="completions have no type")
def test_the_status_of_a_model_is_beside_it(shell: InteractiveShell) -> None:
    def types(code: str) -> dict[str, str]:
        with provisionalcompleter():
            return {found.text: found.type for found in shell.Completer.completions(code, len(code))}

    found = types('dnb.generate("lucy-pro-')
    assert (found["lucy-pro-v2v"], found["lucy-pro-t2v"]) == ("deprecated", "retired")
    assert types('dnb.generate("lucy-2.5')["lucy-2.5"] == "live"


@pytest.mark.parametrize(
    ("code", "wanted", "others"),
    [
        ('dnb.generate("lucy-2.5", ', "prompt data reference_image seed self_anchor fresh", "trajectory start"),
        ('dnb.generate("lucy-motion", ', "data trajectory", "orientation start"),
        ('dnb.submit("lucy-pro-t2v", prompt="x", ', "seed orientation resubmit_uncertain", "data"),
        ('dnb.generate("lucy-2.5", da', "data", "reference_image"),
        ("dnb.generate(model=x, tra", "trajectory", "data"),
        ("dnb.generate(mo", "model", "prompt"),
        ('dnb.sweep(model="lucy-2.5", ', "prompt data self_anchor name repeat", "trajectory model"),
        ("dnb.sweep(mo", "model", "prompt"),
        ("sweep(", "model prompt trajectory repeat", "fresh"),
    ],
)
def test_inputs_are_offered_as_keywords(completed: Completed, code: str, wanted: str, others: str) -> None:
    found = {text[len(code) - len(code.rpartition(" ")[2]) :] for text in completed(code)}
    names = {text.rpartition("(")[2].rpartition(" ")[2] for text in found}
    assert {f"{name}=" for name in wanted.split()} <= names
    assert not {f"{name}=" for name in others.split()} & names


@pytest.mark.skipif(not _NEWER, reason="the lines above the cursor are not known")
def test_a_call_on_several_lines_is_one_call(completed: Completed) -> None:
    code = 'clip = dnb.generate(\n    "lucy-restyle-2",\n    refer'
    assert completed(code)[-1] == f"{code}ence_image="


@pytest.mark.parametrize(
    "code",
    [
        'print("lu',
        'dnb.generate("zebra',
        'x["lu',
        'dnb.jobs("lu',
        'other.generate("lu',
        '"lu',
        "dnb.generate(prompt='lu",
    ],
)
def test_nothing_is_offered_where_there_is_nothing_of_ours(
    shell: InteractiveShell, completed: Completed, code: str
) -> None:
    shell.user_ns.update(x={}, other=object())
    assert not [text for text in completed(code) if text.endswith(tuple(model.name for model in dnb.models))]


def test_files_are_left_to_ipython(completed: Completed, tmp_path: Path) -> None:
    (tmp_path / "lucy-in.mp4").touch()
    assert any("lucy-in.mp4" in text for text in completed('dnb.generate("lucy-2.5", data="lucy-i'))


def _kept(session: dnb.Session, job_id: str, **more: object) -> None:
    session.runner.store.adopt(Record("", "local", "local", "lucy-2.5", "lucy-2.5", job_id=job_id, **more))


def test_jobs_and_sweeps_are_those_of_the_store(shell: InteractiveShell, completed: Completed) -> None:
    for code in ('dnb.attach("', 'dnb.sweep.load("'):
        assert not [text for text in completed(code) if "job-" in text or "styles" in text]  # there is no session yet
    session = dnb.connect("local")
    for number in range(3):
        _kept(session, f"job-{number}")
    for name in ("styles", "two styles, one seed"):
        session.runner.store.save_sweep(name, "{}")
    ids, names = ["job-2", "job-1", "job-0"], ["two styles, one seed", "styles"]
    shell.user_ns["mine"] = session
    for owner in ("dnb", "mine"):
        for code, expected in ((f'{owner}.attach("', ids), (f"{owner}.sweep.load('", names)):
            check_offered([text.removeprefix(code) for text in completed(code)], expected)  # the latest first
    check_offered(completed('dnb.sweep.load("two st'), ['dnb.sweep.load("two styles, one seed'])


def test_a_store_that_cannot_be_read_offers_nothing(
    shell: InteractiveShell, completed: Completed, capfd: pytest.CaptureFixture[str]
) -> None:
    session = dnb.connect("local")
    session.runner.store.close()
    (session.store / "store.sqlite3").write_bytes(b"anything but a database" * 100)
    assert not [text for text in completed('dnb.attach("zz') if "zz" not in text]
    assert "Traceback" not in "".join(capfd.readouterr())


def test_tab_after_the_package_offers_its_public_names(completed: Completed) -> None:
    found = [text.rpartition(".")[2] for text in completed("dnb.")]
    errors = {name for name in dnb.__all__ if name.endswith(("Error", "Warning"))}
    if _NEWER:
        assert sorted(found) == sorted({*dnb.__all__} - errors)
        assert found.index("trim") < found.index("Clip")  # what is called comes first
    assert "generate" in found
    for code in ("dnb.Job", "x = [dnb.Job", "dnb.generate(dnb.Job"):
        assert {f"{code}FailedError", code} <= {*completed(code)}
    if _NEWER:
        assert [text for text in completed("dnb.generate(dnb.sam") if text.endswith("sample")]
    assert {"live", "deprecated", "retired", "video"} == {text.rpartition(".")[2] for text in completed("dnb.models.")}


def test_it_is_added_once_and_needs_a_shell(shell: InteractiveShell) -> None:
    count = len(shell.Completer.custom_matchers)
    completion_hook.add_to(shell)
    assert len(shell.Completer.custom_matchers) == count
    completion_hook.add_to(object())


def test_the_import_adds_it_to_the_shell_and_loads_nothing_for_it() -> None:
    script = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_cell('import decart_nb as dnb').raise_error()\n"
        "assert len(shell.Completer.custom_matchers) == 1\n"
        "assert 'decart_nb.notebook.call_completion' not in sys.modules\n"
        "line = 'dnb.generate(\"lucy-mo'\n"
        "print(shell.complete('', line, len(line))[1])\n"
        "assert 'decart_nb.session.functions' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "['lucy-motion']"
