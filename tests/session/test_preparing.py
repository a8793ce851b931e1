"""Videos that are cut and fitted before they are inputs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import decart_nb as dnb
from decart_nb import media
from tests.media.test_media import turn
from tests.media.test_rewriting import numbered, numbers
from tests.sweeping import SHORT

_EVEN = range(0, 40 * 33, 33)


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    """A recording of 30 frames a second of H.265 in ten bits, with sound."""
    options = {"codec": "libx265", "pixels": "yuv420p10le", "sound": "aac", "x265-params": "log-level=none"}
    return numbered(tmp_path / "phone.mov", _EVEN, size=(192, 108), **options)  # type: ignore[arg-type]


def test_a_cut_is_a_path_with_those_frames_and_tells_no_folder(phone: Path) -> None:
    cut = dnb.trim(phone, 0.33, 0.99)
    assert numbers(Path(cut)) == list(range(10, 30))
    assert Path(cut) == cut.path != phone
    assert cut.path.name == "phone-0.33-0.99s.mp4"
    assert repr(cut).startswith("<phone-0.33-0.99s.mp4: 192×108 at 30.3 fps, 0.7 s; 0.33 to 0.99 s; frames encoded")
    html = cut._repr_html_()
    assert html is not None
    assert "<video" in html
    for text in (repr(cut), html):
        assert str(cut.path.parent) not in text
        assert str(phone.parent) not in text


def test_what_was_cut_is_not_cut_again(phone: Path) -> None:
    one = dnb.trim(phone, 0.33, 0.99)
    made_at = one.path.stat().st_mtime_ns
    for same in (phone, str(phone), phone.read_bytes(), io.BytesIO(phone.read_bytes())):
        again = dnb.trim(same, 0.33, 0.99)
        assert again.path.read_bytes() == one.path.read_bytes()
    assert dnb.trim(phone, 0.33, 0.99).path.stat().st_mtime_ns == made_at
    one.path.unlink()
    assert numbers(dnb.trim(phone, 0.33, 0.99).path) == list(range(10, 30))


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (-1, 2, "start must be a finite number, at least 0"),
        (2, 1, "end must be a finite number, more than 2"),
        (0, float("nan"), "end must be"),
        (5, 6, "has no frame from 5 s to 6 s: it is 1.00 s long"),
    ],
)
def test_a_stretch_that_is_none_is_told(small_video: Path, start: float, end: float, message: str) -> None:
    with pytest.raises(dnb.DecartSDKError, match=message):
        dnb.trim(small_video, start, end)


def test_what_is_no_video_on_this_machine_is_told(small_image: Path) -> None:
    with pytest.raises(dnb.InvalidInputError, match=r"video is not there: no file gone\.mp4"):
        dnb.trim("gone.mp4", 0, 1)
    with pytest.raises(dnb.InvalidInputError, match="download the file and give its path"):
        dnb.fit("https://example.com/in.mp4", "lucy-2.5")
    with pytest.raises(dnb.MediaError, match="is a still image"):
        dnb.fit(small_image, "lucy-2.5")
    with pytest.raises(dnb.InvalidInputError, match="lucy-pro-t2v takes no video"):
        dnb.fit(dnb.sample(), "lucy-pro-t2v")
    with pytest.raises(dnb.InvalidInputError, match=r"720p or 480p for lucy-2\.5, not '1080p'"):
        dnb.fit(dnb.sample(), "lucy-2.5", resolution="1080p")


def test_a_phones_video_is_fitted_and_what_changed_is_said_in_one_line(phone: Path, capsys) -> None:
    turn(phone)
    fitted = dnb.fit(phone, "lucy-2.5")
    changes = "H.265 (HEVC) to H.264; yuv420p10le to yuv420p; turned upright; 30.1 fps to 20 fps"
    assert capsys.readouterr().out == f"phone.mov for lucy-2.5: {changes}.\n"
    assert "; ".join(fitted.changes) == changes
    found = media.Footage(fitted.path)
    assert (found.codec, found.pixels, found.turns, found.has_audio) == ("h264", "yuv420p", 0, True)
    assert (found.width, found.height, round(found.fps, 2)) == (108, 192, 20)
    assert found.duration == pytest.approx(media.probe(phone).duration, abs=0.05)


_TAKING_VIDEO = [model for model in dnb.models if any(field.type == "video" for field in model.fields or ())]
#: A model of each size and rate.
_SHAPES = {(model.width, model.height, model.fps): model.name for model in _TAKING_VIDEO}


@pytest.mark.parametrize("model", ["lucy-2.5", "lucy-restyle-2", "lucy-clip", "lucy-vton-2"])
def test_what_is_fitted_fits(tmp_path: Path, model: str) -> None:
    path = numbered(
        tmp_path / "large.webm", range(0, 6000, 3000), codec="libvpx", size=(1920, 1080), deadline="realtime"
    )
    fitted = dnb.fit(path, model)
    assert fitted.changes
    again = dnb.fit(fitted, model)
    assert (again.path, again.changes) == (fitted.path, ())
    definition, found = dnb.models[model], media.Footage(fitted.path)
    assert found.width <= definition.width
    assert found.height <= definition.height
    assert found.fps == pytest.approx(definition.fps, rel=0.01)
    assert found.duration <= (definition.seconds or 9) + 0.05


@pytest.mark.parametrize("model", _SHAPES.values())
def test_a_video_like_the_models_own_is_not_touched(model: str, tmp_path: Path, capsys) -> None:
    definition = dnb.models[model]
    path = tmp_path / "own.mp4"
    media.encode([grey(definition.width, definition.height)] * 3, path, fps=definition.fps)
    before = path.stat()
    fitted = dnb.fit(path, model)
    assert (fitted.path, fitted.changes) == (path, ())
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert capsys.readouterr().out == ""


def grey(width: int, height: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 90, np.uint8)


def test_a_request_that_is_to_be_fitted_is_sent_fitted_and_found_again(phone: Path, canned_queue, monkeypatch) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    with dnb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url, polling=SHORT) as session:
        clip = session.generate("lucy-2.5", "An oil painting", data=phone, seed=1, fit=True)
        assert clip.inputs["data"] == "phone-fit.mp4"
        assert session.submit("lucy-2.5", "An oil painting", data=dnb.fit(phone, "lucy-2.5"), seed=1).result(60).reused
        # What fits is sent under its own name.
        own = session.submit("lucy-2.5", "An oil painting", data=dnb.sample(), seed=1, fit=True).result(60)
        assert own.inputs["data"] == "sample.mp4"
        with pytest.raises(dnb.InvalidInputError, match="data is missing"):
            session.submit("lucy-2.5", "An oil painting", fit=True)
        with pytest.raises(dnb.InvalidInputError, match="fit must be True or False"):
            session.submit("lucy-2.5", "An oil painting", data=phone, fit="yes")
        with pytest.raises(dnb.InvalidInputError, match=r"fit is not a sweep axis: a video is fitted before"):
            session.sweep(model="lucy-2.5", prompt="An oil painting", data=phone, fit=True)
