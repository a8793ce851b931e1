"""The command line program ``decart-nb``."""

from __future__ import annotations

import argparse
import math
import os
import random
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._util import console
from .._util.console import say, stderr
from .._util.interface_names import shell_names
from .._version import __version__
from ..client.polling import Polling
from ..errors import DecartSDKError
from ..local.durations import durations, usage
from ..local.faults import HITS, Faults
from . import jobs, make, mirror, models, sweep
from .argument_parser import ArgumentParser

#: The environment variable for the key that clients of ``serve`` must send.
_SERVE_KEY = "DECART_LOCAL_API_KEY"


def main(arguments: Sequence[str] | None = None, *, polling: Polling | None = None) -> int:
    """Runs a command and returns its exit status.

    Args:
        arguments: those of the command line unless given.
        polling: how often jobs are polled; by default, what is assumed of the backend.
    """
    console.stdout.error = console.stderr.error = None
    try:
        status = _run(parser().parse_args(arguments, argparse.Namespace(polling=polling)))
    except SystemExit as ended:  # argparse has printed its message
        status = int(ended.code or 0)
    return console.exit_status(status)


def _run(options: argparse.Namespace) -> int:
    try:
        with warnings.catch_warnings(), shell_names():
            warnings.showwarning = _warn
            status: int | None = options.run(options)
    except DecartSDKError as error:
        say(f"decart-nb: {error}", stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        if str(interrupt):  # how to attach to the job again
            say(str(interrupt), stderr)
        return 130
    return status or 0


def _warn(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    say(f"decart-nb: {message}", stderr)  # without a line of code, which is not the user's


def parser() -> argparse.ArgumentParser:
    """The parser of the program's arguments; ``run`` of what it returns carries out the command."""
    program = ArgumentParser(prog="decart-nb", description="Decart's video queue, made at home.")
    program.add_argument("--version", action="version", version=f"decart_nb {__version__}")
    program.epilog = 'A first video, without a key: decart-nb make lucy-2.5 --prompt "An oil painting" --sample --local'
    program.set_defaults(run=lambda _: program.print_help())
    commands = program.add_subparsers(metavar="COMMAND")

    demo = commands.add_parser("demo", help="make one preview on the embedded queue and print its path")
    demo.add_argument("prompt", nargs="?", default="Northern lights over a forest")
    demo.set_defaults(run=_demo)

    for command in (make, models, jobs, sweep, mirror):
        command.add_to(commands)

    serve = commands.add_parser("serve", help="run the local queue, which speaks Decart's protocol")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s: this machine only)")
    serve.add_argument("--port", type=int, default=0, help="port to listen on (a free one)")
    serve.add_argument(
        "--api-key",
        metavar="KEY",
        help="key that callers must show; every program on this machine can read it here, so put it into "
        f"{_SERVE_KEY} in the environment instead (without either one is made and printed)",
    )
    serve.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="least time a job takes")
    serve.add_argument(
        "--job-limit", type=float, metavar="SECONDS", help="longest time a render may take; then its job fails (300)"
    )
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
    return program


def _demo(options: argparse.Namespace) -> None:
    from ..session.functions import connect

    connect("local").generate("lucy-pro-t2v", prompt=options.prompt)


def _serve(options: argparse.Namespace) -> None:
    from ..errors import LocalQueueError
    from ..local.queue import LocalQueue

    if options.canned is not None and not options.canned.is_file():
        raise LocalQueueError(f"There is no file {options.canned} to answer with.")
    if options.canned is not None:
        from .. import media

        media.probe(options.canned)
    if not 0 <= options.delay < math.inf:
        raise LocalQueueError(f"--delay must be 0 seconds or more, not {options.delay:g}.")
    if options.job_limit is not None and not 0 < options.job_limit < math.inf:
        raise LocalQueueError(f"--job-limit must be more than 0 seconds, not {options.job_limit:g}.")
    draw = durations(options.durations, random.Random(options.seed)) if options.durations else None
    if draw is not None and options.canned is None:
        raise LocalQueueError("--durations goes with --canned FILE; a rendered job takes --delay SECONDS at least.")
    api_key = options.api_key or os.environ.get(_SERVE_KEY) or None
    queue = LocalQueue(
        options.folder,
        host=options.host,
        port=options.port,
        api_key=api_key,
        delay=options.delay,
        canned=options.canned,
        draw_duration=draw,
        faults=None if options.faults is None else Faults.parse(options.faults),
        render_timeout=options.job_limit,
    )
    made = [] if options.api_key else [f"API key: {queue.api_key}"]
    told = say("\n".join([f"The local queue listens on {queue.base_url}; Ctrl+C stops it.", *made]))
    if made and not told:
        raise LocalQueueError("The key that was made up could not be printed. Give one with --api-key.")
    queue.run()
