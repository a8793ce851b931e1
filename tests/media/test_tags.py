"""Tags, written into copies of files made here with PyAV: what changes, and all that does not."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from decart_nb import media
from decart_nb.errors import MediaError
from decart_nb.media import files, tags

TAGS = {"title": "A cat, at night", "artist": "lucy-2.5", "comment": '{"a": "“é” 猫 🎬"}'}
# As many boxes as a file can count from its beginning in.
FILMS: Mapping[str, dict[str, Any]] = {
    "its index in front": {"movflags": "+faststart"},
    "its index behind": {},
    "in fragments": {"movflags": "+frag_keyframe+empty_moov+default_base_moof"},
    "in fragments of the older sort": {"movflags": "+frag_keyframe+empty_moov"},
    "with QuickTime's tags": {"movflags": "+faststart+use_metadata_tags", "comment": "theirs", "mood": "blue"},
    "a QuickTime film": {"form": "mov", "movflags": "+faststart", "comment": "theirs"},
}
AWKWARD = "\0\n\r\"'\\;=#{}\ud800\u2028🎬"
quick = settings(
    max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def film(path: Path, *, form: str = "mp4", movflags: str = "", **metadata: str) -> Path:
    """A second of moving picture, with frames that look ahead, and of German sound."""
    with av.open(str(path), "w", format=form, options={"movflags": movflags} if movflags else {}) as container:
        container.metadata.update(metadata)
        picture = container.add_stream("libx264", rate=10, options={"bf": "2", "g": "5"})
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=48000)
        sound.metadata["language"] = "ger"
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * number, np.uint8), format="rgb24")
            container.mux(picture.encode(frame))
            noise = np.random.default_rng(number).normal(0, 0.1, (1, 4800)).astype(np.float32)
            wave = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
            wave.sample_rate, wave.pts = 48000, 4800 * number
            container.mux(sound.encode(wave))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    return path


def turned(path: Path) -> Path:
    """Marks an MP4 as to be shown a quarter turn clockwise, as a phone does."""
    data = bytearray(path.read_bytes())
    matrix = data.find(b"tkhd") + 4 + 40
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(data)
    return path


def packets(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        found = [
            (packet.stream.index, packet.pts, packet.dts, packet.duration, packet.is_keyframe, bytes(packet))
            for packet in container.demux()
        ]
        streams = [
            (stream.type, stream.start_time, stream.duration, stream.time_base, stream.frames, dict(stream.metadata))
            for stream in container.streams
        ]
        return [container.duration, streams, found]


def decoded(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return [
            (
                type(frame),
                frame.pts,
                hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest(),
                getattr(frame, "rotation", 0),
            )
            for frame in container.decode()
        ]


@pytest.mark.parametrize("kind", FILMS)
def test_a_copy_has_the_tags_and_the_same_picture_and_sound(tmp_path: Path, kind: str) -> None:
    source, copy = film(tmp_path / "film.mp4", **FILMS[kind]), tmp_path / "copy.mp4"
    before = source.read_bytes()
    tags.write_tags(source, copy, TAGS)
    assert {name: media.probe(copy).tags[name] for name in TAGS} == TAGS
    assert packets(copy) == packets(source)
    frames = decoded(copy)
    assert frames == decoded(source)
    assert {kind for kind, *_ in frames} == {av.VideoFrame, av.AudioFrame}
    assert source.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.mp4", "film.mp4"]


def test_a_turned_picture_stays_turned(tmp_path: Path) -> None:
    source, copy = turned(film(tmp_path / "film.mp4")), tmp_path / "copy.mp4"
    tags.write_tags(source, copy, TAGS)
    info = media.probe(copy)
    assert (info.width, info.height, info.has_audio) == (48, 64, True)
    assert decoded(copy) == decoded(source)


def test_an_index_in_front_stays_in_front(tmp_path: Path) -> None:
    source, copy = film(tmp_path / "film.mp4", movflags="+faststart"), tmp_path / "copy.mp4"
    tags.write_tags(source, copy, TAGS)
    old, new = source.read_bytes(), copy.read_bytes()
    assert new.index(b"moov") < new.index(b"mdat")
    assert new[new.index(b"mdat") :] == old[old.index(b"mdat") :]


@pytest.mark.parametrize("kind", [kind for kind in FILMS if "fragments" in kind])
def test_a_fragmented_film_s_list_of_fragments_is_right(tmp_path: Path, kind: str) -> None:
    copy = tmp_path / "copy.mp4"
    tags.write_tags(film(tmp_path / "film.mp4", **FILMS[kind]), copy, TAGS)
    data = copy.read_bytes()
    lists = [match.start() for match in re.finditer(b"tfra", data)]
    assert lists
    for at in lists:
        assert data[at + 4] == 1, "FFmpeg writes these in 64 bits"
        [fragment] = struct.unpack_from(">Q", data, at + 4 + 16 + 8)
        assert data[fragment + 4 : fragment + 8] == b"moof"


def test_places_in_a_film_of_more_than_four_gigabytes_move_too() -> None:
    chunks = struct.pack(">I4sII3Q", 40, b"co64", 0, 3, 10, 5000, 2**33)
    table = struct.pack(">I4s", 48, b"stbl") + chunks
    moved = tags.shifted(table, 5000, 7)
    assert struct.unpack(">3Q", moved[-24:]) == (10, 5007, 2**33 + 7)
    assert moved[:-24] == table[:-24]


def test_other_tags_stay_and_ours_are_there_once(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", movflags="+faststart", title="theirs", copyright="theirs")
    once, twice = tmp_path / "once.mp4", tmp_path / "twice.mp4"
    tags.write_tags(source, once, TAGS)
    assert media.probe(once).tags["copyright"] == "theirs"
    tags.write_tags(once, twice, TAGS)
    assert twice.read_bytes() == once.read_bytes()
    assert once.read_bytes().count(b"\xa9nam") == 1


def test_quicktime_s_own_tags_stay_too(tmp_path: Path) -> None:
    source, copy = film(tmp_path / "film.mp4", **FILMS["with QuickTime's tags"]), tmp_path / "copy.mp4"
    tags.write_tags(source, copy, TAGS)
    assert media.probe(copy).tags["mood"] == "blue"


def resized(data: bytearray, kinds: tuple[bytes, ...], by: int) -> None:
    for kind in kinds:
        at = data.rindex(kind) - 4
        data[at : at + 4] = struct.pack(">I", struct.unpack_from(">I", data, at)[0] + by)


@pytest.mark.parametrize("zeros", [4, 8])
def test_a_list_of_quicktime_s_may_end_with_zeros(tmp_path: Path, zeros: int) -> None:
    source, copy = film(tmp_path / "film.mov", form="mov", title="theirs", copyright="theirs"), tmp_path / "copy.mov"
    data = bytearray(source.read_bytes())
    end = data.rindex(b"udta") - 4 + struct.unpack_from(">I", data, data.rindex(b"udta") - 4)[0]
    assert end == len(data), "the index is last, so that nothing else moves"
    resized(data, (b"udta", b"moov"), zeros)
    source.write_bytes(data + bytes(zeros))
    tags.write_tags(source, copy, TAGS)
    assert (media.probe(copy).tags["copyright"], media.probe(copy).tags["title"]) == ("theirs", TAGS["title"])
    assert copy.read_bytes().count(b"\xa9nam") == 1
    assert packets(copy) == packets(source)


def test_quicktime_s_list_has_no_version(tmp_path: Path) -> None:
    source, copy = film(tmp_path / "film.mp4", title="theirs", copyright="theirs"), tmp_path / "copy.mp4"
    data = bytearray(source.read_bytes())
    del data[data.rindex(b"meta") + 4 : data.rindex(b"meta") + 8]
    resized(data, (b"meta", b"udta", b"moov"), -4)
    source.write_bytes(data)
    tags.write_tags(source, copy, TAGS)
    assert media.probe(copy).tags["copyright"] == "theirs"
    assert copy.read_bytes().count(b"\xa9nam") == 1


@pytest.mark.parametrize("size", ["in 64 bits", "to the end"])
def test_a_box_may_say_its_size_otherwise(tmp_path: Path, size: str) -> None:
    source, copy = film(tmp_path / "film.mp4", movflags="+faststart"), tmp_path / "copy.mp4"
    data = bytearray(source.read_bytes())
    at = data.index(b"mdat") - 4
    if size == "to the end":
        data[at : at + 4] = bytes(4)
    else:
        assert data[at - 4 : at] == b"free", "FFmpeg leaves the room for it"
        data[at - 8 : at + 8] = struct.pack(">I4sQ", 1, b"mdat", len(data) - at + 8)
    source.write_bytes(data)
    tags.write_tags(source, copy, TAGS)
    assert media.probe(copy).tags["title"] == TAGS["title"]
    assert packets(copy) == packets(source)


@quick
@given(text=st.text() | st.text(AWKWARD))
@example(AWKWARD)
@example("猫" * 99_999)
def test_any_text_can_be_a_tag(small_video: Path, tmp_path: Path, text: str) -> None:
    tags.write_tags(small_video, tmp_path / "copy.mp4", {"comment": text})
    kept = text.replace("\0", "").encode("utf-8", "replace").decode()
    assert media.probe(tmp_path / "copy.mp4").tags.get("comment", "") == kept


@quick
@given(flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4), length=st.integers(0, 2500))
def test_a_damaged_file_is_copied_or_refused(
    small_video: Path, tmp_path: Path, flips: list[tuple[int, int]], length: int
) -> None:
    source, copy = tmp_path / "damaged.mp4", tmp_path / "copy.mp4"
    data = bytearray(small_video.read_bytes()[:length])
    for place, value in flips:
        data[place : place + 1] = [value] if place < len(data) else []
    source.write_bytes(data)
    copy.write_bytes(b"what was there")
    refusal = None
    try:
        tags.write_tags(source, copy, TAGS)
    except MediaError as error:
        refusal = str(error)
    if refusal:
        assert refusal.startswith("damaged.mp4 cannot have tags, since it is not a complete MP4. Copy the file itself")
        assert copy.read_bytes() == b"what was there"
    else:
        assert b"A cat, at night" in copy.read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_boxes_deep_within_boxes_are_copied_as_they_are(tmp_path: Path) -> None:
    source, copy = film(tmp_path / "film.mp4", movflags="+faststart"), tmp_path / "copy.mp4"
    nested = b""
    for _ in range(3000):
        nested = struct.pack(">I4s", len(nested) + 8, b"trak") + nested
    data = bytearray(source.read_bytes() + struct.pack(">I4s", len(nested) + 8, b"moof") + nested)
    source.write_bytes(data)
    tags.write_tags(source, copy, TAGS)
    assert copy.read_bytes().endswith(nested)
    # At the end of the index they move nothing that comes before them, but the pictures behind it.
    index = data.index(b"moov") - 4
    [size] = struct.unpack_from(">I", data, index)
    data[index + size : index + size] = nested
    struct.pack_into(">I", data, index, size + len(nested))
    source.write_bytes(data)
    tags.write_tags(source, copy, TAGS)
    assert nested in copy.read_bytes()


def test_what_follows_the_last_box_does_no_harm(tmp_path: Path) -> None:
    source, copy = film(tmp_path / "film.mp4", movflags="+faststart"), tmp_path / "copy.mp4"
    source.write_bytes(source.read_bytes() + b"\xff" * 99)
    tags.write_tags(source, copy, TAGS)
    assert packets(copy) == packets(source)
    assert copy.read_bytes().endswith(b"\xff" * 99)


def test_what_cannot_be_read_or_written_is_one_sentence(tmp_path: Path, small_video: Path) -> None:
    with pytest.raises(MediaError, match=r"^gone\.mp4 cannot be read: no such file or directory\.$"):
        tags.write_tags(tmp_path / "gone.mp4", tmp_path / "copy.mp4", TAGS)
    with pytest.raises(MediaError, match=r"^copy\.mp4 cannot be saved in nowhere: no such file or directory\.$"):
        tags.write_tags(small_video, tmp_path / "nowhere" / "copy.mp4", TAGS)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "notes.json"
    target.write_text("before")

    def write() -> None:
        with files.atomic_write(target) as file:
            file.write(b"half of")
            raise OSError(28, "No space left on device")

    with pytest.raises(MediaError, match=r"^notes\.json cannot be saved in .*: no space left on device\.$"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.json"]
    assert target.read_text() == "before"
