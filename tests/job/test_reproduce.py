"""What made a video, told by the store's record, by a saved copy's tags, and made again from either."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.local.queue import LocalQueue
from decart_nb.session.current import set_current_session
from decart_nb.session.session import Session
from tests import sweeping
from tests.sweeping import SHORT


@pytest.fixture
def live(canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    sweeping.alone(monkeypatch)
    with sweeping.connected(canned_queue) as opened:
        yield opened


@pytest.fixture
def clip(live: Session, small_video: Path) -> dnb.Clip:
    return live.generate("lucy-restyle-latest", "a", data=small_video, seed=3)


def test_a_stored_video_has_a_record_beside_it(clip, live) -> None:
    record = json.loads(clip.path.with_name(f"{clip.path.name}.json").read_text())
    assert record == dnb.provenance(clip)
    assert (record["model"], record["asked_model"]) == ("lucy-restyle-2", "lucy-restyle-latest")
    assert record["inputs"] == {"prompt": "a", "seed": 3}
    assert record["files"]["data"]["sha256"] == clip.sha256  # the canned queue gives back what it was given
    assert (record["take"], record["job_id"], record["video"]["sha256"]) == (0, clip.job_id, clip.sha256)
    assert record["submitted_at"] < record["completed_at"]
    assert str(Path.cwd()) not in json.dumps(record)
    assert live.api_key not in json.dumps(record)


def test_a_copy_and_a_stored_video_without_its_record_tell_the_same(clip, tmp_path) -> None:
    record = dnb.provenance(clip)
    (tmp_path / "far").mkdir()
    saved = clip.save(tmp_path / "saved.mp4")
    assert dnb.provenance(shutil.move(saved, tmp_path / "far" / "moved.mp4")) == record
    plain = shutil.copy(clip, tmp_path / "far" / "plain.mp4")
    assert dnb.provenance(plain) == record  # by its digest, from the store
    set_current_session(None)
    with pytest.raises(dnb.MediaError):
        dnb.provenance(plain)


def test_it_is_made_again_as_a_fresh_take(clip, canned_queue, small_video) -> None:
    job = dnb.reproduce(clip.save("copy.mp4"))
    again = job.result(20)
    assert (again.take, again.job_id != clip.job_id) == (1, True)
    one, other = dnb.provenance(clip), dnb.provenance(again)
    assert (one["inputs"], one["files"]) == (other["inputs"], other["files"])
    assert canned_queue.jobs.stats.as_dict()["submissions"] == 2


def test_what_cannot_be_made_again_says_why(clip, canned_queue, tmp_path) -> None:
    saved = clip.save("copy.mp4")
    dnb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url, polling=SHORT, store="another")
    with pytest.raises(dnb.InvalidInputError, match=r"small\.mp4, is not in another/inputs/"):
        dnb.reproduce(saved)


@pytest.mark.parametrize(
    "file", [3, {}, {"sha256": "/etc/passwd", "filename": ""}, {"sha256": "../../x", "filename": ""}]
)
def test_a_foreign_record_reaches_no_file_of_this_machine(clip, tmp_path, file) -> None:
    record = dnb.provenance(clip) | {"files": {"data": file}}
    (tmp_path / "foreign.json").write_text(json.dumps(record))
    with pytest.raises(dnb.InvalidInputError, match="does not say which file"):
        dnb.reproduce(tmp_path / "foreign.json")


def _foreign(record: dict, **changes: object) -> Path:
    Path("foreign.json").write_text(json.dumps(record | changes))
    return Path("foreign.json")


@pytest.mark.parametrize("name", ["fresh", "resubmit_uncertain", "model", "self", "job_id", ""])
def test_odd_inputs_of_a_foreign_record_are_inputs_of_no_model(clip, name) -> None:
    record = dnb.provenance(clip)
    with pytest.raises(dnb.InvalidInputError, match=r"is not an input of|name of an input"):
        dnb.reproduce(_foreign(record, inputs={"prompt": "a", name: True}))


@pytest.mark.parametrize("changes", [{"inputs": ["a"]}, {"inputs": None}, {"model": 3}, {"files": 3}, {"video": None}])
def test_a_record_of_another_shape_is_none(clip, changes) -> None:
    with pytest.raises(dnb.MediaError, match="Nothing says how"):
        dnb.reproduce(_foreign(dnb.provenance(clip), **changes))


@pytest.mark.parametrize("filename", [3, None, ["a"], {}])
def test_a_file_without_a_name_is_none(clip, filename) -> None:
    record = dnb.provenance(clip)
    file = record["files"]["data"] | {"filename": filename}
    with pytest.raises(dnb.InvalidInputError, match="what the file of data was called"):
        dnb.reproduce(_foreign(record, files={"data": file}))


@pytest.mark.parametrize("place", ["mine.mp4", "/etc/hostname", "http://127.0.0.1:9/secret"])
@pytest.mark.parametrize("own", [None, dnb.ModelDefinition(name="lucy-9", width=64, height=48, fps=10)])
def test_a_foreign_record_names_no_place_to_take_a_file_from(clip, small_video, place, own) -> None:
    shutil.copy(small_video, "mine.mp4")
    record = dnb.provenance(clip)
    with pytest.raises(dnb.InvalidInputError, match="does not say which file data was made from"):
        dnb.reproduce(_foreign(record, files={}, inputs=record["inputs"] | {"data": place}), model=own)


def test_numbers_that_are_none_are_refused(clip) -> None:
    record = dnb.provenance(clip)
    with pytest.raises(dnb.InvalidInputError, match="seed must be an integer"):
        dnb.reproduce(_foreign(record, inputs={"prompt": "a", "seed": float("inf")}))


def test_a_model_that_no_table_lists_comes_along(clip, canned_queue, live) -> None:
    foreign = _foreign(dnb.provenance(clip), model="lucy-9")
    with pytest.raises(dnb.ModelNotFoundError, match=r"reproduce\(path, model=ModelDefinition\(…\)\)"):
        dnb.reproduce(foreign)
    own = dnb.ModelDefinition(name="lucy-9", width=64, height=48, fps=10, url_path="/v1/jobs/lucy-2.5")
    again = dnb.reproduce(foreign, model=own).result(20)
    assert (again.model, again.inputs["seed"]) == ("lucy-9", 3)
    assert live.reproduce(foreign, "lucy-2.5").result(20).model == "lucy-2.5"
    with pytest.raises(dnb.InvalidInputError, match="model is a int"):
        dnb.reproduce(foreign, model=3)
