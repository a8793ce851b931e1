"""Runs independent units of work on the cores of this machine, or on a Dask cluster, and gives their results.

A unit is a call of one function with its own arguments, under a key. The key is a digest of all that its result depends
on, such as that of a video and of the function's version, so that a unit may be repeated anywhere. Units read files and
return values; the caller alone writes what becomes of them.

On this machine the units run on threads: FFmpeg, Pillow and NumPy release Python's lock, so that threads are as fast as
processes (``benchmarks/work_units.py``), and need no pickling, no guard in a script, and no second copy of what is
imported.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from .cores import usable_cores
from .text import short_repr

if TYPE_CHECKING:
    from distributed import Client

#: Units in work or waiting, for each thread: as one ends, the next is there.
_PER_THREAD = 2
#: The same for a cluster, where the next one takes a message to and fro; and the fewest, for a cluster that grows.
_PER_CLUSTER_THREAD, _MIN_UNITS_ON_CLUSTER = 4, 64


def run_units(
    function: Callable[..., Any],
    units: Mapping[str, tuple[Any, ...]],
    *,
    client: Client | None = None,
    limit: int | None = None,
) -> Generator[tuple[str, Any]]:
    """Call a function for each unit, and give each unit's key with its result, or with what it raised, as they end.

    What has not begun when the iterator is closed, or interrupted, is not begun any more; on this machine, what has
    begun is waited for. At any time there are few units in work and few results in memory, however many there are.

    Args:
        function: what is called. With a client it is sent to the workers, which need this package too.
        units: the arguments of each call, by the unit's key. A path among them is read where the unit runs.
        client: of a Dask cluster, whose workers see the files of this machine under the same paths. A worker that dies
            loses nothing: its units are repeated elsewhere. Without a client, the cores of this machine are used.
        limit: the most units that are in work, or wait for their turn, or are done and not asked for; by default two
            for each core, or four for each thread of the cluster.

    Raises:
        InvalidInputError: the client is no Dask client.
        ClusterError: the cluster can no longer be reached.
    """
    if client is None:
        return _on_cores(function, units, limit)
    check_client(client)
    from .cluster_units import on_cluster

    if limit is None:
        limit = max(_MIN_UNITS_ON_CLUSTER, _PER_CLUSTER_THREAD * sum(client.nthreads().values()))
    return on_cluster(function, units, client, limit)


def unit_key(*values: Any) -> str:
    """A unit's key: the SHA-256 of the values on which its result depends, by their ``repr``."""
    return hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).hexdigest()


def check_client(client: Any) -> None:
    """Check that work can be given to a client; ``None`` stands for the cores of this machine.

    Raises:
        InvalidInputError: it is no Dask client, or none that can be waited for.
    """
    from ..errors import InvalidInputError

    if client is None:
        return
    distributed = sys.modules.get("distributed")  # where it is not imported, nothing can be a client of it
    if distributed is None or not isinstance(client, distributed.Client):
        raise InvalidInputError(
            f"client must be a dask.distributed.Client, such as Client(cluster), not {short_repr(client)}. Leave it "
            'out to use the cores of this machine. Dask comes with: pip install "decart_nb[dask]"'
        )
    if client.asynchronous:
        raise InvalidInputError("This Dask client is asynchronous, and cannot be waited for: use Client(…) without it.")
    if client.status != "running":
        raise InvalidInputError("This Dask client is closed: make a new one.")


def _on_cores(
    function: Callable[..., Any], units: Mapping[str, tuple[Any, ...]], limit: int | None
) -> Generator[tuple[str, Any]]:
    cores = usable_cores()
    threads = min(cores, limit or cores)
    limit = limit or _PER_THREAD * threads
    waiting = iter(units.items())
    begun: dict[Future[Any], str] = {}
    ended: SimpleQueue[Future[Any]] = SimpleQueue()
    pool = ThreadPoolExecutor(threads, "decart-units")
    try:
        while True:
            for key, args in islice(waiting, limit - len(begun)):
                future = pool.submit(function, *args)
                begun[future] = key
                future.add_done_callback(ended.put)
            if not begun:
                return
            future = ended.get()
            key = begun.pop(future)
            error = future.exception()
            yield key, future.result() if error is None else error
            del future, error  # else a result would be held until the next one is there
    finally:
        pool.shutdown(cancel_futures=True)
