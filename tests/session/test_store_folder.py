"""Where the store is looked for: what is named, what is found above the working directory, and where that ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.local.queue import LocalQueue
from decart_nb.session.current import set_current_session
from decart_nb.session.store_folder import find_folder
from decart_nb.store.store import Store


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store, in a home of its own, whose folder ``a/b`` is the working directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    project = tmp_path / "project"
    (project / "a" / "b").mkdir(parents=True)
    Store(project / "decart_runs").close()
    monkeypatch.chdir(project / "a" / "b")
    return project


def test_a_store_is_found_from_the_folders_below_it(project: Path) -> None:
    assert find_folder() == project / "decart_runs"
    for folder in (project / "a", project):
        os.chdir(folder)
        assert find_folder() == project / "decart_runs"


def test_the_nearest_store_is_taken(project: Path) -> None:
    Store(project / "a" / "decart_runs").close()
    assert find_folder() == project / "a" / "decart_runs"
    Store(Path("decart_runs")).close()
    assert find_folder() == project / "a" / "b" / "decart_runs"


def test_a_folder_of_that_name_without_a_database_is_no_store(project: Path) -> None:
    (project / "a" / "decart_runs" / "local").mkdir(parents=True)
    (project / "a" / "b" / "decart_runs").write_text("a file")
    assert find_folder() == project / "decart_runs"
    (project / "decart_runs" / "store.sqlite3").unlink()
    assert find_folder() == project / "a" / "b" / "decart_runs"


def test_a_database_that_is_a_link_or_a_folder_is_none(project: Path) -> None:
    real = project / "decart_runs" / "store.sqlite3"
    (project / "a" / "decart_runs").mkdir()
    (project / "a" / "decart_runs" / "store.sqlite3").symlink_to(real)
    assert find_folder() == project / "decart_runs"
    real.unlink()
    real.mkdir()
    assert find_folder() == project / "a" / "b" / "decart_runs"


def test_the_home_folder_counts_and_nothing_above_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project))
    assert find_folder() == project / "decart_runs"
    monkeypatch.setenv("HOME", str(project / "a"))
    assert find_folder() == project / "a" / "b" / "decart_runs"
    os.chdir(project / "a")
    assert find_folder() == project / "a" / "decart_runs"


def test_a_home_behind_a_link_is_the_same_home(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(project / "a")
    monkeypatch.setenv("HOME", str(tmp_path / "link"))
    assert find_folder() == project / "a" / "b" / "decart_runs"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="there are no such permissions")
def test_a_folder_that_everybody_may_write_ends_the_search(project: Path) -> None:
    project.chmod(0o1777)
    assert find_folder() == project / "a" / "b" / "decart_runs"
    os.chdir(project)
    assert find_folder() == project / "decart_runs"  # it is asked for by being there


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a file away")
def test_a_store_of_another_user_is_taken_only_in_the_working_directory(project: Path) -> None:
    os.chown(project / "decart_runs" / "store.sqlite3", 12345, 12345)
    assert find_folder() == project / "a" / "b" / "decart_runs"
    os.chdir(project)
    assert find_folder() == project / "decart_runs"


def test_a_working_directory_that_is_gone_is_said(project: Path) -> None:
    (project / "a" / "b").rmdir()
    with pytest.raises(dnb.InvalidInputError, match="store decart_runs is not a folder that can be written"):
        dnb.connect("local")


def test_looking_for_it_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_folder() == tmp_path / "decart_runs"
    assert not list(tmp_path.iterdir())


def test_the_environment_names_it_and_an_argument_overrides_that(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECART_STORE", "here")
    assert find_folder() == project / "a" / "b" / "here"
    assert find_folder("../there") == project / "a" / "there"
    monkeypatch.setenv("DECART_STORE", "~/runs")
    assert find_folder() == project.parent / "runs"
    monkeypatch.setenv("DECART_STORE", "  ")
    assert find_folder() == project / "decart_runs"


def test_connect_says_which_one_it_found_and_the_session_where_it_is(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = dnb.connect("local")
    assert session.store == project / "decart_runs"
    assert session.store.is_absolute()
    assert capsys.readouterr().out == "The store is ../../decart_runs/; connect(store=…) takes another.\n"
    assert "clips in ../../decart_runs/" in repr(session)
    os.chdir("/")
    assert str(project) not in repr(session)


def test_another_connect_keeps_the_store(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = dnb.connect("local", store="mine")
    os.chdir(project)
    monkeypatch.setenv("DECART_STORE", "theirs")
    assert dnb.connect("local").store == first.store == project / "a" / "b" / "mine"
    assert dnb.connect("local", store="other").store == project / "other"
    set_current_session(None)
    assert dnb.connect("local").store == project / "theirs"
    assert capsys.readouterr().out == ""


def test_a_notebook_in_a_subfolder_does_not_pay_again(
    project: Path, canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    made = []
    for folder in (project, project / "a" / "b"):
        os.chdir(folder)
        set_current_session(None)
        with dnb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url):
            made.append(dnb.generate("lucy-2.5", "A woodcut", data=dnb.sample()))
    first, second = made
    assert (second.reused, second.path) == (True, first.path)
    assert canned_queue.jobs.stats.as_dict()["submissions"] == 1
