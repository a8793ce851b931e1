"""The shell's way in: ``decart-nb``."""

from __future__ import annotations

import argparse
import math
import random
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import cli_sweep
from ._version import __version__
from .errors import DecartSDKError, StoreError
from .local.durations import durations, usage
from .local.faults import HITS, Faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command, and gives its exit status."""
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            status: int | None = options.run(options)
    except DecartSDKError as error:
        print(f"decart-nb: {error}", file=sys.stderr)  # noqa: T201 - the shell's way to hear of it
        return 1
    except KeyboardInterrupt as interrupt:
        if str(interrupt):  # where the job is that goes on
            print(interrupt, file=sys.stderr)  # noqa: T201
        return 130
    return status or 0


def _warn(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    print(f"decart-nb: {message}", file=sys.stderr)  # noqa: T201 - the line of code that it is about is nobody's


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="decart-nb", description="Decart's video queue, made at home.")
    parser.add_argument("--version", action="version", version=f"decart_nb {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="make one preview on the embedded queue and print its path")
    demo.add_argument("prompt", nargs="?", default="Northern lights over a forest")
    demo.set_defaults(run=_demo)

    jobs = commands.add_parser("jobs", help="list the jobs that a folder of videos remembers")
    jobs.add_argument(
        "--store", type=Path, default=Path("decart_runs"), metavar="FOLDER", help="the folder (%(default)s)"
    )
    jobs.set_defaults(run=_jobs)

    cli_sweep.add_to(commands)

    serve = commands.add_parser("serve", help="run the local queue, which speaks Decart's protocol")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s: this machine only)")
    serve.add_argument("--port", type=int, default=0, help="port to listen on (a free one)")
    serve.add_argument("--api-key", help="key that callers must show (one is made and printed)")
    serve.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="least time a job takes")
    serve.add_argument("--folder", type=Path, default=Path("decart_runs/local"), help="where jobs are kept")
    serve.add_argument("--canned", type=Path, metavar="FILE", help="answer with this video in place of rendering")
    serve.add_argument("--durations", metavar="KIND:NUMBERS", help=f"how long a canned job takes: {usage()}")
    serve.add_argument("--seed", type=int, help="seed of those durations")
    serve.add_argument(
        "--faults",
        metavar="FAULT:RATE,...",
        help=f"what goes wrong, each at a rate from 0 to 1, with seed:NUMBER for other chances: {', '.join(HITS)}",
    )
    serve.set_defaults(run=_serve)
    return parser


def _demo(options: argparse.Namespace) -> None:
    from .session import connect

    connect("local").generate("lucy-pro-t2v", prompt=options.prompt)


def _jobs(options: argparse.Namespace) -> None:
    from .store import Store
    from .table import frame

    if not (options.store / "store.sqlite3").is_file():
        raise StoreError(f"There is no store in {options.store}/; --store names another folder.")
    table = frame(Store(options.store).find(), options.store)
    columns = ["job_id", "model", "status", "submitted_at", "seconds", "cost", "path", "error"]
    print("No jobs yet." if table.empty else table[columns].to_string(index=False, na_rep=""))  # noqa: T201


def _serve(options: argparse.Namespace) -> None:
    from .errors import LocalQueueError
    from .local.embedded import LocalQueue

    if options.canned is not None and not options.canned.is_file():
        raise LocalQueueError(f"There is no file {options.canned} to answer with.")
    if options.canned is not None:
        from . import media

        media.probe(options.canned)
    if not 0 <= options.delay < math.inf:
        raise LocalQueueError(f"--delay must be 0 seconds or more, not {options.delay:g}.")
    draw = durations(options.durations, random.Random(options.seed)) if options.durations else None
    if draw is not None and options.canned is None:
        raise LocalQueueError("--durations goes with --canned FILE; a rendered job takes --delay SECONDS at least.")
    queue = LocalQueue(
        options.folder,
        host=options.host,
        port=options.port,
        api_key=options.api_key,
        delay=options.delay,
        canned=options.canned,
        draw=draw,
        faults=None if options.faults is None else Faults.parse(options.faults),
    )
    made = "" if options.api_key else f"API key: {queue.api_key}\n"
    print(f"The local queue listens on {queue.base_url}; Ctrl+C stops it.\n{made}", end="", flush=True)  # noqa: T201 - what the shell is to know
    queue.run()
