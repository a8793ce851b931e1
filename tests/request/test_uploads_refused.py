"""Files that cannot be sent: each with one sentence that says what is wrong, and nothing of it in memory."""

from __future__ import annotations

import io
import tracemalloc
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from decart_nb import InvalidInputError, ModelDefinition, media, models
from decart_nb.request.request import check_fetched, prepare
from decart_nb.request.uploads import Upload

IMAGE_MODEL, VIDEO_MODEL, RESTYLE = "lucy-pro-i2v", "lucy-2.5", "lucy-restyle-2"


def refused(value: Any, model: str = IMAGE_MODEL) -> str:
    """What the error says about the model's ``data``."""
    with pytest.raises(InvalidInputError) as caught:
        prepare(models.video(model), {"prompt": "x", "data": value})
    error = caught.value
    assert type(error) is InvalidInputError
    assert error.data["fields"] == ["data"]
    start = f"Invalid inputs for {model}: data "
    assert error.message.startswith(start)
    assert len(error.message) < 1000
    return error.message.removeprefix(start)


def test_a_video_where_an_image_is_wanted_is_told_how_to_get_one(small_video: Path) -> None:
    told = refused(small_video)
    assert told.startswith("must be an image, and small.mp4 is a video.")
    assert "clip.poster()" in told


@pytest.mark.parametrize("model", [VIDEO_MODEL, RESTYLE])
def test_an_image_where_a_video_is_wanted_is_refused(model: str, small_image: Path) -> None:
    assert refused(small_image, model) == "must be a video, and small.png is an image."


def test_an_image_array_is_no_video() -> None:
    assert refused(np.zeros((8, 8, 3), np.uint8), VIDEO_MODEL) == "must be a video, and data.png is an image."


def test_a_video_array_is_no_image() -> None:
    assert refused(np.zeros((3, 16, 16, 3), np.uint8)).startswith("must be an image, and data.mp4 is a video.")


