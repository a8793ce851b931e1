"""A notebook without its page: a real kernel, cells, and under each cell what a frontend would show there."""

from __future__ import annotations

import json
import os
import queue
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

#: What a kernel may take for what takes it no time, on a machine that does other things as well.
PATIENCE = 60.0

_NAME = "under-test"
_SHOWN = ("display_data", "execute_result", "stream", "error")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Cell:
    """A cell that has been sent to the kernel.

    Attributes:
        code: what was sent.
        outputs: what is under it now, as the messages' contents.
        reply: the kernel's answer, once it is there.
        replied: when that was, on the monotonic clock.
        idle: whether the kernel has said that it is through with the cell.
    """

    code: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)
    replied: float = 0.0
    idle: bool = False

    @property
    def done(self) -> bool:
        return bool(self.reply) and self.idle

    @property
    def videos(self) -> list[str]:
        pages = [output.get("data", {}).get("text/html", "") for output in self.outputs]
        return [page for page in pages if "<video " in page]

    @property
    def error(self) -> str:
        """The error's name and traceback, as a person reads them; nothing where all went well."""
        if self.reply.get("status") == "ok":
            return ""
        lines = [self.reply.get("ename", self.reply.get("status", "")), *self.reply.get("traceback", [])]
        return _COLOURS.sub("", "\n".join(lines))

    def stream(self, name: str) -> str:
        return "".join(output["text"] for output in self.outputs if output.get("name") == name)


class Notebook:
    """Cells and a kernel.

    Attributes:
        folder: where the kernel works.
        cells: all that were sent, in their order.
        strays: outputs that belong to no cell, and updates of what is nowhere.
    """

    def __init__(self, folder: Path, manager: KernelManager, log: Path) -> None:
        self.folder = folder
        self.strays: list[dict[str, Any]] = []
        self._manager = manager
        self._log = log
        self._client = manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)
        self._cells: dict[str, Cell] = {}
        self._places: dict[str, list[dict[str, Any]]] = {}  # the outputs that bear a display id

    @classmethod
    @contextmanager
    def opened(cls, python: Path, folder: Path) -> Iterator[Self]:
        """A notebook in a folder, on a kernel of that Python, with settings, keys and histories of its own."""
        own = folder.with_name(f"{folder.name}-{time.monotonic_ns()}")
        (own / _NAME).mkdir(parents=True)
        # The kernel would warn that it speaks over TCP: it does, and to this machine only.
        argv = [str(python), "-m", "ipykernel_launcher", "--log-level=40", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": _NAME, "language": "python"}
        (own / _NAME / "kernel.json").write_text(json.dumps(spec))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("DECART_", "PYTEST"))}
        environment |= {
            "IPYTHONDIR": str(own / "ipython"),
            "JUPYTER_CONFIG_DIR": str(own / "config"),
            "JUPYTER_DATA_DIR": str(own / "data"),
            "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # the debugger's word about frozen modules
        }
        manager = KernelManager(
            kernel_name=_NAME,
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(own)], ensure_native_kernel=False),
            connection_file=str(own / "connection.json"),
        )
        with (own / "log").open("ab") as log, ExitStack() as end:
            manager.start_kernel(cwd=str(folder), env=environment, stdout=log, stderr=log)
            end.callback(manager.shutdown_kernel)
            notebook = cls(folder, manager, own / "log")
            end.callback(notebook._client.stop_channels)
            yield notebook
        assert (own / "log").read_text() == ""

    @property
    def cells(self) -> list[Cell]:
        return list(self._cells.values())

    def send(self, code: str) -> Cell:
        """Sends a cell, as a frontend does at which somebody sits, and does not wait for it."""
        cell = Cell(code)
        self._cells[self._client.execute(code, allow_stdin=True)] = cell
        return cell

    def run(self, code: str) -> Cell:
        """Runs a cell to its end, which must be a good one."""
        [cell] = self.run_all([code])
        assert not cell.error, cell.error
        return cell

    def run_all(self, codes: list[str]) -> list[Cell]:
        """Sends all cells at once, as "Run All" does, and waits until the kernel is through with them."""
        cells = [self.send(code) for code in codes]
        self.until(lambda: all(cell.done for cell in cells))
        return cells

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Takes in what the kernel says until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                last = "\n\n".join(map(str, self.cells[-3:]))
                raise TimeoutError(f"Not so after {seconds:g} s. The last cells:\n{last}")
            self._read()

    def interrupt(self) -> float:
        """Presses the stop button, and says when, on the monotonic clock."""
        self._manager.interrupt_kernel()
        return time.monotonic()

    def restart(self) -> None:
        self._manager.restart_kernel()
        os.truncate(self._log, 0)  # ipykernel 7 complains when it is ended in the middle of a cell
        self._client.wait_for_ready(timeout=PATIENCE)

    def complete(self, code: str) -> list[str]:
        """What the kernel offers at the end of a code."""
        reply = self._client.complete(code, reply=True, timeout=PATIENCE)
        matches: list[str] = reply["content"]["matches"]
        return matches

    def _read(self) -> None:
        with suppress(queue.Empty):
            self._take_in(self._client.get_iopub_msg(timeout=0.02))
        try:
            reply = self._client.get_shell_msg(timeout=0)
        except queue.Empty:
            return
        if cell := self._cells.get(reply["parent_header"].get("msg_id")):
            cell.reply, cell.replied = reply["content"], time.monotonic()

    def _take_in(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        cell = self._cells.get(message["parent_header"].get("msg_id"))
        place = content.get("transient", {}).get("display_id")
        if kind == "status" and cell:
            cell.idle = content["execution_state"] == "idle"
        elif kind == "update_display_data":
            # It changes the output wherever that is, and whichever cell the kernel takes it for.
            for output in self._places.get(place, []):
                output["data"] = content["data"]
            if place not in self._places:
                self.strays.append(content)
        elif kind in _SHOWN:
            (cell.outputs if cell else self.strays).append(content)
            if place:
                self._places.setdefault(place, []).append(content)


def shown_lines(cell: Cell) -> list[str]:
    """The lines of an error as the frontend shows them, without colours."""
    return _COLOURS.sub("", "\n".join(cell.reply.get("traceback", []))).splitlines()
