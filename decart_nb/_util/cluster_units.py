"""Runs units of work on a Dask cluster: few at once, repeated where a worker dies, forgotten when they are given.

Each unit is a task whose key is made from the unit's, so that the same unit of two runs is computed once while both
wait for it. Tasks are released, not cancelled: Dask drops what nobody waits for any more.
"""

from __future__ import annotations

import contextlib
import functools
import os
from asyncio import CancelledError
from collections.abc import Callable, Generator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ClusterError, picklable

if TYPE_CHECKING:
    from distributed import Client


def on_cluster(
    function: Callable[..., Any], units: Mapping[str, tuple[Any, ...]], client: Client, limit: int
) -> Generator[tuple[str, Any]]:
    """Run units on the workers of a cluster; see :func:`~decart_nb._util.work_units.run_units`.

    Args:
        function: what is called.
        units: the arguments of each call, by the unit's key.
        client: of the cluster.
        limit: the most units that the cluster holds at once.
    """
    from distributed import as_completed

    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"
    call = functools.partial(_on_worker, function)
    waiting = iter(units.items())
    begun: dict[Any, str] = {}
    ended: Any = as_completed()
    try:
        while True:
            if some := list(islice(waiting, limit - len(begun))):
                keys = [key for key, _ in some]
                sent = [[_File(arg) if isinstance(arg, Path) else arg for arg in args] for _, args in some]
                futures = _submitted(client, call, sent, [f"{name}-{key}" for key in keys])
                begun.update(zip(futures, keys, strict=True))
                ended.update(futures)
            if not begun:
                return
            # One message for each unit would take longer than many a unit.
            batch = ended.next_batch()
            for future, result in zip(batch, _results(client, batch), strict=True):
                future.release()
                yield begun.pop(future), result
    finally:
        ended.clear()
        for future in begun:
            future.release()


class _File:
    """A path as it is sent to a worker, with the size that the file has here.

    Attributes:
        path: the absolute path: a worker has another working directory.
        size: in bytes; ``None`` if there is no such file here either, which is for the unit's function to say.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size: int | None = None
        with contextlib.suppress(OSError, ValueError):
            self.path = path.absolute()
            self.size = path.stat().st_size if path.is_file() else None


class _Raised:
    """What a unit's function raised, as a value: Dask would write errors, with paths, into the log of each worker."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _on_worker(function: Callable[..., Any], sent: list[Any]) -> Any:
    """Call a unit's function on a worker, with paths that lead to the caller's files."""
    try:
        return function(*(_checked(arg) if isinstance(arg, _File) else arg for arg in sent))
    except Exception as error:  # noqa: BLE001 - what a unit's function raises is its result
        return _Raised(picklable(error))


def _checked(file: _File) -> Path:
    """The path of a file, if the worker can read it.

    Raises:
        ClusterError: the worker does not see the file, or sees another one.
    """
    if file.size is None:
        return file.path
    try:
        with file.path.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
    except (OSError, ValueError):
        size = None
    if size != file.size:
        from distributed import get_worker

        shown = f"{file.path.parent.name}/{file.path.name}"
        raise ClusterError(
            f"The worker {get_worker().address} cannot read {shown}; give it the store's folder under the same path "
            "as on this machine."
            if size is None
            else f"The worker {get_worker().address} has another file under the path of {shown}; give it the store's "
            "folder of this machine."
        )
    return file.path


def _submitted(client: Client, call: Callable[..., Any], sent: list[list[Any]], keys: list[str]) -> list[Any]:
    """Futures of some units.

    Raises:
        ClusterError: the cluster can no longer be reached.
    """
    try:
        return list(client.map(call, sent, key=keys))
    except Exception as error:
        if client.status != "running":
            raise _unreachable() from error
        raise


def _results(client: Client, futures: list[Any]) -> list[Any]:
    """The results of units that have ended, or what they raised."""
    try:
        results = client.gather(futures)
    except (Exception, CancelledError):  # noqa: BLE001 - each unit says its own reason
        results = [_result(client, future) for future in futures]
    return [result.error if isinstance(result, _Raised) else result for result in results]


def _result(client: Client, future: Any) -> Any:
    """The result of a unit that has ended, or why there is none.

    Raises:
        ClusterError: the cluster can no longer be reached.
    """
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        return ClusterError(
            "The Dask workers that had this unit of work died, one after the other. They may lack memory: give them "
            "more of it, or fewer threads, and run it again.",
            cause=error,
        )
    except (Exception, CancelledError) as error:
        if client.status != "running":
            raise _unreachable() from error
        reason = str(error).partition("\n")[0].partition(". ")[0]  # Dask goes on with advice of its own
        return ClusterError(
            f"The Dask cluster could not run this unit of work ({type(error).__name__}: {reason}). Its scheduler and "
            "its workers must have the same versions of decart_nb, and of what the work needs, as this machine.",
            cause=error if isinstance(error, Exception) else None,
        )


def _unreachable() -> ClusterError:
    return ClusterError(
        "The Dask cluster can no longer be reached. Start it, or another one, and run this again: what is stored is "
        "not made again."
    )
