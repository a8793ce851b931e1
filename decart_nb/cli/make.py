"""The commands ``decart-nb make`` and ``decart-nb attach``: one video, and the video of a job by its id."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util.console import say, stderr
from .._util.remote_storage import RemoteStorage
from .._util.text import printable
from ..errors import InvalidInputError, MediaError
from ..job.destinations import destination, require_package
from ..request.catalogue import models
from ..request.models import Field, ModelDefinition
from .jobs import add_store_option, whole_id
from .session import add_options, command_session

if TYPE_CHECKING:
    from ..job.job import Job
    from ..session.session import Session

_METAVARS = {"integer": "N", "flag": "true|false", "image": "FILE", "video": "FILE", "trajectory": "JSON"}
_HELP = {
    "prompt": "what to make",
    "data": "the image or video that it is made from: a file or an address",
    "start": "the first frame: an image, as a file or an address",
    "end": "the last frame: an image, as a file or an address",
    "reference_image": "an image to go by: a file or an address",
    "trajectory": "points of a path, such as [[0, 0.5, 0.5], [60, 0.7, 0.4]]: frame, x, y",
    "seed": "of the random numbers; the same seed makes the same again",
}


def add_to(commands: Any) -> None:
    """Adds the commands to the subparsers of ``decart-nb``."""
    make = commands.add_parser("make", help="make one video", description=_DESCRIPTION)
    make.add_argument("model", metavar="MODEL", help="a name that decart-nb models lists")
    for field in _all_fields().values():
        make.add_argument(
            f"--{field.name.replace('_', '-')}",
            dest=f"input_{field.name}",
            metavar=_METAVARS.get(field.type, "|".join(field.choices) or "TEXT"),
            help=_HELP.get(field.name, f"see decart-nb models MODEL ({_takers(field.name)})"),
        )
    make.add_argument("--sample", action="store_true", help="--data is the clip, or the image, that ships with this")
    make.add_argument("--fresh", action="store_true", help="another take of what was made before")
    make.add_argument(
        "--resubmit-uncertain", action="store_true", help="submit again what was perhaps submitted, and paid for"
    )
    make.add_argument("--dry-run", action="store_true", help="say what it would cost; write nothing, and send nothing")
    _add_common_options(make)
    make.set_defaults(run=_make)

    attach = commands.add_parser("attach", help="wait for a job that was submitted before, and fetch its video")
    attach.add_argument("job_id", metavar="ID", help="its id, or the beginning that decart-nb jobs lists")
    _add_common_options(attach)
    attach.set_defaults(run=_attach)


_DESCRIPTION = (
    "Makes one video and prints its path. The same command again gives the stored video, without cost. "
    "Ctrl-C stops the waiting and not the job."
)


def _add_common_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o", "--out", metavar="FILE", help="also save the video there, with its tags; or at s3://bucket/cat.mp4"
    )
    add_store_option(command)
    add_options(command)


def _all_fields() -> dict[str, Field]:
    """The input fields of all models by name, the first that has a name for it."""
    fields: dict[str, Field] = {}
    for model in models:
        for field in model.fields or ():
            known = fields.setdefault(field.name, field)
            if len(field.choices) > len(known.choices):
                fields[field.name] = field
    return fields


def _takers(name: str) -> str:
    """Which models have an input, shortened."""
    found = [model.name for model in models if model.field_named(name)]
    return f"{', '.join(found[:2])} and {len(found) - 2} more" if len(found) > 3 else ", ".join(found)


def _make(options: argparse.Namespace) -> int:
    model = models.video(options.model)
    inputs = _inputs(model, options)
    _check_out(options.out)
    with command_session(options, options.store) as session:
        if options.dry_run:
            return _plan(session, model, inputs, options.fresh)
        job = session.submit(model, **inputs, fresh=options.fresh, resubmit_uncertain=options.resubmit_uncertain)
        return _finish(job, options.out)


def _attach(options: argparse.Namespace) -> int:
    _check_out(options.out)
    options.local = options.local or _is_local(options)
    with command_session(options, options.store) as session:
        known = [str(job_id) for job_id in session.jobs()["job_id"].dropna()]
        return _finish(session.attach(whole_id(options.job_id, known)), options.out)


def _is_local(options: argparse.Namespace) -> bool:
    """Whether the store knows the job, and that it is one of the local queue's."""
    from ..session.store_folder import find_folder
    from ..store.store import DATABASE, Store

    folder = find_folder(options.store)
    found = Store(folder).find() if (folder / DATABASE).is_file() else []
    backends = {record.backend for record in found if (record.job_id or "").startswith(options.job_id)}
    return backends == {"local"}


def _inputs(model: ModelDefinition, options: argparse.Namespace) -> dict[str, Any]:
    """The inputs that the options give, converted to the types of the model's fields."""
    given = {name: text for name in _all_fields() if (text := getattr(options, f"input_{name}")) is not None}
    if options.sample:
        from ..media.samples import sample

        if "data" in given:
            raise InvalidInputError("--sample and --data are two inputs for one; give one of them.")
        field = model.field_named("data")
        if field is None:
            raise InvalidInputError(f"--sample is an input for --data, which {model.name} does not take.")
        given["data"] = sample("still" if field.type == "image" else "clip")
    fields = {name: model.field_named(name) for name in given}
    return {
        name: field.parse(value) if (field := fields[name]) is not None and isinstance(value, str) else value
        for name, value in given.items()
    }


def _check_out(out: str | None) -> None:
    """Makes sure that there is a folder to save into, before anything is paid for.

    Raises:
        MediaError: there is none, or a package is missing.
        InvalidInputError: it is an address that is not written to.
    """
    target = destination(out)
    if isinstance(target, RemoteStorage):
        require_package(target)
    elif target is not None and not (path := Path(target)).expanduser().absolute().parent.is_dir():
        raise MediaError(f"The video cannot be saved as {printable(str(path))}: there is no folder {path.parent}.")


def _plan(session: Session, model: ModelDefinition, inputs: dict[str, Any], fresh: bool) -> int:
    """Prints what the command would do, and returns 0 if the request is valid."""
    literal = {name: _literal(value) for name, value in inputs.items()}
    plan = session.sweep(model=model, **literal).plan
    say(plan.attrs["totals"])
    if plan["plan"].iloc[0] == "invalid":
        say(f"decart-nb: {plan['why'].iloc[0]}", stderr)
        return 1
    if fresh and plan["plan"].iloc[0] == "reused":
        say("With --fresh, another take would be made.")
    return 0


def _literal(value: Any) -> Any:
    """An input as a sweep takes it for one value: neither an axis nor a template."""
    from ..sweeps.axes import value as one

    return value.replace("{", "{{").replace("}", "}}") if isinstance(value, str) else one(value)


def _finish(job: Job, out: str | None) -> int:
    """Waits for a job's video, saves it where that was asked for, and prints its path or address."""
    from ..display.terminal import job_progress
    from ..display.text import clip_caption

    try:
        with job_progress(job, outcome=False):
            clip = job.result()
    except KeyboardInterrupt:
        raise job.interrupted() from None
    path = clip.path if out is None else clip.save(out)
    if isinstance(path, Path):
        with contextlib.suppress(ValueError):  # it is in another folder
            path = path.absolute().relative_to(Path.cwd())
    if stderr.isatty():
        say(" · ".join(clip_caption(clip)), stderr)
    say(str(path))
    return 0
