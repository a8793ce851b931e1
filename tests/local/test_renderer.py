"""What the local queue renders, judged by its decoded frames."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from decart_nb import media
from decart_nb.catalogue import Kind, ModelDefinition, models
from decart_nb.errors import LocalQueueError
from decart_nb.local.canvas import fit
from decart_nb.local.renderer import render
from tests.local.rendering import BLUE, GREEN, KINDS, PATH, RED, SIZE, alike, apart, digest, inputs, made, scene, small


@pytest.mark.parametrize("model", models, ids=lambda model: model.name)
def test_every_model_makes_what_it_promises(tmp_path: Path, image: Path, video: Path, model: ModelDefinition) -> None:
    values, files = inputs(model.kind, image, video)
    target = tmp_path / "made.mp4"
    render(model, values, files, 7, target)
    info = media.probe(target)
    assert (info.width, info.height, info.fps) == (model.width, model.height, model.fps)
    follows = model.kind in ("video-to-video", "restyle")
    frames = round((0.8 if follows else 5) * model.fps)
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert stream.frames == frames
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert not container.streams.audio
    data = target.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")


@pytest.mark.parametrize(
    ("resolution", "orientation", "size"),
    [("480p", None, (872, 480)), ("720p", "portrait", (704, 1280)), ("480p", "portrait", (480, 872))],
)
def test_resolution_and_orientation_are_obeyed(
    tmp_path: Path, resolution: str, orientation: str | None, size: tuple[int, int]
) -> None:
    model = ModelDefinition(name="t", width=1280, height=704, fps=5, kind="text-to-video", seconds=0.4)
    values = {"prompt": "a fjord", "resolution": resolution, "orientation": orientation}
    first = made(tmp_path, model, values)[0]
    assert first.shape[1::-1] == size


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_request_makes_the_same_frames_and_another_seed_others(
    tmp_path: Path, image: Path, video: Path, kind: Kind
) -> None:
    values, files = inputs(kind, image, video)
    once, again, other = (made(tmp_path, small(kind), values, files, seed) for seed in (5, 5, 6))
    assert digest(once) == digest(again)
    assert max(apart(one, two) for one, two in zip(once, other, strict=True)) > 0.3


def test_another_process_makes_the_same_frames(tmp_path: Path) -> None:
    here = digest(made(tmp_path, small("text-to-video"), {"prompt": "naïve 猫 in the rain"}, seed=3))
    script = (
        "import sys; from pathlib import Path; from decart_nb.catalogue import ModelDefinition\n"
        "from decart_nb.local.renderer import render\n"
        f"model = ModelDefinition(name='small', width={SIZE[0]}, height={SIZE[1]}, fps=10, kind='text-to-video', "
        "seconds=1)\nrender(model, {'prompt': 'naïve 猫 in the rain'}, {}, 3, Path(sys.argv[1]))"
    )
    target = tmp_path / "there.mp4"
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "77", "PYTHONUTF8": "1"}
    subprocess.run([sys.executable, "-c", script, str(target)], check=True, env=environment)
    assert digest(list(media.frames(target))) == here


PROMPTS = (
    "A cat playing piano in a cozy living room",
    "a fox in the snow at night",
    "sunset over the ocean",
    "neon city in the rain",
    "desert canyon",
    "sand dunes at noon",
    "northern lights over a forest",
    "a galaxy far away",
    "a mountain lake at dawn",
    "green hills in spring",
    "volcano in autumn",
    "abstract silk",
    "an old man laughing",
    "",
)


def test_text_to_video_moves_loops_and_differs_by_prompt(tmp_path: Path) -> None:
    firsts = []
    for prompt in PROMPTS:
        shown = made(tmp_path, small("text-to-video", seconds=2), {"prompt": prompt})
        assert len(shown) == 20
        steps = [apart(one, two) for one, two in itertools.pairwise(shown)]
        assert min(steps) > 0.02, f"{prompt!r} stands still"
        assert apart(shown[-1], shown[0]) < 3 * max(steps) + 0.5, f"{prompt!r} does not come back to its beginning"
        assert max(apart(shown[0], rgb) for rgb in shown) > 0.5
        assert shown[0].std() > 12, f"{prompt!r} is flat"
        firsts.append(shown[0])
    for one, two in itertools.combinations(firsts, 2):
        assert apart(one, two) > 5


def test_words_choose_the_light(tmp_path: Path) -> None:
    night, day = (
        made(tmp_path, small("text-to-video", 0.3), {"prompt": f"mountains {when}"})[0]
        for when in ("at night", "at noon")
    )
    assert night.mean() < 0.6 * day.mean()


def test_every_frame_bears_the_mark(tmp_path: Path, image: Path) -> None:
    model = ModelDefinition(name="m", width=1280, height=704, fps=5, kind="image-to-video", seconds=0.4)
    for shade in (0, 255):
        Image.new("RGB", (1280, 704), (shade,) * 3).save(image)
        for rgb in made(tmp_path, model, {"prompt": "x"}, {"data": image}):
            plate = rgb[-60:, -220:].astype(int)
            assert np.ptp(plate) > 120, "letters stand out on dark and on light"
            assert np.abs(rgb[:600].astype(int) - shade).max() < 12, "the rest is left alone"


@pytest.mark.parametrize("size", [(40, 200), (300, 100), (101, 77), (1, 1), (3000, 40)])
def test_pictures_are_fitted_without_loss_or_distortion(size: tuple[int, int]) -> None:
    width, height = size
    rgb = np.full((height, width, 3), (128, 128, 128), np.uint8)
    edge = max(1, min(size) // 10)
    rgb[:edge], rgb[-edge:], rgb[:, :edge], rgb[:, -edge:] = RED, GREEN, BLUE, (240, 240, 20)
    fitted = fit(rgb, *SIZE)
    assert fitted.shape == (SIZE[1], SIZE[0], 3)
    if size == (1, 1):
        return
    scale = min(SIZE[0] / width, SIZE[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (SIZE[0] - inner[0]) // 2, (SIZE[1] - inner[1]) // 2
    wanted = np.asarray(Image.fromarray(rgb).resize(inner, Image.Resampling.BICUBIC), int)
    found = fitted[top : top + inner[1], left : left + inner[0]]
    assert np.abs(found - wanted).mean() < 6, "all of it is there, in its own shape"
    assert fitted[0, 0].astype(int).sum() < 0.75 * fitted[SIZE[1] // 2, SIZE[0] // 2].astype(int).sum() + 60


def test_all_but_equal_shapes_are_cropped_by_no_more_than_a_little() -> None:
    rgb = scene(192, 108)
    fitted = fit(rgb, *SIZE)
    assert apart(fitted, rgb[2:106]) < 2, "no bars"


@pytest.mark.parametrize(
    ("prompt", "grows"), [("the camera zooms in", True), ("the camera pulls back", False), ("slow zoom out", False)]
)
def test_the_camera_does_what_it_is_told(tmp_path: Path, prompt: str, grows: bool) -> None:
    rgb = np.full((352, 640, 3), 30, np.uint8)
    rgb[146:206, 280:360] = 230
    Image.fromarray(rgb).save(tmp_path / "square.png")
    model = ModelDefinition(name="i", width=640, height=352, fps=10, kind="image-to-video", seconds=2)
    shown = made(tmp_path, model, {"prompt": prompt}, {"data": tmp_path / "square.png"})
    areas = np.array([(rgb[:280, :, 0] - 30.0).sum() / 200 for rgb in shown])
    assert (areas[-1] > 1.15 * areas[0]) if grows else (areas[0] > 1.15 * areas[-1])
    steps = np.diff(areas) if grows else -np.diff(areas)
    assert steps.min() > -0.01 * areas[0], "steadily, without going back and forth"


def test_the_camera_pans(tmp_path: Path) -> None:
    rgb = np.full((352, 640, 3), 30, np.uint8)
    rgb[:, 300:340] = 230
    Image.fromarray(rgb).save(tmp_path / "bar.png")
    model = ModelDefinition(name="i", width=640, height=352, fps=10, kind="image-to-video", seconds=2)
    for prompt, sign in (("pan left", 1), ("pan right", -1)):
        shown = made(tmp_path, model, {"prompt": prompt}, {"data": tmp_path / "bar.png"})
        middles = [float(np.average(np.arange(640), weights=rgb[100, :, 0] > 128)) for rgb in shown]
        steps = sign * np.diff(middles)
        assert steps.sum() > 40
        assert steps.min() > -0.6, "no jitter"


def test_first_and_last_frame_are_the_given_ones(tmp_path: Path) -> None:
    start, end = scene(at=0.2), scene(300, 300, at=0.7)[..., ::-1]
    Image.fromarray(start).save(tmp_path / "start.png")
    Image.fromarray(end).save(tmp_path / "end.png")
    files = {"start": tmp_path / "start.png", "end": tmp_path / "end.png"}
    shown = made(tmp_path, small("first-last-frame"), {"prompt": "it changes"}, files)
    assert len(shown) == 10
    assert apart(shown[0], fit(start, *SIZE)) < 3
    assert apart(shown[-1], fit(end, *SIZE)) < 3
    middle = shown[5]
    assert apart(middle, shown[0]) > 4
    assert apart(middle, shown[-1]) > 4


def spot(rgb: NDArray[np.uint8]) -> tuple[float, float]:
    """The middle of what is yellow."""
    yellow = (rgb[..., 0] > 180) & (rgb[..., 1] > 170) & (rgb[..., 2] < 160)
    y, x = np.nonzero(yellow)
    return float(x.mean()), float(y.mean())


@pytest.mark.parametrize("pixels", [False, True])
def test_what_lies_under_the_first_point_travels_along_the_trajectory(tmp_path: Path, pixels: bool) -> None:
    Image.fromarray(scene(384, 208)).save(tmp_path / "image.png")
    scale = (384, 208) if pixels else (1, 1)
    points = [{"frame": p["frame"], "x": p["x"] * scale[0], "y": p["y"] * scale[1]} for p in PATH]
    points.reverse()
    shown = made(tmp_path, small("motion"), {"trajectory": points}, {"data": tmp_path / "image.png"})
    assert len(shown) == 10
    wanted = np.interp(range(10), [2, 8], [0.25 * 192, 0.75 * 192])
    for rgb, x in zip(shown, wanted, strict=True):
        assert spot(rgb) == pytest.approx((x, 52), abs=3)
    left_behind = shown[-1][52, 48].astype(int)
    assert left_behind[0] < 160, "the gap closes with what surrounds it"


def test_a_trajectory_through_a_fitted_image_starts_where_the_image_says(tmp_path: Path) -> None:
    rgb = np.full((200, 100, 3), 70, np.uint8)
    rgb[90:110, 40:60] = (250, 240, 90)
    Image.fromarray(rgb).save(tmp_path / "tall.png")
    points = [{"frame": 0, "x": 50, "y": 100}, {"frame": 9, "x": 50, "y": 20}]
    shown = made(tmp_path, small("motion"), {"trajectory": points}, {"data": tmp_path / "tall.png"})
    assert spot(shown[0]) == pytest.approx((96, 52), abs=3)
    assert spot(shown[-1]) == pytest.approx((96, 10.4), abs=4)


LOOKS = (
    "oil painting",
    "blueprint",
    "claymation",
    "comic book",
    "pencil sketch",
    "pixel art",
    "neon outlines",
    "watercolor",
    "thermal camera",
    "film noir",
    "a word nobody knows",
)


def test_each_look_is_visible_and_keeps_what_is_shown(tmp_path: Path, video: Path) -> None:
    given = list(media.frames(video))
    results = []
    for prompt in LOOKS:
        shown = made(tmp_path, small("video-to-video", 5), {"prompt": prompt}, {"data": video})
        assert len(shown) == 8
        assert apart(shown[6], given[6]) > 8, f"{prompt} changes something"
        assert alike(shown[6], given[6]) > 0.3, f"{prompt} is still the same picture"
        results.append(shown[6])
    for one, two in itertools.combinations(results[:-1], 2):
        assert apart(one, two) > 4


def hue(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    colour = rgb[: int(0.7 * len(rgb))].reshape(-1, 3).mean(axis=0)
    return np.asarray(colour - colour.mean(), float)


@pytest.mark.parametrize("kind", ["video-to-video", "restyle"])
def test_a_reference_image_gives_its_colours(tmp_path: Path, video: Path, kind: Kind) -> None:
    for colour, channel in ((RED, 0), (GREEN, 1), (BLUE, 2)):
        Image.new("RGB", (50, 50), colour).save(tmp_path / "reference.png")
        files = {"data": video, "reference_image": tmp_path / "reference.png"}
        values = {} if kind == "restyle" else {"prompt": "as it is"}
        shown = made(tmp_path, small(kind, None), values, files)
        assert int(np.argmax(hue(shown[3]))) == channel


def test_restyle_recolours_by_the_prompt_and_keeps_what_is_shown(tmp_path: Path, video: Path) -> None:
    given = list(media.frames(video))[6]
    forest, fire = (
        made(tmp_path, small("restyle", None), {"prompt": prompt}, {"data": video})[6]
        for prompt in ("a forest", "fire")
    )
    assert apart(forest, fire) > 15
    assert min(alike(forest, given), alike(fire, given)) > 0.5


@pytest.mark.parametrize(("seconds", "frames"), [(None, 16), (5, 16), (0.5, 10)])
def test_a_video_s_length_is_kept_up_to_the_model_s(
    tmp_path: Path, video: Path, seconds: float | None, frames: int
) -> None:
    shown = made(tmp_path, small("video-to-video", seconds, fps=20), {"prompt": ""}, {"data": video})
    assert len(shown) == frames


def test_a_stopped_render_ends_at_once(tmp_path: Path) -> None:
    asked = []

    def proceed() -> None:
        asked.append(1)
        if len(asked) == 5:
            raise LocalQueueError("The render was stopped.")

    with pytest.raises(LocalQueueError, match="stopped"):
        render(small("text-to-video", 100), {"prompt": "x"}, {}, 0, tmp_path / "made.mp4", proceed)
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("given", "frames"),
    [
        ({}, 50),
        ({"data": "image"}, 50),
        ({"data": "video"}, 8),
        ({"start": "image", "end": "image"}, 50),
    ],
)
def test_a_model_of_one_s_own_gets_the_kind_its_inputs_suggest(
    tmp_path: Path, image: Path, video: Path, given: dict[str, str], frames: int
) -> None:
    files = {name: {"image": image, "video": video}[which] for name, which in given.items()}
    assert len(made(tmp_path, small(None, None), {"prompt": "x"}, files)) == frames
