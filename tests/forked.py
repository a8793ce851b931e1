"""Processes that begin at once: they are forked from one that has already imported what takes long."""

from __future__ import annotations

import multiprocessing

forkserver = multiprocessing.get_context("forkserver")
# In one place: of several lists, a process takes the one that was set last.
forkserver.set_forkserver_preload(
    [
        "decart_nb.client.engine",
        "decart_nb.local.queue",
        "decart_nb.media.probing",
        "decart_nb.media.thumbnails",
        "decart_nb.session.functions",
        "decart_nb.sweeps.tables",
        "hypothesis.stateful",
        "httpx_aiohttp",
        "pandas",
        "pytest",
    ]
)
