"""Trajectories: their points, the images that they are drawn on, and what is shown without a browser."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decart_nb import InvalidInputError, ModelDefinition, ModelNotFoundError, models, sweep
from decart_nb.display.trajectory import Trajectory
from decart_nb.request.request import prepare

_HTML = "<img src=x onerror=alert(1)>"
_PATH = [{"frame": 0, "x": 0.25, "y": 0.5}, {"frame": 124, "x": 0.75, "y": 0.5}]


def test_a_path_begins_empty_or_with_the_points_that_are_given(small_image: Path) -> None:
    empty = Trajectory(small_image)
    assert empty.value == []
    assert (empty.name, empty.width, empty.height, empty.fps, empty.frames) == ("small.png", 64, 48, 25, 125)
    path = Trajectory(small_image, _PATH)
    assert path.value == list(path) == _PATH
    assert len(path) == 2
    assert path[-1] == _PATH[1]
    assert path[:1] == _PATH[:1]
    path.value = [(10, 0.5, 0.5), (0, 0, 1)]
    assert path.value == [{"frame": 0, "x": 0, "y": 1}, {"frame": 10, "x": 0.5, "y": 0.5}]
    path.value = []
    assert path.value == []


def test_pixels_become_fractions_of_the_image_and_back(small_image: Path) -> None:
    path = Trajectory(small_image, [(0, 16, 24), (5, 64, 48), (3, 0, 0)])
    assert path.value == [
        {"frame": 0, "x": 0.25, "y": 0.5},
        {"frame": 3, "x": 0.0, "y": 0.0},
        {"frame": 5, "x": 1.0, "y": 1.0},
    ]
    assert [tuple(point.values()) for point in path.pixels] == [(0, 16, 24), (3, 0, 0), (5, 64, 48)]


def test_of_two_points_at_one_frame_the_later_one_counts_as_at_the_service(small_image: Path) -> None:
    assert Trajectory(small_image, [(4, 0.1, 0.1), (0, 0.2, 0.2), (4, 0.3, 0.3)]).value[-1]["x"] == 0.3


def test_it_is_what_the_model_takes_and_a_request_keeps_it_as_it_was(small_image: Path) -> None:
    path = Trajectory(small_image, _PATH)
    request = prepare(models.video("lucy-motion"), {"data": small_image, "trajectory": path})
    given = prepare(models.video("lucy-motion"), {"data": small_image, "trajectory": _PATH})
    path.value = []
    assert request.values == given.values
    assert request.form() == given.form()
    with pytest.raises(InvalidInputError, match="trajectory has 0 points; it must have 2 to 1000"):
        prepare(models.video("lucy-motion"), {"data": small_image, "trajectory": path})


def test_a_model_that_no_table_describes_takes_it_too(small_image: Path) -> None:
    own = ModelDefinition(name="lucy-motion-9", width=64, height=48, fps=10)
    request = prepare(own, {"data": small_image, "trajectory": Trajectory(small_image, _PATH)})
    assert request.values == {"trajectory": _PATH}
    assert json.loads(request.form()["trajectory"]) == _PATH


def test_a_sweep_takes_it_as_one_value(small_image: Path) -> None:
    plan = sweep(model="lucy-motion", data=small_image, trajectory=Trajectory(small_image, _PATH), seed=[1, 2]).plan
    assert [*plan["plan"]] == ["new", "new"]


@pytest.mark.parametrize("form", ["text", "bytes", "file", "pil", "array"])
def test_the_image_comes_in_every_form_that_a_model_takes(small_image: Path, form: str) -> None:
    image = Image.open(small_image)
    given = {
        "text": str(small_image),
        "bytes": small_image.read_bytes(),
        "file": io.BytesIO(small_image.read_bytes()),
        "pil": image,
        "array": np.asarray(image),
    }[form]
    path = Trajectory(given)
    assert (path.width, path.height) == (64, 48)
    assert Image.open(io.BytesIO(path.jpeg)).size == (64, 48)


def test_a_picture_that_lies_on_its_side_is_drawn_on_upright_and_small(tmp_path: Path) -> None:
    image = Image.new("RGB", (3000, 1000), "red")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "phone.jpg", exif=exif)
    path = Trajectory(tmp_path / "phone.jpg", [(0, 500, 1500), (1, 1000, 3000)])
    assert (path.width, path.height) == (1000, 3000)
    assert path[0] == {"frame": 0, "x": 0.5, "y": 0.5}
    assert max(Image.open(io.BytesIO(path.jpeg)).size) == 1280
    assert max(Image.open(io.BytesIO(path.small_jpeg)).size) == 640


def test_an_image_that_cannot_be_drawn_on_is_refused_with_what_to_do(small_video: Path, tmp_path: Path) -> None:
    for image, message in {
        "nowhere.png": r"The image is not there: no file nowhere\.png\.",
        "https://example.com/a.png?key=1": r"https://example\.com/a\.png\?…, which is not fetched to be drawn on",
        str(small_video): r"must be an image, and small\.mp4 is a video\. A frame of it would do: clip\.poster\(\)",
        17: "give a path, an address, bytes, an open file, a PIL image, a NumPy array",
    }.items():
        with pytest.raises(InvalidInputError, match=message):
            Trajectory(image)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InvalidInputError, match=r"broken\.png cannot be read as one"):
        Trajectory(tmp_path / "broken.png")


def test_points_off_the_image_or_behind_the_end_are_refused(small_image: Path) -> None:
    path = Trajectory(small_image, _PATH)
    for points, message in (
        ([(0, 10, 10), (1, 65, 10)], "point 1 is at 65, 10, outside of the image, which is 64×48"),
        ([(0, 0.5, 0.5), (125, 1, 1)], "point 1 is at frame 125; the last frame of lucy-motion is 124"),
        ([(0, -0.1, 0.5)], "trajectory has .* as its point 0; frame must be a whole number, and all three at least 0"),
        ("a path", "trajectory is a str; it must be a list of points"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            path.value = points  # type: ignore[assignment]
    assert path.value == _PATH


def test_the_model_says_how_many_frames_there_are(small_image: Path) -> None:
    with pytest.raises(InvalidInputError, match="lucy-pro-i2v takes no image with a trajectory; lucy-motion does"):
        Trajectory(small_image, model="lucy-pro-i2v")
    with pytest.raises(InvalidInputError, match="lucy-9 takes no image with a trajectory"):
        Trajectory(small_image, model=ModelDefinition(name="lucy-9", width=64, height=48, fps=10))
    with pytest.raises(ModelNotFoundError):
        Trajectory(small_image, model="lucy-motoin")
    motion = models.video("lucy-motion")
    own = ModelDefinition(name="lucy-motion-9", width=64, height=48, fps=10, seconds=2.0, fields=motion.fields)
    assert Trajectory(small_image, model=own).frames == 20


def test_it_shows_the_image_with_the_path_on_it_and_the_numbers(small_image: Path, tmp_path: Path) -> None:
    bundle = Trajectory(small_image, _PATH)._repr_mimebundle_()
    html, text = bundle["text/html"], bundle["text/plain"]
    assert '<img src="data:image/jpeg;base64,' in html
    assert 'viewBox="0 0 64 48"' in html
    assert html.count('points="16.0,24.0 48.0,24.0"') == 2  # a dark line below a light one
    assert html.count("<circle") == 2
    assert "small.png · 64×48 · 2 points · frames 0 to 124 of 125 at 25 fps" in html
    assert all(f">{number}</td>" in html for number in ("124", "16.0", "48.0"))
    assert text.splitlines()[0] == "Trajectory on small.png · 64×48 · 2 points · frames 0 to 124 of 125 at 25 fps"
    assert text.splitlines()[-1].split() == ["124", "48.0", "24.0"]
    assert str(small_image.parent) not in html + text

    empty = Trajectory(small_image)
    assert "no points yet" in empty._repr_mimebundle_()["text/html"]
    assert repr(empty) == "<Trajectory on small.png, 64×48: no points yet>"
    many = Trajectory(small_image, [(frame, 0.5, 0.5) for frame in range(30)])
    assert many._repr_mimebundle_()["text/plain"].endswith("and 18 more points")
    assert repr(many) == "<Trajectory on small.png, 64×48: 30 points, frames 0 to 29>"
    assert many._mime_() == ("text/html", many._repr_mimebundle_()["text/html"])

    hostile = tmp_path / f"{_HTML}.png"
    hostile.write_bytes(small_image.read_bytes())
    html = Trajectory(hostile, _PATH)._repr_mimebundle_()["text/html"]
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_who_observes_hears_of_changes_until_they_stop(small_image: Path) -> None:
    path, heard = Trajectory(small_image), []
    forget = path.observe(lambda changed: heard.append(len(changed)))
    path.value = _PATH
    path.value = _PATH  # nothing has changed
    forget()
    path.value = []
    assert heard == [2]
