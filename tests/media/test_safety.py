"""Decoders run nothing and follow nothing: formats and codecs come from a list, whatever a file is called."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from decart_nb import InvalidInputError, media, models
from decart_nb.errors import MediaError
from decart_nb.local.queue import LocalQueue
from decart_nb.request.request import check_fetched, prepare
from decart_nb.request.uploads import Upload

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n0 0 100 100 rectfill\nshowpage\n%%EOF\n"
#: The same behind a binary preview's head, as Windows programs write it.
EPS_OF_WINDOWS = b"\xc5\xd0\xd3\xc6" + (30).to_bytes(4, "little") + len(EPS).to_bytes(4, "little") + bytes(18) + EPS
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
WMF = (
    b"\xd7\xcd\xc6\x9a" + bytes(2) + bytes(4) + (100).to_bytes(2, "little") * 2 + (96).to_bytes(2, "little") + bytes(60)
)
EMF = b"\x01\0\0\0" + (88).to_bytes(4, "little") + bytes(32) + b" EMF" + bytes(60)


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Whether any stand-in for a program that decoders may run has been called."""
    folder, mark = tmp_path / "programs", tmp_path / "called"
    folder.mkdir()
    for name in ("gs", "gswin32c", "djpeg", "netpbm", "ppmtogif", "convert", "magick"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> {mark}\nexit 1\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return mark.exists


@pytest.mark.parametrize(
    "data", [EPS, EPS_OF_WINDOWS, PDF, WMF, EMF], ids=["EPS", "EPS of Windows", "PDF", "WMF", "EMF"]
)
@pytest.mark.parametrize("name", ["photo.jpg", "photo.eps", "photo", "photo.heic", "clip.mp4"])
def test_a_page_description_is_neither_run_nor_taken(
    data: bytes, name: str, tmp_path: Path, called: Callable[[], bool], small_image: Path, small_video: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    for given in (tmp_path / name, data, io.BytesIO(data)):
        for model, inputs in (
            ("lucy-pro-i2v", {"data": given}),
            ("lucy-motion", {"data": given}),
            ("lucy-pro-flf2v", {"start": given, "end": small_image}),
            ("lucy-pro-flf2v", {"start": small_image, "end": given}),
            ("lucy-2.5", {"data": given}),
            ("lucy-2.5", {"data": small_video, "reference_image": given}),
        ):
            with pytest.raises(InvalidInputError, match="cannot be read as one"):
                prepare(models.video(model), {"prompt": "x", **inputs} if model != "lucy-motion" else inputs)
    with pytest.raises(InvalidInputError, match="cannot be read as one"):  # as from a URL
        check_fetched(models.video("lucy-pro-i2v"), "data", Upload(name, data))
    for read in (media.probe, media.poster, media.read_image, media.quick_probe, lambda path: next(media.frames(path))):
        with pytest.raises(MediaError):
            read(tmp_path / name)
    assert not media.is_video_container(tmp_path / name)
    assert not called()


def test_the_local_queue_runs_no_page_description(rendering_queue: LocalQueue, called: Callable[[], bool]) -> None:
    headers = {"X-API-KEY": rendering_queue.api_key}
    with httpx.Client(base_url=rendering_queue.base_url, headers=headers) as http:
        answer = http.post("/v1/jobs/lucy-pro-i2v", data={"prompt": "x"}, files={"data": ("a.png", EPS, "image/png")})
        status = answer.json().get("status")
        while status in ("pending", "processing"):
            status = http.get(f"/v1/jobs/{answer.json()['job_id']}").json()["status"]
    assert status in ("failed", None)
    assert not called()


def test_a_lazy_page_description_of_pillow_is_not_loaded(called: Callable[[], bool]) -> None:
    with pytest.raises(InvalidInputError, match="it is EPS and not loaded"):
        prepare(models.video("lucy-pro-i2v"), {"prompt": "x", "data": Image.open(io.BytesIO(EPS))})
    assert not called()


def playlists(video: Path) -> dict[str, str]:
    return {
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{video}\n#EXT-X-ENDLIST\n",
        "ffconcat": f"ffconcat version 1.0\nfile '{video}'\n",
        "mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{video}</BaseURL></MPD>',
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 26\n",
        "imf": f'<AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM"><Path>{video}</Path></AssetMap>',
        "ism": f'<?xml version="1.0"?><SmoothStreamingMedia Url="{video}"/>',
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{video}"/></svg>',
        "ans": "\x1b[31mred\x1b[0m\r\n" * 40,
        "srt": "1\n00:00:00,000 --> 00:00:05,000\nHello\n\n",
        "vtt": "WEBVTT\n\n00:00.000 --> 00:05.000\nHello\n",
        "ass": "[Script Info]\nScriptType: v4.00+\n[Events]\nDialogue: 0,0:00:00.00,0:00:05.00,,,0,0,0,,Hello\n",
        "txt": "a dog, running\n" * 200,
        "lavfi": "testsrc",
        "ffmetadata": ";FFMETADATA1\ntitle=x\n",
        "json": '{"detail": "gone"}',
        "html": "<!doctype html><video src='x.mp4'></video>",
    }


@pytest.mark.parametrize("kind", sorted(playlists(Path("x"))))
@pytest.mark.parametrize("model", ["lucy-2.5", "lucy-pro-i2v"])
def test_what_names_other_files_or_draws_text_is_refused(
    kind: str, model: str, small_video: Path, tmp_path: Path
) -> None:
    data = playlists(small_video)[kind].encode()
    for name in (f"x.{kind}", "x.mp4", "x-%03d.png"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InvalidInputError, match="cannot be read as one"):
            prepare(models.video(model), {"prompt": "x", "data": tmp_path / name})
        with pytest.raises(MediaError):
            media.quick_probe(tmp_path / name)
        assert not media.is_video_container(tmp_path / name)


@pytest.mark.parametrize("name", ["x.txt", "x.m3u8", "x-%03d.png", "x.srt", "x;y|z.mp4", "file:x.mp4", "concat:x|y"])
def test_a_video_is_one_whatever_it_is_called(name: str, small_video: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(small_video.read_bytes())
    assert media.probe(path) == media.quick_probe(path) == media.probe(small_video)
    assert media.is_video_container(path)


def test_a_codec_that_is_not_on_the_list_is_refused_and_still_a_video(tmp_path: Path) -> None:
    path = tmp_path / "old.avi"
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("flashsv", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr24"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="bgr24")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(MediaError, match="its codec, flashsv, is not one that is read"):
        media.quick_probe(path)
    assert media.is_video_container(path)


def test_a_video_of_an_unknown_codec_or_half_of_one_is_still_a_video(small_video: Path, tmp_path: Path) -> None:
    whole, path = small_video.read_bytes(), tmp_path / "paid.mp4"
    for changed in (whole.replace(b"avc1", b"vvc9"), whole.replace(b"avc1", b"zzzz"), whole[:300], whole[:-900]):
        path.write_bytes(changed)
        with pytest.raises(MediaError) as caught:
            media.quick_probe(path)
        assert caught.value.message.isprintable()
        assert media.is_video_container(path)


def test_what_is_no_video_is_no_container_of_one(small_image: Path, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    (tmp_path / "empty").touch()
    others: list[Any] = [small_image, tmp_path / "a.wav", tmp_path / "empty", tmp_path / "gone", tmp_path]
    assert [media.is_video_container(path) for path in others] == [False] * 5
