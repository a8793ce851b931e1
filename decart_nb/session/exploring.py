"""The exploration of a sweep as a session starts it: it is shown, and votes by a person or by a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..display import show_exploration

if TYPE_CHECKING:
    from ..adaptive.exploration import Exploration
    from ..sweeps.rows import Row
    from ..sweeps.sweep import Sweep


def explore(sweep: Sweep, rows: Sequence[Row], begin: Callable[..., object], **options: Any) -> Exploration:
    """Explore a sweep; see :meth:`decart_nb.sweeps.sweep.Sweep.explore`.

    Args:
        sweep: the sweep.
        rows: its rows.
        begin: begins a run of the rows whose numbers are given as ``only``.
        options: the arguments of :class:`decart_nb.adaptive.options.Options`.
    """
    from ..adaptive.exploration import Exploration
    from ..adaptive.options import Options

    exploration = Exploration(sweep, rows, begin, Options(**options))
    if exploration.options.function is not None:
        exploration.run()
    else:
        exploration.start()
        show_exploration(exploration)
    return exploration
