"""Plug-ins: functions as metrics, of a notebook and of installed packages."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

import decart_nb as dnb
from decart_nb import InvalidInputError
from tests.metric_clips import blurred, moving, table, write


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("video") / "moving.mp4", moving(30))


def test_a_function_of_frames_is_a_metric(video) -> None:
    @dnb.metric("test_size")
    def size(frames):
        first = next(frames)
        assert first.dtype == np.uint8
        assert not first.flags.writeable
        return first.shape[0] * 1000 + first.shape[1]

    @dnb.metric("test_count")
    def count(frames):
        return sum(1 for _ in frames)

    @dnb.metric("test_count_sampled", fps=2)
    def count_sampled(frames):
        return sum(1 for _ in frames)

    found = dnb.measure(video, ["test_size", "test_count", "test_count_sampled", "motion"])
    assert (found["test_size"], found["test_count"], found["test_count_sampled"]) == (64_096, 30, 6)


@pytest.mark.parametrize("order", ["together", "clip first", "reference first", "clip alone"])
def test_a_function_of_two_gets_the_reference_beside_it_in_whatever_order_it_reads(video, tmp_path, order) -> None:
    @dnb.metric("test_difference", version=1)
    def difference(frames, reference_frames):
        if order == "clip alone":
            return sum(1 for _ in frames)
        if order == "together":
            pairs = zip(frames, reference_frames, strict=True)
        elif order == "clip first":
            pairs = zip(list(frames), list(reference_frames), strict=True)
        else:
            others = list(reference_frames)
            pairs = zip(list(frames), others, strict=True)
        return np.mean([np.abs(one.astype(int) - other).mean() for one, other in pairs])

    large = write(tmp_path / "large.mp4", [frame.repeat(2, 0).repeat(2, 1) for frame in blurred(moving(30), 1)])
    found = dnb.measure(video, ["test_difference", "kept_ssim"], against=large)["test_difference"]
    assert found == 30 if order == "clip alone" else 1 < found < 40


def test_what_a_function_raises_is_the_row_s_error(video, tmp_path) -> None:
    @dnb.metric("test_picky")
    def picky(frames):
        if next(frames).mean() < 60:
            raise ValueError("too dark for me")
        return 1

    @dnb.metric("test_text")
    def text(frames):
        return "much"

    dark = write(tmp_path / "dark.mp4", [frame // 4 for frame in moving(4)])
    made = table(video, dark).decart.measure(["test_picky", "test_text", "brightness"])
    assert made["test_picky"].fillna(-1).tolist() == [1.0, -1.0]
    assert made["brightness"].notna().all()
    assert "The metric test_picky has raised ValueError: too dark for me" in made["measure_error"][1]
    assert made["measure_error"][0] == "test_text: The metric test_text must return a number, not str."
    with pytest.raises(InvalidInputError, match="too dark for me"):
        dnb.measure(dark, "test_picky")


@pytest.mark.parametrize("value", [np.array([1.0, 2.0]), 10**400, None, "much"], ids=["array", "huge", "none", "text"])
def test_what_is_no_number_stops_no_other_metric(video, value) -> None:
    dnb.metric("test_no_number")(lambda frames: value)
    made = table(video).decart.measure(["test_no_number", "motion"])
    assert made["motion"].notna().all()
    assert made["measure_error"][0].startswith("test_no_number: The metric test_no_number must return a number, not ")


def test_an_error_of_a_library_s_own_and_of_several_lines_is_one_line(video) -> None:
    class Tensor:
        def __float__(self):
            raise RuntimeError("only tensors of one element")

    class OddError(Exception):
        def __str__(self):
            raise ValueError("no text")

    def odd(frames):
        raise OddError

    def lines(frames):
        raise ValueError("one\ntwo: three")

    dnb.metric("test_tensor")(lambda frames: Tensor())
    dnb.metric("test_odd")(odd)
    dnb.metric("test_lines")(lines)
    made = table(video).decart.measure(["test_tensor", "test_odd", "test_lines", "motion"])
    assert made["motion"].notna().all()
    tensor, failed, joined = made["measure_error"][0].split("\n")
    assert tensor == "test_tensor: The metric test_tensor must return a number, not Tensor."
    assert failed.startswith("test_odd: The metric test_odd has raised OddError")
    assert joined == "test_lines: The metric test_lines has raised ValueError: one two: three"


def test_two_functions_may_read_their_frames_under_one_lock(video) -> None:
    lock = threading.Lock()

    def count(frames):
        with lock:
            return sum(1 for _ in frames)

    dnb.metric("test_locked")(count)
    dnb.metric("test_locked_too")(count)
    found = dnb.measure(video, ["test_locked", "test_locked_too"])
    assert found == {"test_locked": 30, "test_locked_too": 30}


def test_a_value_is_kept_until_the_version_changes_and_an_error_is_not(video, tmp_path, capsys) -> None:
    dnb.connect("local", store=tmp_path / "runs")
    asked = table(video, sha256=[hashlib.sha256(video.read_bytes()).hexdigest()])
    calls = []

    def define(version, value, fails=False):
        @dnb.metric("test_kept", version)
        def kept(frames):
            calls.append(version)
            if fails:
                raise RuntimeError("no memory")
            return value

        return asked.decart.measure("test_kept")["test_kept"][0]

    assert np.isnan(define(1, 5, fails=True))
    assert [define(1, 5), define(1, 6), define(2, 6), define(1, 7)] == [5, 5, 6, 5]
    assert calls == [1, 1, 2]
    capsys.readouterr()

    @dnb.metric("test_kept", 1)
    def changed(frames):
        return len(list(frames))

    changed_message = "test_kept has changed, and values of version 1 are kept: give it version 2"
    assert changed_message in capsys.readouterr().out
    dnb.metric("test_kept", 1)(changed)
    assert not capsys.readouterr().out
    dnb.metric("test_kept", 1, fps=2)(changed)
    assert changed_message in capsys.readouterr().out


def test_a_name_or_a_function_that_cannot_be_is_refused() -> None:
    def one(frames):
        return 0

    def none():
        return 0

    for options, message in (
        ({"name": "motion"}, "cannot be called motion"),
        ({"name": "status"}, "cannot be called status"),
        ({"name": "measure_error"}, "cannot be called measure_error"),
        ({"name": "two words"}, "letters, digits and underscores"),
        ({"name": "x", "version": 0}, "whole number from 1 on"),
        ({"name": "x", "version": 1.5}, "whole number from 1 on"),
        ({"name": "x", "fps": 0}, "fps must be"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            dnb.metric(**options)(one)
    with pytest.raises(InvalidInputError, match="this one takes 0"):
        dnb.metric("x")(none)
    with pytest.raises(InvalidInputError, match="must be a function"):
        dnb.metric("x")(3)


def test_an_installed_package_s_metric_is_found_and_loaded_only_when_asked_for(tmp_path, video) -> None:
    site = tmp_path / "site"
    info = site / "redness-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: redness\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[decart_nb.metrics]\nredness = redness:redness\ntwice = redness:twice\nbroken = nowhere:at_all\n"
    )
    (site / "redness.py").write_text(
        textwrap.dedent("""
            import decart_nb as dnb
            print("loaded")

            @dnb.metric("redness", version=3)
            def redness(frames):
                return max(frame[..., 0].max() for frame in frames)

            def twice(frames):
                return 2 * sum(1 for _ in frames)
        """)
    )
    script = f"""
        import sys
        sys.path.insert(0, {str(site)!r})
        import decart_nb as dnb
        print(dnb.measure({str(video)!r}, "cuts"))
        print(dnb.measure({str(video)!r}, ["redness", "twice"]))
        for name in ("rednes", "broken"):
            try:
                dnb.measure({str(video)!r}, name)
            except dnb.InvalidInputError as error:
                print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=120
    )
    cuts, loaded, values, unknown, broken = run.stdout.splitlines()
    assert (cuts, loaded) == ("{'cuts': 0.0}", "loaded")
    assert eval(values).keys() == {"redness", "twice"}
    assert eval(values)["twice"] == 60
    assert unknown.startswith("There is no metric rednes. Did you mean redness")
    assert (
        broken
        == "The metric broken cannot be loaded from nowhere:at_all: ModuleNotFoundError: No module named 'nowhere'"
    )
