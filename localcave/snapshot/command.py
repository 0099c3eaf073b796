"""The command ``python -m localcave snapshot``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from localcave.addresses import server_address
from localcave.errors import InputError


def add_command(commands: Any, positive: Callable[[str], int], program: str) -> None:
    """Add `snapshot` to the commands of a parser; `positive` reads a number, `program` is what a person types."""
    command = commands.add_parser(
        "snapshot",
        help="bake a real datastack into a folder",
        description="Bake one version or several of a datastack of a CAVE server into a folder that localcave serves. "
        "How much it is, and about how long it takes, is said first. What was brought before an interruption is kept: "
        "run the same command again.",
        epilog="The token is read from CAVE_TOKEN, or from --token-file, or where caveclient keeps it.",
    )
    command.add_argument("datastack", metavar="DATASTACK", help="e.g. minnie65_public")
    command.add_argument(
        "--version", type=positive, required=True, nargs="+", metavar="N", help="materialization versions"
    )
    command.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="folder of the snapshot")
    command.add_argument(
        "--tables",
        nargs="+",
        default=(),
        metavar="TABLE",
        help="tables and views to bake; those that they refer to and the table of somata come along "
        "(default: all of at most --largest-table rows)",
    )
    command.add_argument(
        "--largest-table", type=positive, default=1_000_000, metavar="ROWS", help="default: %(default)s"
    )
    command.add_argument(
        "--where",
        nargs="+",
        default=(),
        metavar="TABLE.COLUMN=VALUE,VALUE",
        help="bake only such rows of a table or view, and the synapses of its cells",
    )
    command.add_argument(
        "--synapses-of",
        default="",
        metavar="CELLS",
        help="cells whose input and output synapses are baked: proofread, a table, root ids with commas, "
        "a file of root ids, or all (default: those of the first table of cells in --where, else none)",
    )
    command.add_argument("--skeletons", action="store_true", help="bake the skeletons of the same cells")
    command.add_argument(
        "--server",
        default=os.environ.get("CAVE_SERVER_ADDRESS", "https://global.daf-apis.com"),
        metavar="URL",
        help="default: CAVE_SERVER_ADDRESS, else %(default)s",
    )
    command.add_argument("--token-file", type=Path, metavar="FILE", help="file that holds nothing but the token")
    command.add_argument(
        "--jobs", type=positive, default=4, metavar="N", help="requests at a time (default: %(default)s)"
    )
    command.add_argument(
        "--rows-per-request",
        type=positive,
        default=100_000,
        metavar="N",
        help="most rows of one request (default: %(default)s)",
    )
    command.add_argument(
        "--only-estimate", action="store_true", help="say how much it is and about how long it takes, and stop"
    )
    command.set_defaults(run=partial(run, program=program))


def run(args: argparse.Namespace, program: str) -> None:
    """Take the snapshot, or only say how large it would be. Raises InputError for what cannot be had."""
    from tqdm import tqdm  # noqa: PLC0415

    from localcave.snapshot.run import Condition, Request  # noqa: PLC0415
    from localcave.snapshot.taking import Snapshot  # noqa: PLC0415  only this command pays for them

    request = Request(
        datastack=args.datastack,
        versions=tuple(args.version),
        server=server_address(args.server),
        token=_token(args.token_file),
        tables=tuple(args.tables),
        where=tuple(map(Condition.of, args.where)),
        synapses_of=args.synapses_of,
        skeletons=args.skeletons,
        largest_table=args.largest_table,
        workers=args.jobs,
        rows_per_request=args.rows_per_request,
    )
    logging.getLogger().setLevel(logging.ERROR)  # caveclient tells each request, and owners' notices
    with tqdm(unit=" rows", unit_scale=True, total=0, disable=None) as bar:

        def progress(brought: int, more: int) -> None:
            bar.total = (bar.total or 0) + more
            bar.update(brought)

        snapshot = Snapshot.prepare(request, args.output, progress)
        bar.write(str(snapshot.estimate()), file=sys.stderr)
        if args.only_estimate:
            return
        report = snapshot.take()
    for note in report.notes:
        print(f"note: {note}", file=sys.stderr)
    for version, tables in report.rows.items():
        print(f"version {version}")
        for table, rows in tables.items():
            print(f"{rows:>12,}  {table}")
    if report.skeletons:
        print(f"{report.skeletons:>12,}  skeletons")
    print(f"Snapshot of {args.datastack} in {args.output}. Serve it with: {program} serve {args.output}")


def _token(path: Path | None) -> str | None:
    if path is None:
        return os.environ.get("CAVE_TOKEN") or None
    try:
        return path.read_text().strip()
    except OSError as error:
        raise InputError(f"cannot read the token file {path}: {error.strerror}") from None