@pytest.mark.parametrize("model", [IMAGE_MODEL, VIDEO_MODEL])
@pytest.mark.parametrize(
    "text", [b"hello, world", b"BMW is no bitmap", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\0" * 4096]
)
def test_what_is_neither_image_nor_video_is_refused(model: str, text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(text)
    assert refused(path, model).endswith("and notes.txt cannot be read as one.")


def test_a_playlist_is_no_video_and_what_it_names_is_not_opened(small_video: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{small_video}\n#EXT-X-ENDLIST\n")
    assert "cannot be read as one" in refused(path, VIDEO_MODEL)


def test_sound_is_no_video(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "tone.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    assert "cannot be read as one" in refused(tmp_path / "tone.wav", VIDEO_MODEL)


@pytest.mark.parametrize("model", [VIDEO_MODEL, RESTYLE])
def test_sound_in_an_mp4_is_no_video(model: str, tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert refused(path, model).startswith("must be a video, and song.m4a ")


@pytest.mark.parametrize("where", [".", "folder", Path()])
def test_a_folder_is_refused(where: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert refused(where).startswith("is a folder: ")


def test_a_missing_file_is_named_and_a_relative_path_explained(tmp_path: Path) -> None:
    assert refused("no.png").startswith("is not there: no file no.png. The path is relative to")
    assert refused(tmp_path / "no.png") == "is not there: no file no.png."
    assert refused(tmp_path.parent / "no.png") == f"is not there: no file {tmp_path.parent / 'no.png'}."


@pytest.mark.parametrize(
    "path",
    [
        "nul\0.png",
        "file.txt/still.png",
        "n" * 300,
        "~nobody-of-that-name/still.png",
        "data:image/png;base64," + "A" * 10**5,
    ],
    ids=["nul", "under a file", "long name", "unknown home", "data URL"],
)
def test_a_path_that_cannot_be_one_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("x")
    assert refused(path)


@pytest.mark.parametrize("model", [IMAGE_MODEL, VIDEO_MODEL, RESTYLE])
def test_an_empty_file_is_refused(model: str, tmp_path: Path) -> None:
    (tmp_path / "empty.bin").write_bytes(b"")
    assert refused(tmp_path / "empty.bin", model) == "is empty: empty.bin has no bytes."
    assert refused(b"", model) == "is empty: data has no bytes."


def test_an_open_file_that_gives_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    with (tmp_path / "a.png").open() as stream:
        assert "mode 'rb'" in refused(stream)
    assert "mode 'rb'" in refused(io.StringIO("text"))


def test_an_open_file_with_nothing_left_is_refused(small_image: Path) -> None:
    with small_image.open("rb") as stream:
        stream.read()
        assert "nothing left to read" in refused(stream)


def test_a_closed_file_is_refused(small_image: Path) -> None:
    with small_image.open("rb") as stream:
        pass
    assert "closed" in refused(stream)


def truncated_jpeg() -> Image.Image:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)).save(buffer, "jpeg")
    return Image.open(io.BytesIO(buffer.getvalue()[:1500]))


@pytest.mark.parametrize(
    "make", [truncated_jpeg, lambda: Image.new("RGB", (0, 5))], ids=["half a file", "without pixels"]
)
def test_a_pil_image_that_cannot_be_saved_is_refused(make: Callable[[], Image.Image]) -> None:
    assert refused(make())


def nan_image() -> np.ndarray:
    array = np.full((8, 8, 3), 0.5)
    array[0, 0, 0] = np.nan
    return array


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(8, np.uint8), "uint8, 8;"),
        (np.zeros((8, 8, 2), np.uint8), "uint8, 8×8×2;"),
        (np.zeros((3, 8, 8), np.uint8), "uint8, 3×8×8;"),
        (np.zeros((2, 3, 8, 8, 3), np.uint8), "uint8, 2×3×8×8×3;"),
        (np.zeros((0, 8, 3), np.uint8), "uint8, 0×8×3;"),
        (np.zeros((0, 8, 8, 3)), "float64, 0×8×8×3;"),
        (np.zeros((8, 8, 3), np.int64), "int64, 8×8×3;"),
        (np.zeros((8, 8, 3), bool), "bool, 8×8×3;"),
        (np.zeros((8, 8, 3), np.complex64), "complex64"),
        (np.array("text"), "a single value"),
        (np.uint8(3), "a single value"),
        (np.full((8, 8, 3), 128.0), "outside 0 to 1"),
        (np.full((8, 8, 3), -0.1), "outside 0 to 1"),
        (np.full((8, 8, 3), np.inf), "outside 0 to 1"),
        (nan_image(), "outside 0 to 1"),
    ],
)
def test_an_array_that_is_no_picture_is_told_what_one_is(array: Any, words: str) -> None:
    told = refused(array)
    assert words in told
    assert "0 to 1" in told


@pytest.mark.parametrize("value", [5, 1.5, True, ["a.png"], {"path": "a.png"}, object(), ("a", "b")])
def test_what_is_no_file_is_told_what_may_be(value: Any) -> None:
    told = refused(value)
    assert type(value).__name__ in told
    assert "give a path, an address, bytes, an open file, a PIL image, a NumPy array or a Clip" in told
    assert ("numpy.stack" in told) == isinstance(value, (list, dict, tuple))


def movie(path: Path, format: str, codec: str, seconds: int = 1) -> Path:
    """A video of a frame a second."""
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream(codec, rate=1)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24").reformat(format="yuv420p")
        for number in range(seconds):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("format", "codec"), [("mp4", "libx264"), ("webm", "libvpx"), ("mov", "libx264")])
def test_restyle_takes_mp4_webm_and_quicktime(format: str, codec: str, tmp_path: Path) -> None:
    path = movie(tmp_path / "movie.bin", format, codec)
    assert prepare(models.video(RESTYLE), {"prompt": "x", "data": path}).files["data"]


