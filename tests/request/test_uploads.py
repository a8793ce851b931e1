"""What a file input may be, and what becomes of it."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from decart_nb import Clip, InvalidInputError, ModelDefinition, media, models
from decart_nb.media.sniff import sniff
from decart_nb.request.local_files import LocalFile
from decart_nb.request.locations import RemoteFile
from decart_nb.request.request import Request, prepare
from decart_nb.request.uploads import Upload

OWN = ModelDefinition(name="lucy-9", width=640, height=360, fps=10)
LARGE = 64 * 2**20


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made, empty at first."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def uploaded(value: Any, model: str = "lucy-pro-i2v") -> Upload:
    """What the model's ``data`` becomes."""
    upload = prepare(models.video(model), {"prompt": "x", "data": value}).files["data"]
    assert isinstance(upload, Upload)
    return upload


def content(upload: Upload) -> bytes:
    with upload.open() as stream:
        found = stream.read()
    assert len(found) == upload.size
    return found


def decoded(upload: Upload) -> np.ndarray:
    with upload.open() as stream:
        return np.asarray(Image.open(stream).convert("RGB"))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_sent_under_the_inputs_name(kind: Any, small_image: Path) -> None:
    upload = uploaded(kind(small_image.read_bytes()))
    assert content(upload) == small_image.read_bytes()
    assert (upload.filename, upload.media_type) == ("data", "image/png")


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_sent_under_its_own_name(kind: Any, small_image: Path, scratch: Path) -> None:
    upload = uploaded(kind(small_image))
    assert content(upload) == small_image.read_bytes()
    assert (upload.filename, upload.media_type) == ("small.png", "image/png")
    assert not list(scratch.iterdir()), "what lies on disk is not copied"


def test_a_path_may_be_relative_or_begin_at_home(
    small_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "still.png").write_bytes(small_image.read_bytes())
    assert uploaded("still.png").filename == "still.png"
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert content(uploaded("~/still.png")) == content(uploaded(Path("~/still.png"))) == small_image.read_bytes()


def test_the_media_type_is_that_of_the_bytes_whatever_the_name_says(small_video: Path, tmp_path: Path) -> None:
    path = tmp_path / "liar.png"
    path.write_bytes(small_video.read_bytes())
    assert uploaded(path, "lucy-2.5").media_type == "video/mp4"


@pytest.mark.parametrize("url", ["http://a.test/b.png", "https://a.test/b.png?size=1#2", "HTTPS://A.test/b.png"])
def test_a_url_is_fetched_later(url: str) -> None:
    request = prepare(models.video("lucy-pro-i2v"), {"prompt": "x", "data": url})
    assert request.files == {"data": RemoteFile(url)}


def test_an_open_file_is_sent_from_where_it_stands_and_left_there(small_image: Path, tmp_path: Path) -> None:
    path = tmp_path / "padded.bin"
    path.write_bytes(b"12345" + small_image.read_bytes())
    with path.open("rb") as stream:
        stream.seek(5)
        first, again = uploaded(stream), uploaded(stream)
        assert stream.tell() == 5
    assert content(first) == content(again) == small_image.read_bytes()
    assert first.filename == "padded.bin"


def test_a_buffer_without_a_name_takes_the_inputs(small_image: Path) -> None:
    assert uploaded(io.BytesIO(small_image.read_bytes())).filename == "data"


def test_a_pipe_that_cannot_be_sought_is_read_to_its_end(small_image: Path) -> None:
    end, beginning = os.pipe()
    os.write(beginning, small_image.read_bytes())
    os.close(beginning)
    with os.fdopen(end, "rb") as stream:
        assert content(uploaded(stream)) == small_image.read_bytes()


def test_anything_that_reads_is_an_open_file(small_image: Path) -> None:
    class Minimal:
        def __init__(self) -> None:
            self.read = io.BytesIO(small_image.read_bytes()).read

    assert content(uploaded(Minimal())) == small_image.read_bytes()


def test_the_copy_of_an_open_file_goes_when_its_upload_does(small_image: Path, scratch: Path) -> None:
    upload = uploaded(io.BytesIO(small_image.read_bytes()))
    assert len(list(scratch.iterdir())) == 1
    del upload
    gc.collect()
    assert not list(scratch.iterdir())


