"""What the local queue renders, judged by its decoded frames."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import av
import pytest

from decart_nb import media
from decart_nb.errors import LocalQueueError
from decart_nb.local.render.render import render
from decart_nb.request.catalogue import models
from decart_nb.request.models import Kind, ModelDefinition
from tests.local.render.rendering import KINDS, SIZE, apart, digest, inputs, made, small


@pytest.mark.parametrize("model", models, ids=lambda model: model.name)
def test_every_model_makes_what_it_promises(tmp_path: Path, image: Path, video: Path, model: ModelDefinition) -> None:
    values, files = inputs(model.kind, image, video)
    brief, tiny = replace(model, seconds=model.seconds and 2 / model.fps), replace(model, width=64, height=48)
    glimpse = tmp_path / "glimpse.mp4"
    media.encode(islice(media.frames(video), 2), glimpse, fps=10)
    files_of_brief = {name: glimpse if path == video else path for name, path in files.items()}
    render(brief, values, files_of_brief, 7, tmp_path / "brief.mp4")
    info = media.probe(tmp_path / "brief.mp4")
    assert (info.width, info.height, info.fps) == (model.width, model.height, model.fps)
    render(tiny, values, files, 7, tmp_path / "tiny.mp4")
    follows = model.kind in ("video-to-video", "restyle")
    with av.open(str(tmp_path / "tiny.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.frames == round((0.8 if follows else 5) * model.fps)
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert not container.streams.audio
    data = (tmp_path / "tiny.mp4").read_bytes()
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
def test_the_same_request_makes_the_same_frames_and_another_seed_or_model_others(
    tmp_path: Path, image: Path, video: Path, kind: Kind
) -> None:
    values, files = inputs(kind, image, video)
    once, again, other = (made(tmp_path, small(kind), values, files, seed) for seed in (5, 5, 6))
    by_model = made(tmp_path, replace(small(kind), name="another"), values, files, 5)
    assert digest(once) == digest(again)
    for others in (other, by_model):
        assert max(apart(one, two) for one, two in zip(once, others, strict=True)) > 0.3


def test_another_process_makes_the_same_file(tmp_path: Path) -> None:
    here = tmp_path / "here.mp4"
    render(small("text-to-video"), {"prompt": "naïve 猫 in the rain"}, {}, 3, here)
    script = (
        "import sys; from pathlib import Path; from decart_nb.request.models import ModelDefinition\n"
        "from decart_nb.local.render.render import render\n"
        f"model = ModelDefinition(name='small', width={SIZE[0]}, height={SIZE[1]}, fps=10, kind='text-to-video', "
        "seconds=1)\nrender(model, {'prompt': 'naïve 猫 in the rain'}, {}, 3, Path(sys.argv[1]))"
    )
    target = tmp_path / "there.mp4"
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "77", "PYTHONUTF8": "1"}
    subprocess.run([sys.executable, "-c", script, str(target)], check=True, env=environment)
    assert target.read_bytes() == here.read_bytes()


@pytest.mark.parametrize(("seconds", "frames"), [(None, 16), (5, 16), (0.5, 10)])
def test_a_video_s_length_is_kept_up_to_the_model_s(
    tmp_path: Path, video: Path, seconds: float | None, frames: int
) -> None:
    shown = made(tmp_path, small("video-to-video", seconds, fps=20), {"prompt": ""}, {"data": video})
    assert len(shown) == frames


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_odd_sides_gets_even_ones(tmp_path: Path, image: Path, video: Path, kind: Kind) -> None:
    values, files = inputs(kind, image, video)
    model = replace(small(kind, 0.2), width=65, height=49)
    assert {rgb.shape for rgb in made(tmp_path, model, values, files)} == {(50, 66, 3)}


def test_a_stopped_render_ends_at_once(tmp_path: Path) -> None:
    asked = []

    def proceed() -> None:
        asked.append(1)
        if len(asked) == 5:
            raise LocalQueueError("The render was stopped.")

    with pytest.raises(LocalQueueError, match="stopped"):
        render(small("text-to-video", 100), {"prompt": "x"}, {}, 0, tmp_path / "made.mp4", proceed)
    assert len(asked) == 5
