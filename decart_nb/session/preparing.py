"""The functions that cut a video and fit it to a model before it is an input, and the folder of what they make.

What they make lies in a temporary folder of this process; a job that is made from it keeps a copy in its store. The
same video and the same arguments give the same bytes, in every process, so that a request is found again.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util.console import say
from .._util.files import partial_file
from .._util.public import public
from .._util.temporary_folders import temporary_folder
from ..display.prepared_video import PreparedVideo
from ..errors import InvalidInputError
from ..job.job import Job
from ..media.numbers import finite_number
from ..request.fitting import changes, is_fit, target_of, video_field
from ..request.local_files import UnusableFileError, read_unchanged
from ..request.locations import RemoteFile
from ..request.models import ModelDefinition
from ..request.request import definition_of
from ..request.uploads import Upload, read

if TYPE_CHECKING:
    from ..media import Footage, Target

#: Names of files keep so many letters of the name that was given.
_STEM_LIMIT = 60
_lock = threading.Lock()


def _reset_lock() -> None:
    """Replace the lock in a forked process: the thread that may have held it does not exist there."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_lock)


@public
def trim(video: Any, start: float, end: float) -> PreparedVideo:
    """Cuts a stretch out of a video, exact to the frame: a path to whatever takes paths.

    It has the frames that begin to be shown in the stretch, each for as long as before, and their sound. They are
    copied where the stretch begins with a frame that needs no other and can be decoded by itself; else they are encoded
    anew, as H.264. The same stretch of the same video gives the same bytes.

    Args:
        video: a path, clip, finished job, bytes, or open file.
        start, end: in seconds from the first frame.

    Raises:
        InvalidInputError: it is no video that can be read, or ``end`` is not after ``start``.
        MediaError: it cannot be decoded, or has no frame in that stretch.

    Examples:
        >>> import decart_nb as dnb
        >>> dnb.trim(dnb.sample(), 1, 2.5)
        <sample-1-2.5s.mp4: 1280×720 at 20 fps, 1.5 s; 1 to 2.5 s; frames encoded anew>
    """
    start = finite_number("start", start, at_least=0)
    end = finite_number("end", end, above=start)
    from ..media import Target

    upload = _upload("video", video, fps=25)
    return _made(upload, Target(start=start, end=end), f"-{start:g}-{end:g}s", (f"{start:g} to {end:g} s",))


@public
def fit(video: Any, model: str | ModelDefinition, *, resolution: str | None = None) -> PreparedVideo:
    """Brings a video, such as a phone's, to what a model takes, and says in one line what it changed.

    That is H.264 in an MP4, 8 bits, upright, not larger than the model's size, at its rate, and not longer than it
    takes; HDR becomes SDR, and the sound AAC. A video that fits already is not touched: its own path is what is
    returned. The same video gives the same bytes. ``dnb.generate(…, fit=True)`` and ``dnb.submit(…, fit=True)`` do it
    on the way.

    Args:
        video: a path, clip, finished job, bytes, open file or array.
        model: the model that takes it.
        resolution: as the request will have it; ``720p`` unless given.

    Raises:
        InvalidInputError: the model takes no video, or what is given is none that can be read.
        MediaError: it cannot be decoded.

    Examples:
        >>> import decart_nb as dnb
        >>> dnb.fit(dnb.sample(), "lucy-2.5")
        <sample.mp4: 1280×720 at 20 fps, 3.0 s; unchanged>
        >>> dnb.fit(dnb.sample(), "lucy-2.5", resolution="480p").changes
        sample.mp4 for lucy-2.5: 1280×720 to 854×480.
        ('1280×720 to 854×480',)
    """
    fitted, line = _fitted(video, definition_of(model), resolution)
    if line:
        say(line)
    return fitted


def _fitted(video: Any, model: ModelDefinition, resolution: str | None) -> tuple[PreparedVideo, str]:
    """As :func:`fit`, with the line that says what was changed, or an empty text."""
    field = video_field(model)
    upload = _upload(field.name if field else "video", video, fps=model.fps)
    fitted = _made(upload, target_of(model, resolution), "-fit")
    return fitted, f"{upload.filename} for {model.name}: {'; '.join(fitted.changes)}." if fitted.changes else ""


