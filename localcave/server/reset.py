"""The command ``python -m localcave reset``."""

from __future__ import annotations

import argparse
import socket
import urllib.error
import urllib.request
from typing import Any

from localcave.errors import InputError

WAIT_SECONDS = 10


def add_command(commands: Any) -> None:
    """Add `reset` to the commands of a parser."""
    command = commands.add_parser(
        "reset",
        help="bring a running server back to its folders",
        description="Make a localcave that runs on this machine forget the states, segment properties and tables of "
        "annotations that were saved since it started. Those that came with its folders stay.",
    )
    command.add_argument(
        "--host", default="127.0.0.1", help="the address of this machine that it listens on (default: %(default)s)"
    )
    command.add_argument("--port", type=int, default=9100, help="where it listens (default: %(default)s)")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Reset the server. Raises InputError when none answers."""
    try:
        host = socket.gethostbyname("127.0.0.1" if args.host == "0.0.0.0" else args.host)  # noqa: S104 - compared
        url = f"http://{host}:{args.port}/reset"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=WAIT_SECONDS):
            print(f"The localcave on port {args.port} is as it was at its start.")
    except urllib.error.HTTPError as error:
        raise InputError(f"what listens on port {args.port} cannot be reset: it answers {error.code}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"no localcave answers at {args.host}, port {args.port}") from error
