"""What made a video: written beside it and into its copies, and found again wherever those go."""

from __future__ import annotations

import hashlib
import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from decart_nb import media
from decart_nb._version import __version__
from decart_nb.errors import InvalidInputError, MediaError
from decart_nb.job import provenance as lineage
from decart_nb.job.clip import Clip
from tests.clips import read_clip

PROMPT = "A cat,\nat “night” 猫 🎬"

AWKWARD = "\0\n\r\"'\\{}\ud800\u2028🎬"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def about(video: Path, **more: Any) -> lineage.Record:
    """A record as the store would make it."""
    facts = {
        "model": "lucy-2.5",
        "asked_model": "lucy-latest",
        "backend": "live",
        "endpoint": "https://api.decart.ai",
        "inputs": {"prompt": PROMPT, "seed": 7},
        "files": {"data": {"filename": "street.mp4", "media_type": "video/mp4", "sha256": "ab" * 32, "size_bytes": 5}},
        "take": 2,
        "job_id": "job_1",
        "submitted_at": 1_700_000_000.25,
        "completed_at": 1_700_000_030.0,
        "seconds": 29.75,
        "waited": 9.5,
        "made": 20.0,
        "video": {"sha256": digest(video), "size_bytes": video.stat().st_size, "width": 64, "height": 48},
    }
    return lineage.describe(**(facts | more))


@pytest.fixture
def stored(tmp_path: Path, small_video: Path) -> Path:
    """A video as the store keeps it: the service's bytes, in a folder of their own."""
    path = tmp_path / "runs" / "lucy-2.5-a-cat-job_1.mp4"
    path.parent.mkdir()
    return Path(shutil.copyfile(small_video, path))


def clip_of(path: Path, job_id: str = "job_1") -> Clip:
    return read_clip(path, job_id, "lucy-2.5", {"prompt": PROMPT, "seed": 7, "data": "street.mp4"}, "live", made=3.5)


def webm(path: Path) -> Path:
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 30 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_record_says_all_there_is_to_say(stored: Path) -> None:
    record = about(stored)
    assert (record["schema"], record["seed"], record["take"]) == ("decart_nb/1", 7, 2)
    assert (record["submitted_at"], record["completed_at"]) == (
        "2023-11-14T22:13:20.250+00:00",
        "2023-11-14T22:13:50.000+00:00",
    )
    assert record["versions"]["decart_nb"] == __version__
    unknown = lineage.describe(model="lucy-2.5", backend="live", inputs={}, video={})
    assert (unknown["asked_model"], unknown["seed"], unknown["submitted_at"]) == ("lucy-2.5", None, None)
    assert list(unknown) == list(record)


def test_a_sidecar_is_found_beside_its_video(stored: Path) -> None:
    sidecar = lineage.write_sidecar(stored, about(stored))
    assert sidecar.name == "lucy-2.5-a-cat-job_1.mp4.json"
    assert lineage.provenance(stored) == about(stored)
    assert lineage.provenance(str(stored)) == about(stored)
    assert lineage.provenance(clip_of(stored)) == about(stored)
    assert "猫" in sidecar.read_text(encoding="utf-8"), "people read it, too"


def test_a_sidecar_may_be_read_by_itself(stored: Path, tmp_path: Path) -> None:
    moved = lineage.write_sidecar(stored, about(stored)).rename(tmp_path / "elsewhere.json")
    assert lineage.provenance(moved) == about(stored)


def test_a_video_that_moves_with_its_sidecar_keeps_it(stored: Path, tmp_path: Path) -> None:
    sidecar = lineage.write_sidecar(stored, about(stored))
    shutil.move(stored, tmp_path / "renamed.mp4")
    shutil.move(sidecar, tmp_path / "renamed.mp4.json")
    assert lineage.provenance(tmp_path / "renamed.mp4")["job_id"] == "job_1"


