"""Work on the clips of a page, such as decoding a frame of each: on the cores of this machine, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

from .._util.work_units import run_units, unit_key
from ..errors import MediaError
from ..job.clip import Clip
from .plan import Tile

if TYPE_CHECKING:
    from distributed import Client


def run_on_clips(
    function: Callable[..., Any],
    tiles: Sequence[Tile],
    arguments: Callable[[Tile], tuple[Any, ...]],
    client: Client | None,
) -> Generator[tuple[list[int], Any]]:
    """Call a function for the clip of each tile, once for those that would have the same result.

    Args:
        function: called with the path of the clip's video, and what ``arguments`` gives for the tile.
        tiles: those without a clip are left out.
        arguments: gives plain values.
        client: of a Dask cluster, whose workers call it; without one, the cores of this machine do.

    Returns:
        The numbers of the tiles, with the result, or with the :class:`MediaError` that the function has raised.

    Raises:
        ClusterError: the cluster cannot do it.
    """
    units: dict[str, tuple[Any, ...]] = {}
    numbers: dict[str, list[int]] = {}
    for number, tile in enumerate(tiles):
        if isinstance(tile.item, Clip):
            unit = (tile.item.path, *arguments(tile))
            key = unit_key(tile.item.sha256, *unit)
            units[key] = unit
            numbers.setdefault(key, []).append(number)
    for key, result in run_units(function, units, client=client):
        if isinstance(result, BaseException) and not isinstance(result, MediaError):
            raise result
        yield numbers[key], result
