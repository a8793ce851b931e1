"""The exploration of a sweep as a session starts it: it is shown, and votes by a person or by a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from .._util.short_traceback import with_short_traceback
from ..display import show_exploration
from ..sweeps.responses import await_responses

if TYPE_CHECKING:
    from ..adaptive.exploration import Exploration
    from ..sweeps.rows import Row
    from ..sweeps.sweep import Sweep

#: The latest exploration that spends a sweep's budget, by the folder of the store and the budget's name.
_latest: WeakValueDictionary[tuple[Path, str], Exploration] = WeakValueDictionary()


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
    # A cell that is run again, perhaps with a lower budget, takes the place of what it has begun before.
    budget = sweep.runner.store.folder, sweep.account
    if (before := _latest.get(budget)) is not None and not before.over:
        before.stop()
        await_responses(before.sweep)  # what it has not submitted is still reserved, and would count as spent
    _latest[budget] = exploration
    if exploration.options.function is not None:
        exploration.run()
        return exploration
    try:
        exploration.start()
        show_exploration(exploration)
    except KeyboardInterrupt:  # nobody has it, so that nobody could stop it later
        exploration.stop()
        raise with_short_traceback(KeyboardInterrupt(f"{exploration!r}")) from None
    return exploration