def test_a_sidecar_speaks_of_one_file_only(stored: Path) -> None:
    lineage.write_sidecar(stored, about(stored))
    stored.write_bytes(stored.read_bytes() + b"\0\0\0\x08free")
    with pytest.raises(MediaError, match=r"^Nothing says how lucy-2\.5-a-cat-job_1\.mp4 was made"):
        lineage.provenance(stored)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '"decart_nb/1"', "[" * 100_000, '{"schema": "another/1"}', '{"schema": "decart_nb/1"}', "\xff"],
)
def test_another_text_beside_a_video_is_none_of_ours(stored: Path, text: str) -> None:
    stored.with_name(f"{stored.name}.json").write_text(text, encoding="latin-1")
    with pytest.raises(MediaError, match="Nothing says how"):
        lineage.provenance(stored)


def test_a_stored_video_that_moved_is_known_by_its_digest(stored: Path, tmp_path: Path) -> None:
    store = {digest(stored): about(stored)}
    moved = stored.rename(tmp_path / "moved.mp4")
    assert lineage.provenance(moved, store.get) == about(moved)
    moved.write_bytes(moved.read_bytes() + b"\0\0\0\x08free")
    with pytest.raises(MediaError, match="the store knows no such video"):
        lineage.provenance(moved, store.get)


def test_a_saved_copy_takes_its_record_along(stored: Path, tmp_path: Path) -> None:
    lineage.write_sidecar(stored, about(stored))
    clip = clip_of(stored)
    copy = clip.save(tmp_path / "copy.mp4")
    assert copy == tmp_path / "copy.mp4"
    shutil.rmtree(stored.parent)
    elsewhere = shutil.move(copy, tmp_path / "another name.mp4")
    assert lineage.provenance(elsewhere)["video"]["sha256"] == clip.sha256
    shown = media.probe(elsewhere).tags
    assert (shown["title"], shown["artist"]) == ("A cat, at “night” 猫 🎬", "lucy-2.5")
    assert json.loads(shown["comment"]) == lineage.provenance(elsewhere)


def test_a_copy_of_a_copy_is_still_known(stored: Path, tmp_path: Path) -> None:
    lineage.write_sidecar(stored, about(stored))
    copy = clip_of(clip_of(stored).save(tmp_path)).save(tmp_path / "again.mp4")
    assert lineage.provenance(copy) == about(stored)


def test_without_a_sidecar_a_copy_says_what_the_clip_knows(stored: Path, tmp_path: Path) -> None:
    record = lineage.provenance(clip_of(stored).save(tmp_path))
    assert (record["model"], record["job_id"], record["seed"], record["made"]) == ("lucy-2.5", "job_1", 7, 3.5)
    assert record["inputs"] == {"prompt": PROMPT, "seed": 7, "data": "street.mp4"}
    assert record["video"] == {
        "sha256": digest(stored),
        "size_bytes": stored.stat().st_size,
        "width": 64,
        "height": 48,
        "fps": 10.0,
        "duration": 1.0,
    }


def test_tags_that_a_service_copied_from_the_input_are_not_believed(stored: Path, tmp_path: Path) -> None:
    made_from = lineage.save_copy(stored, tmp_path / "in.mp4", about(stored, job_id="the input's"))
    assert lineage.provenance(made_from)["job_id"] == "the input's"
    assert lineage.provenance(made_from, {digest(made_from): about(made_from)}.get)["job_id"] == "job_1"
    assert lineage.provenance(clip_of(made_from).save(tmp_path / "a.mp4"))["job_id"] == "job_1"
    lineage.write_sidecar(made_from, about(made_from))
    assert lineage.provenance(made_from)["job_id"] == "job_1"


def test_a_preview_says_so_to_whoever_plays_it(stored: Path, tmp_path: Path) -> None:
    copy = lineage.save_copy(stored, tmp_path, about(stored, backend="local", inputs={}))
    shown = media.probe(copy).tags
    assert (shown["title"], shown["artist"]) == ("lucy-2.5", "lucy-2.5 (local preview)")


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=st.text() | st.text(AWKWARD))
@example(AWKWARD * 70)
def test_any_prompt_comes_back_as_it_was(small_video: Path, tmp_path: Path, prompt: str) -> None:
    record = about(small_video, inputs={"prompt": prompt})
    assert lineage.provenance(lineage.save_copy(small_video, tmp_path / "copy.mp4", record)) == record
    video = Path(shutil.copyfile(small_video, tmp_path / "stored.mp4"))
    lineage.write_sidecar(video, record)
    assert lineage.provenance(video) == record


