"""The local queue's server: runs on a thread, for notebooks and tests, or in the foreground, for the shell."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import threading
import time
import weakref
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from .._util.files import os_reason
from ..errors import LocalQueueError

if TYPE_CHECKING:
    from .connections import Connection, ConnectionLimits, Listener
    from .worker import JobOptions

_STOP_TIMEOUT = 30.0


class LocalQueue:
    """An HTTP server on this machine that speaks Decart's queue protocol and renders previews.

    It serves between :meth:`start` and :meth:`stop`, or as a context manager.

    Args:
        folder: where jobs are stored; they outlive the queue.
        host: the address to listen on; by default, this machine only.
        port: the port to listen on; by default, a free one.
        api_key: the key that callers must send; by default, a random one.
        max_upload: the largest request, in bytes.
        limits: limits on connections.
        job_options: how jobs are handled; see :class:`decart_nb.local.worker.JobQueue`.

    Raises:
        LocalQueueError: the folder cannot be written, or the address cannot be listened on.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str | None = None,
        max_upload: int | None = None,
        limits: ConnectionLimits | None = None,
        **job_options: Unpack[JobOptions],
    ) -> None:
        # Imported here, so that other commands do not load a web server.
        import uvicorn

        from .connections import KEEP_ALIVE, ConnectionLimits, Server
        from .files import UploadStore
        from .server import MAX_UPLOAD, application
        from .worker import JobQueue

        self.host = host
        self.api_key = f"dct_local_{secrets.token_urlsafe(16)}" if api_key is None else _validated(api_key)
        self._socket = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        try:
            self.jobs = JobQueue(folder, **job_options)
        except (LocalQueueError, TypeError):  # or there is no such option
            self._socket.close()
            raise
        app = application(
            self.jobs,
            UploadStore(folder / "files", self.jobs.storage.stage),
            self.api_key,
            host=host,
            port=self.port,
            max_upload=max_upload or MAX_UPLOAD,
        )
        config = uvicorn.Config(
            app,
            http=_protocol(with_faults=self.jobs.fault_schedule.is_active),
            ws="none",
            lifespan="off",
            log_config=None,  # uvicorn's own would disable the user's log handlers
            log_level="error",  # invalid requests of other programs do not belong in the notebook's log
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(KEEP_ALIVE),
            timeout_graceful_shutdown=5,
        )
        self._server = Server(config, self._socket, limits or ConnectionLimits())
        self._thread = threading.Thread(target=self._serve_on_thread, name="decart_nb local queue", daemon=True)
        self._failure: BaseException | None = None
        _open_queues.add(self)

    @property
    def base_url(self) -> str:
        """The URL for clients on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared only
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def share_video(self, job_id: str, copy: Path) -> None:
        """Lets a job's video and a copy of it take up the space of one file; see :class:`~.storage.Storage`.

        Args:
            job_id: the job's.
            copy: the copy.
        """
        self.jobs.storage.share_video(job_id, copy)

    def run(self) -> None:
        """Serves on this thread until :meth:`stop`; on the main thread, also until interrupted."""
        try:
            _check_descriptors(self._socket.fileno())
            # Not asyncio.run, which nest_asyncio replaces; and a loop that calls Listener.accept.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._server.serve(sockets=[self._socket]))
        finally:
            self._release()

    def _serve_on_thread(self) -> None:
        """The thread's target. :meth:`start` raises what fails before the server has started."""
        try:
            self.run()
        except Exception as error:
            if self._server.started:
                raise
            self._failure = error

    def _release(self) -> None:
        _open_queues.discard(self)
        self.jobs.close()
        self._socket.close()

    def start(self) -> Self:
        """Starts serving on a new thread. A queue can be started once.

        Raises:
            LocalQueueError: there are not enough threads or file descriptors. All resources are released.
        """
        try:
            self._thread.start()
        except RuntimeError as error:
            self._release()
            raise _not_started(error) from None
        while not self._server.started:
            if not self._thread.is_alive():
                raise _not_started(self._failure)
            time.sleep(0.01)
        return self

    @property
    def running(self) -> bool:
        """Whether it is serving."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stops serving. Unfinished jobs stay stored, and another queue on the folder continues them on request."""
        self._server.exit()
        if self._thread.ident is None:
            self._release()
        else:
            self._thread.join(_STOP_TIMEOUT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _protocol(*, with_faults: bool) -> type[Connection]:
    if not with_faults:
        from .connections import Connection

        return Connection
    from .fault_injection import FaultyConnection

    return FaultyConnection


def _validated(api_key: str) -> str:
    if not api_key or not api_key.isascii() or not api_key.isprintable() or api_key != api_key.strip():
        raise LocalQueueError("The local queue's key must be printable ASCII, without blanks at its ends.")
    return api_key


def _check_descriptors(descriptor: int, number: int = 4) -> None:
    """Checks that an event loop can be created: one that runs out of descriptors prints a traceback when collected.

    Raises:
        OSError: fewer than ``number`` file descriptors are left.
    """
    with ExitStack() as stack:
        for _ in range(number):
            stack.callback(os.close, os.dup(descriptor))


def _not_started(cause: BaseException | None) -> LocalQueueError:
    reason = os_reason(cause) if cause else "it ended at once"
    return LocalQueueError(
        f"The local queue cannot start: {reason}. Close files or processes that are not needed, and connect again.",
        cause=cause,
    )


#: The open queues of this process.
_open_queues: weakref.WeakSet[LocalQueue] = weakref.WeakSet()


def _close_inherited_sockets() -> None:
    """Closes a forked child's copies of the sockets: the threads that serve them run in the parent only."""
    for queue in list(_open_queues):
        queue._socket.close_all()
    _open_queues.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited_sockets)


def _listen(host: str, port: int) -> Listener:
    from .connections import Listener

    if not 0 <= port <= 65535:
        raise LocalQueueError(f"There is no port {port}: ports go from 0 (a free one) to 65535.")
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as cause:
        reason = os_reason(cause)
        raise LocalQueueError(f"{host} is not an address to listen on: {reason}.", cause=cause) from None
    listener = None
    try:
        listener = Listener(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError as cause:
        if listener is not None:
            listener.close()
        raise LocalQueueError(
            f"The local queue cannot listen on {host}, port {port}: {os_reason(cause)}. "
            "Choose another port, or none for a free one.",
            cause=cause,
        ) from None
    return listener