def test_a_read_that_breaks_leaves_no_copy(scratch: Path) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "the disk is gone")

    with pytest.raises(Exception, match="the disk is gone"):
        uploaded(Broken())
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
def test_a_pil_image_of_any_mode_is_sent_as_a_png_of_its_size(mode: str) -> None:
    image = Image.new("L", (6, 4), 128).convert("I").convert(mode) if mode == "I;16" else Image.new(mode, (6, 4))
    upload = uploaded(image)
    assert (upload.filename, upload.media_type) == ("data.png", "image/png")
    assert decoded(upload).shape == (4, 6, 3)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK"])
def test_a_pil_image_keeps_its_colours(mode: str) -> None:
    image = Image.new("RGB", (6, 4), (255, 0, 255)).convert(mode)
    assert decoded(uploaded(image))[0, 0].tolist() == [255, 0, 255]


def every_colour() -> np.ndarray:
    return np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)


@pytest.mark.parametrize(
    "array",
    [
        every_colour(),
        every_colour().astype(np.float64) / 255,
        every_colour().astype(np.float32) / 255,
        np.maximum(every_colour() / 255 - 1e-6, 0),
        np.asfortranarray(every_colour()),
    ],
    ids=["uint8", "float64", "float32", "rounded", "fortran"],
)
def test_an_image_array_goes_through_without_loss(array: np.ndarray) -> None:
    upload = uploaded(array)
    assert (upload.filename, upload.media_type) == ("data.png", "image/png")
    assert np.array_equal(decoded(upload), every_colour())


def test_an_array_of_another_library_is_an_array() -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return every_colour()

    assert np.array_equal(decoded(uploaded(Tensor())), every_colour())


def gradient(frames: int, dtype: Any = np.uint8) -> np.ndarray:
    """A smooth video of 64×48, brighter from frame to frame."""
    ramp = np.linspace(0, 120, 64)[None, None, :, None] + np.linspace(0, 100, frames)[:, None, None, None]
    video = np.broadcast_to(ramp, (frames, 48, 64, 3))
    return (video / 255).astype(dtype) if np.dtype(dtype).kind == "f" else video.astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_video_array_becomes_a_video_at_the_models_rate(dtype: Any, scratch: Path) -> None:
    upload = uploaded(gradient(10, dtype), "lucy-2.5")
    assert (upload.filename, upload.media_type) == ("data.mp4", "video/mp4")
    with upload.open() as stream:
        info = media.probe(stream)
        frames = np.stack(list(media.frames(stream)))
    assert (info.width, info.height, info.fps) == (64, 48, models.video("lucy-2.5").fps)
    assert frames.shape == (10, 48, 64, 3)
    assert np.abs(frames.astype(int) - gradient(10)).mean() < 3
    del upload
    gc.collect()
    assert not list(scratch.iterdir())


def test_a_clip_is_a_path(small_video: Path) -> None:
    clip = Clip(small_video, "job_1", "lucy-2.5", {}, 64, 48, 10.0, 1.0, small_video.stat().st_size, "00", "local")
    upload = uploaded(clip, "lucy-2.5")
    assert (content(upload), upload.filename) == (small_video.read_bytes(), "small.mp4")


def picture(format: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (9, 99, 199)).save(buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("format", "media_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("AVIF", "image/avif"),
        ("TGA", None),
    ],
)
def test_an_image_is_told_by_its_first_bytes(format: str, media_type: str | None) -> None:
    assert sniff(picture(format)[:64]) == media_type


def movie(path: Path, format: str, codec: str) -> Path:
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("format", "codec", "media_type"),
    [
        ("mp4", "libx264", "video/mp4"),
        ("mov", "libx264", "video/quicktime"),
        ("webm", "libvpx", "video/webm"),
        ("matroska", "libx264", "video/x-matroska"),
        ("avi", "mpeg4", "video/x-msvideo"),
        ("flv", "flv", "video/x-flv"),
        ("mpeg", "mpeg1video", "video/mpeg"),
        ("3gp", "libx264", "video/mp4"),
        ("mpegts", "libx264", None),
    ],
)
def test_a_video_is_told_by_its_first_bytes_and_taken(
    format: str, codec: str, media_type: str | None, tmp_path: Path
) -> None:
    path = movie(tmp_path / "movie.bin", format, codec)
    assert sniff(path.read_bytes()[:64]) == media_type
    assert content(uploaded(path, "lucy-2.5")) == path.read_bytes()


