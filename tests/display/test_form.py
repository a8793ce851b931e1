"""A form without a frontend: what is filled in, what it costs, and what goes to the queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb._util.observed import is_observed
from decart_nb.display.form import Form, UploadedFile
from decart_nb.display.form_html import form_html, form_text
from decart_nb.display.form_output import FormOutput
from decart_nb.display.form_uploads import UPLOAD_LIMIT
from decart_nb.display.form_view import FormView
from tests import front_end
from tests.media.test_rewriting import numbered
from tests.sweeping import SHORT

_VIEW = "application/vnd.jupyter.widget-view+json"
_MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def session(canned_queue, monkeypatch):
    monkeypatch.delenv("DECART_BACKEND")
    with dnb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url, polling=SHORT) as session:
        yield session


@pytest.fixture
def form(session) -> Form:
    return dnb.form()


@pytest.fixture
def view(form: Form, tmp_path: Path):
    view = FormView(form, output_id="here", folder=tmp_path)
    yield view
    view.close()


def until(holds: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What a call returns, as soon as that is true: the form works on a thread of its own."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def cost_of(form: Form) -> str:
    return form.cost(form.request()[0])


def test_the_cost_is_told_before_anything_is_sent(form: Form, small_video: Path) -> None:
    assert cost_of(form) == "$0.04 a second of video"
    form.fill(prompt="A tide", data=str(small_video))
    assert cost_of(form) == "about $0.04"
    form.model = "lucy-clip"
    assert cost_of(form) == "about $0.15"
    form.fill(data="")
    assert cost_of(form) == "at most about $0.75"
    form.model = "lucy-2.6"
    assert cost_of(form) == "price unknown"
    assert form.jobs == []


def test_on_the_local_queue_it_is_free_or_rehearsed(small_video: Path) -> None:
    with dnb.connect("local"):
        form = dnb.form()
        assert cost_of(form) == "free, local preview"
        assert "lucy-pro-t2v" in form.models
    with dnb.connect("local", prices={"lucy-2.5": 0.2}):
        form = dnb.form()
        form.fill(data=str(small_video))
        assert cost_of(form) == "about $0.20, rehearsed"


def test_decarts_own_queue_is_offered_no_retired_model_and_no_old_name(form: Form) -> None:
    assert {dnb.models[name].status for name in form.models} == {"live", "deprecated"}
    assert not any(definition.successor for definition in form.models.values())
    with pytest.raises(dnb.InvalidInputError, match="The form has no model 'lucy-pro-t2v'"):
        form.model = "lucy-pro-t2v"


def test_what_is_filled_in_is_what_a_call_with_it_asks_for(form: Form, session, small_video: Path) -> None:
    form.fill(prompt="A tide", data=f" {small_video} ", seed=" 7 ", resolution="720p", enhance_prompt=True)
    assert form.inputs() == {"prompt": "A tide", "data": str(small_video), "seed": 7}
    job = form.generate()
    assert job is not None
    job.result(60)
    assert form.jobs == [job]
    assert session.submit("lucy-2.5", "A tide", data=small_video, seed=7).result(60).reused
    form.fill(enhance_prompt=False, resolution="480p", seed="")
    assert form.inputs() == {
        "prompt": "A tide",
        "data": str(small_video),
        "resolution": "480p",
        "enhance_prompt": False,
    }


def test_an_empty_prompt_is_one_where_the_model_takes_it(form: Form) -> None:
    assert form.inputs() == {"prompt": ""}
    form.model = "lucy-clip"
    assert form.inputs() == {}


def test_problems_are_told_by_field_once_it_was_asked_for(form: Form) -> None:
    form.model = "lucy-restyle-2"
    form.fill(seed="x", data="gone.mp4", enhance_prompt=False)
    form.check()
    assert form.problems == {}
    assert form.generate() is None
    assert form.problems == {
        "prompt": "Prompt is missing: give either prompt or reference_image.",
        "data": "Video is not there: no file gone.mp4. The path is relative to the working directory.",
        "seed": "Seed must be an integer, not 'x'.",
        "enhance_prompt": "Enhance the prompt goes only with prompt; leave it out.",
    }
    form.fill(prompt="A tide", seed="")
    form.check()
    assert list(form.problems) == ["data"]
    assert form.jobs == []


@pytest.mark.parametrize("path", ["-", "/dev/stdin", "/dev/zero", "/proc/self/fd/0", "file:///dev/stdin"])
def test_a_path_that_leads_to_no_file_is_not_opened(form: Form, path: str) -> None:
    form.fill(prompt="A tide", data=path)
    assert form.generate() is None
    assert form.problems == {"data": "Video is not a file: give the path of one."}


def test_a_trajectory_is_given_as_json(small_image: Path) -> None:
    with dnb.connect("local"):
        form = dnb.form("lucy-motion")
    form.fill(data=str(small_image), trajectory='[{"frame": 0, "x": 0, "y": 0}, {"frame": 9, "x": 1, "y": 1}]')
    assert form.request()[1] == {}
    form.fill(trajectory="[1]")
    assert "Trajectory has 1 as its point 0" in form.request()[1]["trajectory"]


def test_a_video_is_fitted_where_that_is_wanted_and_it_is_told(
    view: FormView, form: Form, tmp_path: Path, capsys
) -> None:
    path = numbered(tmp_path / "phone.mkv", range(0, 1000, 33), codec="libvpx", deadline="realtime")
    form.fill(prompt="A tide", data=str(path), fit=True)
    assert "fit=True" in form.code()
    assert "fit the video is fitted to the model" in form_text(form)
    job = form.generate()
    assert job is not None
    assert job.result(60).inputs["data"] == "phone-fit.mp4"
    assert form.fit_note.startswith("phone.mkv for lucy-2.5: VP8 to H.264; ")
    until(lambda: view.fit_note == form.fit_note)
    assert capsys.readouterr().out == ""
    form.fill(fit=False)
    assert "fit" not in form.code()
    assert form.generate().result(60).inputs["data"] == "phone.mkv"
    assert form.fit_note == ""


def test_code_of_it_names_files_and_no_folder(form: Form, small_video: Path, tmp_path: Path) -> None:
    form.fill(prompt="A tide", data=str(tmp_path / "in.mp4"))
    assert form.code() == "import decart_nb as dnb\n\ndnb.generate('lucy-2.5', prompt='A tide', data='in.mp4')"
    form.put_file("data", UploadedFile("street.mp4", small_video, 9))
    code = form.code()
    assert "# street.mp4 was uploaded: put it beside the notebook" in code
    assert "data='street.mp4'" in code
    assert str(small_video.parent) not in code


def test_its_static_forms_have_what_was_filled_in_escaped(form: Form, small_video: Path) -> None:
    form.fill(prompt=_MARKUP, data=str(small_video))
    job = form.generate()
    assert job is not None
    job.result(60)
    shown = form_html(form)
    assert _MARKUP not in shown
    assert "&lt;img src=x" in shown
    assert shown.count("data:image/webp") == 1
    assert form_text(form).startswith(f"Form for lucy-2.5: prompt {_MARKUP}, data ")
    assert form_text(form).endswith("; 1 job")
    job.clip.path.unlink()
    assert "data:image/webp" not in form_html(form)


def test_the_view_follows_the_form_and_the_form_the_view(view: FormView, form: Form, small_video: Path) -> None:
    until(lambda: view.cost == "$0.04 a second of video")
    view.set_state({"values": {"prompt": "A tide", "data": str(small_video)}})
    assert form.values["prompt"] == "A tide"
    until(lambda: view.cost == "about $0.04")
    form.fill(prompt="A surf")
    until(lambda: view.values["prompt"] == "A surf")
    view.set_state({"model": "lucy-clip"})
    assert form.model == "lucy-clip"
    until(lambda: view.cost == "about $0.15")
    for wrong in ({"model": "lucy-9"}, {"values": {"prompt": 5}}):
        view.set_state(wrong)
        assert view.notice
    assert form.model == "lucy-clip"
    fields = {field["name"]: field for field in view.models[0]["fields"]}
    assert fields["data"]["type"] == "video"


def test_a_click_takes_what_is_on_the_screen_and_jobs_are_followed(view: FormView, form: Form, small_video) -> None:
    front_end.send(view, {"action": "generate", "model": "lucy-2.5", "values": {"prompt": ""}})
    until(lambda: view.problems)
    assert list(view.problems) == ["data"]
    values = {"prompt": "A tide", "data": str(small_video)}
    front_end.send(view, {"action": "generate", "model": "lucy-2.5", "values": values})
    until(lambda: view.jobs and view.jobs[0]["caption"] and not view.is_busy)
    assert view.problems == {}
    assert view.jobs[0]["repeat"] == "Another take · about $0.04"
    assert "dnb.generate(" in view.jobs[0]["code"]
    front_end.send(view, {"action": "repeat", "number": 0})
    until(lambda: len(view.jobs) == 2 and view.jobs[1]["caption"])
    assert form.jobs[1].clip.path != form.jobs[0].clip.path
    for wrong in ({"action": "repeat", "number": 7}, {"action": "stop", "number": "x"}, {"action": "no"}):
        front_end.send(view, wrong)
    view.close()
    until(lambda: not any(is_observed(job) for job in form.jobs))


def test_a_file_arrives_in_pieces_and_only_as_a_whole(view: FormView, form: Form, small_video: Path) -> None:
    answers = front_end.received(view)
    content = small_video.read_bytes()

    def send(number: int, offset: int, piece: bytes, **changed: Any) -> str:
        about = {"field": "data", "name": "../../é street.mp4", "size": len(content), **changed}
        front_end.send(view, {"upload": number, "offset": offset, **about}, [memoryview(piece)])
        return str(next(answer for answer, _ in reversed(answers) if answer.get("uploaded") == number)["error"])

    assert send(1, 0, content[:1000]) == ""
    assert form.files == {}
    assert send(1, 1000, content[1000:]) == ""
    file = form.files["data"]
    assert (file.name, file.size) == ("é street.mp4", len(content))
    assert file.path.read_bytes() == content
    assert file.path.is_relative_to(form.upload_folder)
    assert "did not arrive as a whole" in (send(2, 0, content[:9]) or send(2, 5, content[9:]))
    assert "broken off" in send(3, 1000, content)
    assert "no such file field" in send(4, 0, content, field="prompt")
    assert "give its path instead" in send(5, 0, content, size=UPLOAD_LIMIT + 1)
    assert "is empty" in send(6, 0, b"", size=0)
    assert form.files["data"] is file
    front_end.send(view, {"action": "remove", "field": "data"})
    assert form.files == {}
    assert not file.path.exists()


@pytest.mark.parametrize("live", [True, False])
def test_the_static_output_follows_what_is_filled_in(form: Form, live: bool) -> None:
    published: list[tuple[dict[str, Any], bool]] = []

    def publish(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        published.append((data, update))

    FormOutput(form, publish, live=live)
    assert '<div class="decart-fallback">' in published[0][0]["text/html"]
    assert len(published) == 1 + live
    form.fill(prompt="A tide")
    if live:
        assert _VIEW in published[1][0]
        assert published[-1][1]
        assert "prompt A tide" in published[-1][0]["text/plain"]
    else:
        assert len(published) == 1
