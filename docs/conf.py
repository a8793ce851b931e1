"""Sphinx's configuration for the manual and the reference; ``make docs`` builds them from a copy of this folder."""

from __future__ import annotations

import inspect
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import decart_nb

project = "decart_nb"
copyright = "2026, the decart_nb authors"  # noqa: A001 - Sphinx's name for it
version = release = decart_nb.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["**/.ipynb_checkpoints", "README.md"]
#: References into this package must be found; those to the standard library and to others have their pages elsewhere.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!decart_nb\b).*")]
#: What the session alone gives to `wait`, and what stands in the line before it.
nitpick_ignore = [
    ("py:class", "decart_nb.client.duration_estimate.Estimate"),
    ("py:data", "decart_nb.job.money.Payment"),
]

# The docstrings are in Google's style.
autodoc_preserve_defaults = True
autodoc_member_order = "groupwise"
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]
python_use_unqualified_type_names = True

# The notebooks are run anew for each build, each in a folder of its own.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True
#: The usual kernel, which does not warn that it is reached over TCP: it is, from this machine only.
nb_kernel_rgx_aliases = {"python3": "quiet"}
os.environ["JUPYTER_PATH"] = str(Path(__file__).parent)
logging.getLogger("traitlets").setLevel(logging.WARNING)
#: No script of another site: the live widgets have static forms, which a page without a kernel shows.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_mime_priority_overrides = [("*", "application/vnd.jupyter.widget-view+json", None)]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "decart_nb"
html_copy_source = False
html_show_sourcelink = False

#: Classes that calls of this package return, and nobody makes by hand.
_MADE_BY_CALLS = (
    *("Clip", "Job", "Session", "Sweep", "Models", "Rating", "Queue", "DecartAccessor"),
    *("Sample", "PreparedVideo", "Trajectory", "Keyframes", "Form", "Scatter", "Exploration"),
)


class CommandHelp(SphinxDirective):
    """What a command of ``decart-nb`` prints with ``--help``."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The heading of the command, and its help."""
        command = ["decart-nb", *self.arguments]
        call = [sys.executable, "-m", "decart_nb", *self.arguments, "--help"]
        environ = {**os.environ, "COLUMNS": "90"}
        shown = subprocess.run(call, env=environ, capture_output=True, text=True, check=True).stdout  # noqa: S603
        title = " ".join(command)
        section = nodes.section(ids=[nodes.make_id(title)], names=[title])
        section += nodes.title(text=title)
        section += nodes.literal_block(shown, shown, language="text")
        return [section]


def _docstring_of_call(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Describes an instance that is called like a function, such as ``sweep``, by the docstring of its call."""
    if what == "function" and not inspect.isroutine(thing):
        lines[:] = inspect.cleandoc(type(thing).__call__.__doc__ or "").splitlines()


def _without_constructor(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Leaves out the constructor of a class that only calls of this package make."""
    return ("", None) if what == "class" and name.rpartition(".")[2] in _MADE_BY_CALLS else None


def setup(app: Sphinx) -> None:
    """Registers what is above with Sphinx."""
    app.add_directive("command-help", CommandHelp)
    app.connect("autodoc-process-docstring", _docstring_of_call, priority=100)  # before napoleon reads it
    app.connect("autodoc-process-signature", _without_constructor)
