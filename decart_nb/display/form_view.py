"""Live view of a form: fields that follow the model, the cost, and the jobs that were made, each with its clip."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from .. import media
from .._util.text import printable
from ..job import money
from ..job.job import Job
from ..request.models import Field, ModelDefinition
from .code import code_of
from .form import FIT, field_label, problem_of, takes_video
from .form_html import form_text
from .form_uploads import UPLOAD_LIMIT, FormUploads
from .live_view import LiveView, assets
from .media_channel import Media, MediaChannel
from .text import clip_caption, is_retrying, job_state, job_status, job_time

if TYPE_CHECKING:
    from .form import Form


class FormView(LiveView):
    """Live view of a form. Videos and posters are sent to the frontend on request, one message each.

    Attributes:
        output_id: the id of the static output beside the view, which hides while the view is alive.
        models: the models to choose from, each with ``name``, ``label``, ``about`` and its ``fields``.
        upload_limit: the largest file that can be uploaded, in bytes.
        model: the name of the model that is chosen. The frontend sets it too.
        values: what was filled in, by field. The frontend sets it too.
        files: the files that were uploaded, by field: ``name`` and ``size``.
        problems: by field, what is wrong with it, as a sentence.
        cost: what a click on "Generate" costs.
        code: the Python call that submits what is filled in.
        notice: the last error that belongs to no field.
        fit_note: what was changed in the last video to fit the model, as a sentence.
        is_busy: whether a request is being submitted.
        jobs: the submitted jobs, in order.
    """

    _esm, _css = assets("form_view")
    output_id = traitlets.Unicode().tag(sync=True)
    models: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    upload_limit = traitlets.Int(UPLOAD_LIMIT).tag(sync=True)
    model = traitlets.Unicode().tag(sync=True)
    values: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    files: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    problems: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)
    cost = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)
    fit_note = traitlets.Unicode().tag(sync=True)
    is_busy = traitlets.Bool(default_value=False).tag(sync=True)
    jobs: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        form: Form,
        *,
        output_id: str,
        folder: Path,
        on_change: Callable[[Form], object] | None = None,
    ) -> None:
        models = [model_facts(definition) for definition in form.models.values()]
        super().__init__(output_id=output_id, models=models, model=form.model, values=dict(form.values))
        self._form, self._folder, self._on_change = form, folder, on_change
        self._unobserve_jobs: dict[int, Callable[[], object]] = {}
        self._lock = threading.RLock()
        MediaChannel(self, _Clips(form))
        self._uploads = FormUploads(self, form)
        self._unobserve_form = form.observe(self._on_form_change)
        self.observe(self._on_model, "model")
        self.observe(self._on_values, "values")
        self.on_msg(self._on_message)
        self._refresh()

    def text(self) -> str:
        """The view as plain text."""
        return form_text(self._form)

    def close(self) -> None:
        """Close the view; the form and its jobs stay."""
        self._unobserve_form()
        for unobserve in tuple(self._unobserve_jobs.values()):
            unobserve()
        self._uploads.close()
        super().close()

    def _on_form_change(self, form: Form) -> None:
        self._run_on_worker(self._refresh)
        if self._on_change is not None:
            self._on_change(form)

    def _run_on_worker(self, call: Callable[[], object]) -> None:
        """Call a function on the form's worker thread, and show its error in the view."""

        def guarded() -> None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - no cell could raise it, so the view shows it
                self._set_traits(notice=printable(problem_of(error)))

        self._form.worker.submit(guarded)

    def _set_traits(self, **traits: Any) -> None:
        """Set traits in one message, unless the view is closed."""
        if self.comm is not None:
            with self.hold_sync():
                for name, value in traits.items():
                    setattr(self, name, value)

    def _refresh(self) -> None:
        if self.comm is None:  # closed meanwhile: its jobs are not to be followed again
            return
        form = self._form
        request = form.check()
        self._set_traits(
            model=form.model,
            values=dict(form.values),
            files={name: {"name": file.name, "size": file.size} for name, file in form.files.items()},
            problems=dict(form.problems),
            cost=form.cost(request),
            code=form.code(),
            fit_note=printable(form.fit_note),
        )
        for number, job in enumerate(form.jobs):
            if number not in self._unobserve_jobs:
                self._unobserve_jobs[number] = job.observe(partial(self._on_job_change, number))
        self._refresh_jobs()

    def _on_job_change(self, number: int, job: Job) -> None:
        self._refresh_jobs()
        if job.done:
            self._unobserve_jobs[number]()
            if self._on_change is not None:
                self._on_change(self._form)

    def _refresh_jobs(self) -> None:
        # Jobs are observed on any thread; the lock makes the last update the newest state.
        with self._lock:
            self._set_traits(jobs=[self._job_facts(number, job) for number, job in enumerate(self._form.jobs)])

    def _job_facts(self, number: int, job: Job) -> dict[str, Any]:
        ended = job.clip is not None or job.error is not None
        clip = job.clip
        return {
            "number": number,
            "model": printable(job.model),
            "prompt": printable(str(job.inputs.get("prompt") or ""), limit=120),
            "status": job_status(job),
            "time": job_time(job),
            "progress": float(job.progress),
            "retrying": is_retrying(job),
            "running": not ended,
            "stop": "" if ended or job.stopped else "Stop waiting" if job.id else "Cancel",
            "stopped": job.stopped,
            "repeat": _repeat_label(job),
            "failed": job_state(job) if job.error is not None else "",
            "caption": " · ".join(clip_caption(clip)) if clip else "",
            "size": [clip.width, clip.height] if clip else [],
            "code": code_of(job, self._folder) if ended else "",
        }

    def _on_model(self, change: dict[str, Any]) -> None:
        if change["new"] != self._form.model:
            self._show_error_of(lambda: setattr(self._form, "model", change["new"]))

    def _on_values(self, change: dict[str, Any]) -> None:
        if change["new"] != self._form.values:
            self._show_error_of(lambda: self._form.fill(**change["new"]))

    def _show_error_of(self, call: Callable[[], object]) -> None:
        """Call a function on this thread, and show its error in the view."""
        self._set_traits(notice="")
        try:
            call()
        except Exception as error:  # noqa: BLE001 - no cell could raise it, so the view shows it
            self._set_traits(notice=printable(problem_of(error)))

    def _on_message(self, _: object, message: dict[str, Any], __: object) -> None:
        action, number = message.get("action"), message.get("number")
        if not isinstance(number, int) or not 0 <= number < len(self._form.jobs):
            number = None
        if action == "generate" and not self.is_busy:
            self._set_traits(is_busy=True, notice="")
            self._show_error_of(partial(self._apply_message, message))
            self._run_on_worker(partial(self._submit, self._form.generate))
        elif action == "remove":
            self._form.put_file(str(message.get("field")), None)
        elif action == "repeat" and number is not None and not self.is_busy:
            self._set_traits(is_busy=True, notice="")
            self._run_on_worker(partial(self._submit, partial(self._form.repeat, number)))
        elif action == "stop" and number is not None:
            self._show_error_of(self._form.jobs[number].cancel)
            self._refresh_jobs()

    def _apply_message(self, message: dict[str, Any]) -> None:
        """Set the form to the values in a message: a message may overtake the traits."""
        self._form.model = str(message.get("model"))
        self._form.fill(**message.get("values", {}))

    def _submit(self, submit: Callable[[], object]) -> None:
        try:
            submit()
        finally:
            self._set_traits(is_busy=False)


