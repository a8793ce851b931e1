"""Names of options and calls for messages, as the interface in use spells them: Python or the command ``decart-nb``.

Names are inserted while a message is formatted: replacing them later could change a file's name in it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

_PYTHON = {
    "plan": ".plan",
    "retry": ".retry()",
    "retry uncertain": ".retry(uncertain=True)",
    "max_cost": "max_cost",
    "max_cost=": "max_cost=",
    "concurrency": "concurrency",
    "prices": "connect(prices={…: USD per generated second})",
    "allow_unknown_cost": "allow_unknown_cost=True",
    "model": 'sweep(model="lucy-2.5", …)',
    "attach": "decart_nb.attach({id})",
    "attach to any": "decart_nb.attach(id)",
    "jobs": "decart_nb.jobs()",
    "sweep grid": " decart_nb.sweep.load({id}).grid() shows those of a sweep.",
    "models": "decart_nb.models",
    "generate": 'decart_nb.generate("lucy-2.5", prompt={prompt}, data=decart_nb.sample())',
    "custom model": "; for any other model, pass ModelDefinition(name=…, width=…, height=…, fps=…)",
    "fresh": "fresh=True",
    "resubmit_uncertain": "resubmit_uncertain=True",
    "api_key": "Pass api_key=…, or put it in the environment as DECART_API_KEY",
    "local": 'decart_nb.connect("local")',
    "store": "connect(store=…)",
    "mirror": "session.mirror({address})",
    "install": "pip install {package} (in a notebook, %pip install {package})",
}
_SHELL = {
    "plan": "--dry-run",
    "retry": "--retry",
    "retry uncertain": "--retry --uncertain",
    "max_cost": "--max-cost",
    "max_cost=": "--max-cost ",
    "concurrency": "--concurrency",
    "prices": "--price MODEL=USD",
    "allow_unknown_cost": "--allow-unknown-cost",
    "model": "--model lucy-2.5",
    "attach": "decart-nb attach {id}",
    "attach to any": "decart-nb attach ID",
    "jobs": "decart-nb jobs",
    "sweep grid": "",
    "models": "decart-nb models",
    "generate": "decart-nb make lucy-2.5 --prompt {prompt} --sample",
    "custom model": "",
    "fresh": "--fresh",
    "resubmit_uncertain": "--resubmit-uncertain",
    "api_key": "Put it in the environment as DECART_API_KEY",
    "local": "--local",
    "store": "--store FOLDER",
    "mirror": "decart-nb mirror {address}",
    "install": "pip install {package}",
}
#: The placeholders that stand for a text.
_TEXTS = ("id", "prompt", "address")
_names: Mapping[str, str] = _PYTHON
#: How a value is written in code of the interface.
_quoted: Callable[[str], str] = repr


def step(name: str, **values: str) -> str:
    """The spelling of an option or call in the current interface.

    Args:
        name: a key of the tables above.
        values: what its placeholders stand for; ``id``, ``prompt`` and ``address`` are quoted as the interface quotes
            a text.
    """
    if not values:
        return _names[name]
    return _names[name].format(**{key: _quoted(value) if key in _TEXTS else value for key, value in values.items()})


@contextmanager
def shell_names(**own: str) -> Iterator[None]:
    """Use the command line's spelling in all threads of this process.

    Args:
        own: the spellings of one command that differ from those of the others.
    """
    global _names, _quoted
    before = _names, _quoted
    _names, _quoted = _SHELL | own, shlex.quote
    try:
        yield
    finally:
        _names, _quoted = before
