"""Nested event loops: ``asyncio.run(main())`` where a loop runs already, as it does in a notebook.

They take a patch of asyncio for the whole process. Nothing of ours needs it, so it is there only for who asks.
"""

from __future__ import annotations

import asyncio
import sys

from .._util.warn import warn
from ..errors import NestingWarning

_warned = False


def allow_nested_loops() -> None:
    """Lets ``asyncio.run`` and ``loop.run_until_complete`` run inside a running loop, by way of nest-asyncio.

    The patch knows no way back: it stays until the kernel restarts. Where an older nest_asyncio has made its own,
    that one is left in place.
    """
    if _has_old_patch():
        return
    import nest_asyncio2

    try:
        # Where no loop runs, as in a thread, asyncio.run still closes its loop behind it: from Python 3.12 on.
        nest_asyncio2.apply(run_close_loop=True)
    except ValueError:  # a loop that is not asyncio's own, such as uvloop's
        warn(
            "This kernel's event loop cannot be nested: write await main() in place of asyncio.run(main()).",
            NestingWarning,
        )


def warn_of_old_patch() -> None:
    """Warns, once, where nest_asyncio has patched a kernel that hangs with it: ipykernel 7 and later."""
    global _warned
    if not _warned and _has_old_patch() and _in_ipykernel_7():
        _warned = True
        warn(
            "nest_asyncio has patched this kernel, and under ipykernel 7 it hangs when several cells are run at once. "
            "Remove nest_asyncio.apply() and restart the kernel; %load_ext decart_nb makes asyncio.run() work without.",
            NestingWarning,
        )


def _has_old_patch() -> bool:
    # Its continuation, nest-asyncio2, leaves both marks.
    return hasattr(asyncio, "_nest_patched") and not hasattr(asyncio, "_nest_asyncio2")


def _in_ipykernel_7() -> bool:
    # Not imported to find out: who is in a kernel has imported it.
    ipykernel, app = sys.modules.get("ipykernel"), sys.modules.get("ipykernel.kernelapp")
    return (
        ipykernel is not None and app is not None and app.IPKernelApp.initialized() and ipykernel.version_info >= (7,)
    )
