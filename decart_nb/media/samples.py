"""The sample clip and the sample image that are shipped with the package, to try models on."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Literal

from .._util.public import public
from .._util.text import did_you_mean, listing, short_repr
from ..errors import InvalidInputError

_FOLDER = Path(__file__).parent / "sample_files"
#: The files by the names that :func:`sample` takes; ``tools/make_samples.py`` makes them.
FILES = {"clip": _FOLDER / "sample.mp4", "still": _FOLDER / "sample.jpg"}
_MARKUP = {
    "clip": '<video src="data:video/mp4;base64,{}" style="{}" controls autoplay loop muted playsinline></video>',
    "still": '<img src="data:image/jpeg;base64,{}" style="{}" alt="The sample image">',
}
_DESCRIPTIONS = {"clip": "3 seconds of 1280×720 at 20 fps", "still": "an image of 1280×704"}


class Sample:
    """A file that is shipped with the package: a path to whatever takes paths. A notebook shows it.

    Attributes:
        path: the file.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.path = FILES[kind]

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"<{self.path.name}: {_DESCRIPTIONS[self._kind]}>"

    def _repr_html_(self) -> str | None:
        try:
            content = base64.b64encode(self.path.read_bytes()).decode()
        except OSError:  # a formatter never raises: the notebook shows the text
            return None
        return _MARKUP[self._kind].format(content, "display:block;width:100%;max-width:640px;height:auto")


@public
def sample(kind: Literal["clip", "still"] = "clip") -> Sample:
    """A short clip, or an image, to try models on: it goes wherever a path does.

    Both show a cat at a window, and were made for this package: no licence of others is on them.

    Args:
        kind: ``"clip"``, three seconds of 1280×720 at 20 frames a second, as lucy-2.5 takes; or ``"still"``, an image
            of 1280×704.

    Raises:
        InvalidInputError: there is no sample of that kind.

    Examples:
        >>> import decart_nb as dnb
        >>> dnb.sample()
        <sample.mp4: 3 seconds of 1280×720 at 20 fps>
        >>> session = dnb.connect("local")
        >>> clip = dnb.generate("lucy-2.5", prompt="An oil painting", data=dnb.sample(), seed=7)
        >>> clip.inputs["data"]
        'sample.mp4'
    """
    if not isinstance(kind, str) or kind not in FILES:
        hint = did_you_mean(kind, FILES) if isinstance(kind, str) else ""
        raise InvalidInputError(f"There is no sample {short_repr(kind)}.{hint} There are {listing(FILES)}.")
    return Sample(kind)