def fitted_inputs(
    definition: ModelDefinition, inputs: Mapping[str, Any], tell: Callable[[str], object] = say
) -> dict[str, Any]:
    """The inputs of a request, the video among them fitted to the model; see :func:`fit`.

    Args:
        definition: the model.
        inputs: the inputs.
        tell: called with the line that says what was changed, if anything was.
    """
    field = video_field(definition)
    name = field.name if field else "data"
    if inputs.get(name) is None:  # what is missing is told by the validation
        return dict(inputs)
    resolution = inputs.get("resolution")
    fitted, line = _fitted(inputs[name], definition, resolution if isinstance(resolution, str) else None)
    if not line:
        return dict(inputs)
    tell(line)
    return {**inputs, name: fitted}


def _upload(name: str, video: Any, *, fps: int) -> Upload:
    if isinstance(video, Job):
        if video.clip is None:
            raise InvalidInputError(f"The job {video.id or ''} has no video yet: give job.result().")
        video = video.clip
    try:
        upload = read_unchanged(lambda: read(name, video, fps))
    except UnusableFileError as error:
        raise InvalidInputError(f"{name} {error}", {"fields": [name]}) from None
    if isinstance(upload, RemoteFile):
        raise InvalidInputError(
            f"{name} is at an address: download the file and give its path, since a video is cut and fitted on this "
            "machine.",
            {"fields": [name]},
        )
    return upload


def _made(upload: Upload, target: Target, suffix: str, about: tuple[str, ...] = ()) -> PreparedVideo:
    """The rewritten video, made once in this process for each content and target; or the one that was given."""
    digest = read_unchanged(upload.sha256)
    with _lock:
        source = _source(upload, digest)
        found = _rewritten(source, digest, target, _stem(upload.filename) + suffix, about)
        return PreparedVideo(*found)


@functools.lru_cache(256)
def _known(digest: str, target: Target, name: str) -> dict[str, tuple[Path, str, tuple[str, ...]]]:
    """What was made of a video, under ``made``: empty until it is."""
    return {}


def _rewritten(
    source: Path, digest: str, target: Target, name: str, about: tuple[str, ...]
) -> tuple[Path, str, tuple[str, ...]]:
    from ..media import Footage, rewrite

    known = _known(digest, target, name)
    if "made" in known and known["made"][0].exists():
        return known["made"]
    footage = Footage(source)
    if not about and is_fit(footage, target):
        return source, _facts(footage), ()
    key = hashlib.sha256(f"{digest} {target}".encode()).hexdigest()
    folder = _folder() / key[:32]
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.mp4"
    with partial_file(path) as partial:
        is_copied = rewrite(footage, partial.path, target)
        partial.commit(fsync=False)
    made = Footage(path)
    how = (*about, "frames copied" if is_copied else "frames encoded anew") if about else tuple(changes(footage, made))
    known["made"] = path, _facts(made), how
    return known["made"]


def _source(upload: Upload, digest: str) -> Path:
    """The path of what was given; what has none is put into the folder."""
    if upload.path is not None:
        return upload.path
    path = _folder() / f"{digest[:32]}-{_stem(upload.filename)}"
    if not path.exists():
        with partial_file(path) as partial, upload.open() as stream:
            while chunk := stream.read(2**20):
                partial.stream.write(chunk)
            partial.commit(fsync=False)
    return path


def _stem(filename: str) -> str:
    return re.sub(r"[^\w.-]+", "-", Path(filename).stem)[:_STEM_LIMIT].strip("-") or "video"


def _facts(footage: Footage) -> str:
    return f"{footage.width}×{footage.height} at {footage.fps:.3g} fps, {footage.duration:.1f} s"


class _Process:
    """Stands for this process: the folder of what is made goes with it."""


@functools.cache
def _folder_of(process: int) -> tuple[_Process, Path]:
    owner = _Process()
    return owner, temporary_folder(owner, "decart_nb-made-")


def _folder() -> Path:
    """The folder of what is made by this process."""
    return _folder_of(os.getpid())[1]