@pytest.mark.parametrize(
    "head", [b"", b"\x89", b"RIFF", b"RIFF\0\0\0\0WAVEfmt ", b"hello, world", b"BMW is no bitmap", b"\0" * 64]
)
def test_what_is_neither_has_no_media_type(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize("head", [b"II*\0", b"MM\0*"])
def test_a_tiff_may_have_either_order_of_bytes(head: bytes) -> None:
    assert sniff(head + bytes(60)) == "image/tiff"


@pytest.mark.parametrize("model", ["lucy-pro-i2v", "lucy-2.5"])
def test_an_animation_is_an_image_and_a_video(model: str) -> None:
    buffer = io.BytesIO()
    frames = [Image.new("L", (8, 8), level) for level in (0, 99, 200)]
    frames[0].save(buffer, "gif", save_all=True, append_images=frames[1:])
    assert uploaded(buffer.getvalue(), model).media_type == "image/gif"


@pytest.mark.parametrize("format", ["TGA", "PPM"])
def test_an_image_that_no_signature_tells_is_asked_of_the_decoders(format: str) -> None:
    assert content(uploaded(picture(format))) == picture(format)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (4294967295, "4294967295"),
        (0.5, "0.5"),
        ("", ""),
        ("Grüße\n", "Grüße\n"),
    ],
)
def test_a_plain_value_goes_over_the_wire_as_text(value: Any, text: str) -> None:
    assert Request(OWN, {"value": value}).form() == {"value": text}


def test_a_trajectory_goes_over_the_wire_as_json(small_image: Path) -> None:
    points = np.array([[0, 0.1, 0.2], [24, 1, 1e-9]])
    form = prepare(models.video("lucy-motion"), {"data": small_image, "trajectory": points}).form()
    assert set(form) == {"trajectory"}
    assert json.loads(form["trajectory"]) == [{"frame": 0, "x": 0.1, "y": 0.2}, {"frame": 24, "x": 1, "y": 1e-9}]


def test_a_request_has_its_values_and_its_files_apart(small_image: Path) -> None:
    request = prepare(
        models.video("lucy-pro-flf2v"), {"prompt": "x", "seed": np.int64(3), "start": small_image, "end": small_image}
    )
    assert request.form() == {"prompt": "x", "seed": "3"}
    assert set(request.files) == {"start", "end"}


def test_a_model_of_the_callers_own_has_its_files_under_the_usual_names(small_image: Path, small_video: Path) -> None:
    files = {"data": small_video, "start": small_image, "end": small_image, "reference_image": b"anything"}
    request = prepare(OWN, {**files, "glow": 3, "left_out": None})
    assert set(request.files) == set(files)
    assert request.form() == {"glow": "3"}


def test_nothing_on_disk_is_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as stream:
        Image.new("RGB", (8, 8)).save(stream, "png")
        stream.truncate(LARGE)
    uploaded(path)  # so that what is imported on the way does not count
    tracemalloc.start()
    try:
        by_path = uploaded(path)
        with path.open("rb") as opened:
            by_stream = uploaded(opened)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert by_path.size == by_stream.size == LARGE
    assert peak < LARGE / 8


def test_the_length_of_a_checked_video_goes_with_its_snapshot(small_video: Path, small_image: Path) -> None:
    inputs = {"prompt": "x", "data": small_video, "reference_image": small_image}
    request = prepare(models.video("lucy-2.5"), inputs)
    assert {name: file.snapshot().seconds for name, file in request.files.items()} == {
        "data": 1.0,
        "reference_image": None,
    }


@pytest.mark.parametrize("seconds", [0.0, 2.5], ids=["at once", "later"])
def test_a_file_that_has_changed_has_another_digest(seconds: float, tmp_path: Path) -> None:
    path = tmp_path / "in.bin"
    path.write_bytes(b"before")
    at = path.stat()
    time.sleep(seconds)
    for _ in range(2):
        assert Upload("in.bin", LocalFile(path)).sha256() == hashlib.sha256(b"before").hexdigest()
    path.write_bytes(b"behind")
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert Upload("in.bin", LocalFile(path)).sha256() == hashlib.sha256(b"behind").hexdigest()


@pytest.mark.parametrize("seconds", [0.0, 2.5], ids=["at once", "later"])
def test_a_file_that_was_taken_is_refused_when_it_has_broken(seconds: float, small_video: Path, tmp_path: Path) -> None:
    content, path = small_video.read_bytes(), tmp_path / "in.mp4"
    path.write_bytes(content)
    at = path.stat()
    time.sleep(seconds)
    for _ in range(2):
        prepare(models.video("lucy-2.5"), {"prompt": "x", "data": path})
    path.write_bytes(content[: len(content) // 2].ljust(len(content), b"\0"))
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))  # of the same size and time
    with pytest.raises(InvalidInputError, match="data"):
        prepare(models.video("lucy-2.5"), {"prompt": "x", "data": path})