def test_no_folder_of_this_machine_is_told(stored: Path, tmp_path: Path) -> None:
    lineage.write_sidecar(stored, about(stored))
    clip_of(stored).save(tmp_path / "told.mp4")
    clip_of(stored, "another job").save(tmp_path / "made up.mp4")
    for path in tmp_path.rglob("*.*"):
        assert tmp_path.name.encode() not in path.read_bytes()


@pytest.mark.parametrize("where", ["beside", "within"])
def test_a_newer_version_s_record_is_named_as_such(stored: Path, tmp_path: Path, where: str) -> None:
    record = about(stored) | {"schema": "decart_nb/2"}
    if where == "beside":
        lineage.write_sidecar(stored, record)
    else:
        stored = lineage.save_copy(stored, tmp_path, record)
    with pytest.raises(MediaError, match="recorded by a newer decart_nb"):
        lineage.provenance(stored)


@pytest.mark.parametrize("given", ["s3://bucket/in.mp4?sig=5ec3e7", Path("s3://bucket/in.mp4?sig=5ec3e7")], ids=type)
def test_an_address_is_no_path_and_is_told_without_its_secrets(given: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^s3://bucket/in.mp4\?… is an address; download"):
        lineage.provenance(given)


def test_what_is_no_video_of_ours_is_told_apart(small_video: Path, tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("a dog, running")
    with pytest.raises(
        MediaError, match=r"^Nothing says how small\.mp4 was made: its tags do not, no small\.mp4\.json"
    ):
        lineage.provenance(small_video)
    with pytest.raises(MediaError, match=r"^gone\.mp4 cannot be read: no such file"):
        lineage.provenance(tmp_path / "gone.mp4")
    with pytest.raises(MediaError, match=r"^words\.mp4 is not a video"):
        lineage.provenance(tmp_path / "words.mp4")
    with pytest.raises(InvalidInputError, match="A path or a clip is wanted, not 3"):
        lineage.provenance(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["clip.gif", "clip.webm", "clip.mov", "clip", "no such folder/"])
def test_saving_converts_nothing(stored: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match=r"the name must end in \.mp4 or \.m4v\.$"):
        clip_of(stored).save(f"{tmp_path}/{name}")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_video_is_not_saved_onto_itself(stored: Path, tmp_path: Path) -> None:
    before = stored.read_bytes()
    (tmp_path / "link.mp4").symlink_to(stored)
    for target in (stored, stored.parent, tmp_path / "link.mp4"):
        with pytest.raises(MediaError, match="it is the stored video itself"):
            clip_of(stored).save(target)
    assert stored.read_bytes() == before
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_a_saved_copy_replaces_what_was_there(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "Copy.MP4").write_bytes(b"what was there")
    assert lineage.provenance(clip_of(stored).save(tmp_path / "Copy.MP4"))["job_id"] == "job_1"


def test_what_cannot_be_saved_is_one_sentence(stored: Path, tmp_path: Path) -> None:
    clip = clip_of(stored)
    for name in ("x" * 300 + ".mp4", "\0.mp4", "nowhere/x.mp4"):
        with pytest.raises(MediaError, match="cannot be saved in"):
            clip.save(tmp_path / name)
    stored.unlink()
    with pytest.raises(MediaError, match="cannot be read: no such file"):
        clip.save(tmp_path)


def test_a_video_that_can_have_no_tags_is_copied_with_a_sidecar(tmp_path: Path) -> None:
    source = webm(tmp_path / "stored.mp4")
    (tmp_path / "out").mkdir()
    copy = clip_of(source).save(tmp_path / "out")
    assert copy.name == "stored.webm"
    assert copy.read_bytes() == source.read_bytes()
    assert lineage.provenance(copy)["job_id"] == "job_1"
    with pytest.raises(MediaError, match=r"must end in \.webm\.$"):
        clip_of(source).save(tmp_path / "out.mp4")
