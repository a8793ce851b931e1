"""Short tracebacks in IPython: the user's own line and the message, in place of the source of this package.

IPython asks an exception for ``_render_traceback_``. ``%tb`` and the mode ``Verbose`` still show the whole traceback.
"""

from __future__ import annotations

import ast
import functools
import itertools
import linecache
import re
import sys
import sysconfig
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, TypeVar

from .text import printable, printable_lines

_E = TypeVar("_E", bound=BaseException)

_PACKAGE = str(Path(__file__).parents[1])
_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_INSTALLED = {"site-packages", "dist-packages"}
#: The file name of a cell in IPython 7, which has the cell's number in it.
_OLD_CELL = re.compile(r"<ipython-input-(\d+)-")
_MAX_LINE_LENGTH = 160
#: ANSI colours, of which every theme has its own shade. Only the arrow and the error's name have one: they are told by
#: their place too, and the frontends' red and green are faint on the ground of an error.
_RED, _GREEN, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[39m"


def with_short_traceback(error: _E) -> _E:
    """The same exception, with a short traceback in IPython. For exceptions that are not of our own family."""
    vars(error)["_render_traceback_"] = functools.partial(short_traceback, error)
    return error


def short_traceback(error: BaseException) -> list[str]:
    """The lines that IPython shows for an exception: where the user's code raised it, that line, and the message.

    If the line is in a function, the line of the cell comes first. It never raises.

    Args:
        error: the exception, with its traceback.
    """
    shell = _shell()
    try:
        if shell is not None and _whole_is_asked_for(shell):
            whole: list[str] = shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
            return whole
        lines = [line for place in _places(error.__traceback__) for line in _shown(*place, shell)]
    except Exception:  # noqa: BLE001 - IPython would show how this failed, and not the message
        lines = []
    message = printable_lines(str(error))
    lines.append(f"{_RED}{type(error).__name__}{_PLAIN}{f': {message}' if message else ''}")
    lines += [printable_lines(note) for note in getattr(error, "__notes__", ()) if isinstance(note, str)]
    if str(getattr(shell, "colors", "")).lower() == "nocolor":
        lines = [re.sub("\x1b\\[[0-9]+m", "", line) for line in lines]
    return lines


def _shell() -> Any | None:
    """The shell of IPython, if this process runs in one. IPython is looked up, not imported."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _whole_is_asked_for(shell: Any) -> bool:
    """Whether ``%tb`` is being run, or the user has chosen to see every variable."""
    if shell.InteractiveTB.mode == "Verbose":
        return True
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "tb" and frame.f_globals.get("__name__") == "IPython.core.magics.execution":
            return True
        frame = frame.f_back
    return False


def _places(trace: TracebackType | None) -> list[tuple[str, range, str]]:
    """File, lines and function of the first and the last frame that are the user's own; one of them if they are one."""
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if _is_users(code.co_filename):
            found.append((code.co_filename, _lines(trace), code.co_name))
        trace = trace.tb_next
    return found if len(found) < 2 else [found[0], found[-1]]


def _lines(trace: TracebackType) -> range:
    """The lines of the expression that a frame was at: a call may stand on several."""
    position = next(itertools.islice(trace.tb_frame.f_code.co_positions(), trace.tb_lasti // 2, None), None)
    first, last = position[:2] if position else (None, None)
    return range(first or trace.tb_lineno, (last or first or trace.tb_lineno) + 1)


def _is_users(filename: str) -> bool:
    """Whether a file is neither ours, nor a library's, nor code without a file."""
    if filename.startswith("<"):
        return bool(_OLD_CELL.match(filename))
    if filename.startswith((_PACKAGE, *_LIBRARIES)):
        return False
    return not _INSTALLED & set(Path(filename).parts)


def _shown(filename: str, numbers: range, function: str, shell: Any) -> list[str]:
    """A frame in two lines: where it is, and its code."""
    inside = "" if function.startswith("<") else f", in {printable(function)}"
    code = _as_typed(" ".join(linecache.getline(filename, number).strip() for number in numbers))
    lines = [f"{_called(filename, shell)}, line {numbers.start}{inside}"]
    if code:
        lines.append(f"{_GREEN}---->{_PLAIN} {numbers.start} {printable(code, limit=_MAX_LINE_LENGTH)}")
    return lines


def _called(filename: str, shell: Any) -> str:
    """What a file is called: ``Cell In[3]``, a path below the working directory, or a name alone."""
    if old := _OLD_CELL.match(filename):
        return f"Cell In[{old[1]}]"
    named = getattr(getattr(shell, "compile", None), "format_code_name", lambda _: None)(filename)
    if named is not None:
        return " ".join(named)
    path = Path(filename)
    if path.parent.name.startswith("ipykernel_"):  # a cell of ipykernel under IPython 7
        return "Cell"
    return printable(str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name)


def _as_typed(code: str) -> str:
    """A line of code; a magic as it was typed, and not as the call that IPython has made of it."""
    if "get_ipython().run_" not in code:
        return code
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return code
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            signs = {"run_cell_magic": "%%", "run_line_magic": "%"}.get(call.func.attr)
            values = [part.value for part in call.args[:2] if isinstance(part, ast.Constant)]
            texts = [value for value in values if isinstance(value, str)]
            if signs and len(texts) == 2:
                return f"{signs}{texts[0]} {texts[1]}".strip()
    return code
