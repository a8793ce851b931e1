"""Nested event loops: ``asyncio.run(main())`` inside a running loop, as in a notebook.

This needs a patch of asyncio for the whole process. decart_nb does not depend on it and applies it only on request.
"""

from __future__ import annotations

import asyncio
import sys

from .._util.warn import warn
from ..errors import NestingWarning

_warned = False


def allow_nested_loops() -> None:
    """Let ``asyncio.run`` and ``loop.run_until_complete`` work inside a running loop, with nest-asyncio2.

    The patch stays until the kernel restarts. If the older nest_asyncio has been applied, it is left in place.
    """
    if _has_old_patch():
        return
    import nest_asyncio2

    try:
        # Without a running loop, as in a thread, asyncio.run still closes its loop (Python 3.12 and later).
        nest_asyncio2.apply(run_close_loop=True)
    except ValueError:  # a loop of another library, such as uvloop
        warn(
            "This kernel's event loop cannot be nested: write await main() in place of asyncio.run(main()).",
            NestingWarning,
        )


def warn_of_old_patch() -> None:
    """Warn, once, if nest_asyncio has patched ipykernel 7 or later, which hangs with it."""
    global _warned
    if not _warned and _has_old_patch() and _in_ipykernel_7():
        _warned = True
        warn(
            "nest_asyncio has patched this kernel, and under ipykernel 7 it hangs when several cells are run at once. "
            "Remove nest_asyncio.apply() and restart the kernel; %load_ext decart_nb makes asyncio.run() work without.",
            NestingWarning,
        )


def _has_old_patch() -> bool:
    # nest-asyncio2 sets both attributes.
    return hasattr(asyncio, "_nest_patched") and not hasattr(asyncio, "_nest_asyncio2")


def _in_ipykernel_7() -> bool:
    # Looked up, not imported: a kernel has imported it.
    ipykernel, app = sys.modules.get("ipykernel"), sys.modules.get("ipykernel.kernelapp")
    return (
        ipykernel is not None and app is not None and app.IPKernelApp.initialized() and ipykernel.version_info >= (7,)
    )
