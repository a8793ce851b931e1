"""Makes the clip and the image that ``decart_nb.sample`` returns, from a scene of the local renderer.

Run it with ``python -m tools.make_samples``. The same versions of NumPy and PyAV make the same files.
"""

from __future__ import annotations

from PIL import Image

from decart_nb import media
from decart_nb._util.console import say
from decart_nb.local.render import scenes
from decart_nb.local.render.shot import Shot, seeded
from decart_nb.media.samples import FILES

_PROMPT = "A cat in a cozy living room at sunset"
_SEED = 3
#: The size and the frame rate of lucy-2.5, so that nothing has to be converted; three seconds cost little.
_CLIP_SIZE, _FPS, _FRAMES = (1280, 720), 20, 60
#: The size of the models that take an image.
_STILL_SIZE = (1280, 704)
_CLIP_CRF, _STILL_QUALITY = 29, 80


def _shot(size: tuple[int, int]) -> Shot:
    return Shot(_PROMPT, seeded("sample", _PROMPT, _SEED), size, _FRAMES)


def main() -> None:
    """Writes both files in the place of those that are there."""
    media.encode(scenes.animate(_shot(_CLIP_SIZE)), FILES["clip"], fps=_FPS, crf=_CLIP_CRF)
    frame = next(scenes.animate(_shot(_STILL_SIZE)))
    still = Image.fromarray(frame.to_ndarray(format="rgb24"))
    still.save(FILES["still"], quality=_STILL_QUALITY, optimize=True)
    for path in FILES.values():
        say(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