@pytest.mark.parametrize(
    ("format", "codec"), [("avi", "mpeg4"), ("flv", "flv"), ("matroska", "libx264"), ("mpegts", "libx264")]
)
def test_restyle_takes_no_other_container(format: str, codec: str, tmp_path: Path) -> None:
    path = movie(tmp_path / "movie.bin", format, codec)
    assert "video/mp4, video/webm, video/quicktime" in refused(path, RESTYLE)
    assert prepare(models.video(VIDEO_MODEL), {"prompt": "x", "data": path}), "other models do"


def test_restyle_takes_no_animated_gif() -> None:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "gif", save_all=True, append_images=[Image.new("L", (8, 8), 99)])
    assert refused(buffer.getvalue(), RESTYLE).startswith("is image/gif; the model takes video/mp4")


def grown(path: Path, size: int) -> Path:
    with path.open("r+b") as stream:
        stream.truncate(size)
    return path


def test_restyle_takes_100_mib_and_nothing_is_read_to_find_out(tmp_path: Path) -> None:
    path = movie(tmp_path / "movie.mp4", "mp4", "libx264")
    most = 100 * 2**20
    assert prepare(models.video(RESTYLE), {"prompt": "x", "data": grown(path, most)})
    tracemalloc.start()
    try:
        assert "at most 100 are taken" in refused(grown(path, most + 1), RESTYLE)
        assert refused(grown(path, 2 * most), RESTYLE) == "has 200 MiB; at most 100 are taken."
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most / 16
    assert prepare(models.video(VIDEO_MODEL), {"prompt": "x", "data": path}), "other models do"


def test_restyle_takes_ten_minutes(tmp_path: Path) -> None:
    longest = movie(tmp_path / "longest.mp4", "mp4", "libx264", seconds=600)
    assert media.probe(longest).duration == 600
    assert prepare(models.video(RESTYLE), {"prompt": "x", "data": longest})
    longer = movie(tmp_path / "longer.mp4", "mp4", "libx264", seconds=602)
    assert refused(longer, RESTYLE) == "is 602 s long; at most 600 s are taken."


def test_half_a_video_is_refused_where_its_length_matters(small_video: Path) -> None:
    assert refused(small_video.read_bytes()[:300], RESTYLE).startswith("must be a video, and data cannot be read")


def test_one_error_names_files_and_plain_fields_alike(small_video: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        prepare(models.video("lucy-pro-flf2v"), {"prompt": "", "seed": -1, "start": small_video, "end": "no.png"})
    assert sorted(caught.value.data["fields"]) == ["end", "prompt", "seed", "start"]
    assert caught.value.message.count("\n  - ") == 4


@pytest.mark.parametrize("name", ["lucy-pro-i2v", "lucy-2.5"])
def test_a_reference_image_must_be_an_image_too(name: str, small_image: Path, small_video: Path) -> None:
    if name == "lucy-pro-i2v":
        with pytest.raises(InvalidInputError, match="reference_image is not an input of lucy-pro-i2v"):
            prepare(models.video(name), {"prompt": "x", "data": small_image, "reference_image": small_image})
    else:
        with pytest.raises(InvalidInputError, match="reference_image must be an image"):
            prepare(models.video(name), {"prompt": "x", "data": small_video, "reference_image": small_video})


def test_what_was_fetched_is_checked_like_any_other_file(small_video: Path) -> None:
    upload = Upload("fetched", small_video.read_bytes())
    check_fetched(models.video(VIDEO_MODEL), "data", upload)
    check_fetched(ModelDefinition(name="lucy-9", width=2, height=2, fps=1), "data", upload)
    with pytest.raises(InvalidInputError, match="Invalid inputs for lucy-pro-i2v: data must be an image"):
        check_fetched(models.video(IMAGE_MODEL), "data", upload)