class _Clips(Mapping[tuple[str, str], Media]):
    """The videos and posters of a form's jobs, by kind (``video`` or ``poster``) and the job's number."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def __getitem__(self, key: tuple[str, str]) -> Media:
        kind, digits = key
        number = int(digits) if digits.isascii() and digits.isdigit() else -1
        clip = self._form.jobs[number].clip if 0 <= number < len(self._form.jobs) else None
        if clip is None or kind not in ("video", "poster"):
            raise KeyError(key)
        if kind == "video":
            return Media(clip.path, "video/mp4")
        return Media(partial(media.thumbnail, clip.path), "image/webp")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        made = [str(number) for number, job in enumerate(self._form.jobs) if job.clip is not None]
        return iter([(kind, key) for key in made for kind in ("video", "poster")])

    def __len__(self) -> int:
        return 2 * sum(job.clip is not None for job in self._form.jobs)


def _repeat_label(job: Job) -> str:
    """The text of a job's button that submits it again; empty if it cannot be."""
    if not job.repeatable or not job.done:
        return ""
    if job.clip is None:
        return "Try again"
    payment: money.Payment = "rehearsed" if job.clip.backend == "local" else "paid"
    return f"Another take · {money.estimate(job.clip.cost, payment)}" if job.clip.cost else "Another take"


def model_facts(model: ModelDefinition) -> dict[str, Any]:
    """A model and its fields as JSON for the frontend.

    Args:
        model: one whose fields are known.
    """
    length = "as long as its input" if model.seconds is None else f"up to {model.seconds:g} s"
    about = f"{model.kind} · {model.width}×{model.height} at {model.fps} fps · {length}"
    if model.exactly_one:
        either = [field_label(field) for field in model.fields or () if field.name in model.exactly_one]
        about += f" · give either {' or '.join(either).lower()}"
    return {
        "name": model.name,
        "status": model.status,
        "about": about,
        "fields": [*(_field_facts(field) for field in model.fields or ()), *_fit_facts(model)],
    }


def _fit_facts(model: ModelDefinition) -> list[dict[str, Any]]:
    """The check box "Fit the video", for a model that takes a video."""
    if not takes_video(model):
        return []
    note = f"to H.264, at most {model.width}×{model.height}, {model.fps} fps, upright; what fits is not touched"
    return [{"name": FIT, "type": "flag", "label": "Fit the video", "note": note, "required": False, "default": False}]


def _field_facts(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type,
        "label": field_label(field),
        "required": field.required and (field.type != "text" or field.minimum > 0),
        "default": field.default,
        "minimum": field.minimum,
        "maximum": field.maximum,
        "choices": list(field.choices),
    }
