"""The command line: ``localcave demo|import|snapshot|serve|info|notebook|reset``.

What a person got wrong is one sentence on stderr and exit status 2.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import shutil
import socket
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from localcave.errors import InputError
from localcave.folder.writer import FORMAT, MANIFEST, read_manifest
from localcave.notebook.command import add_command
from localcave.server import reset
from localcave.snapshot import command as snapshot

DEMO_FOLDER = Path(".data/karst_demo")
SIBLING_FOLDERS = {"flywire": Path(".data/karst_fly"), "v1dd": Path(".data/karst_v1dd")}
DEMO_MARK = "demo.json"
"""Beside the manifest: from what the demo was made, so that it is made again when that changes."""

ANY_TOKEN = Path("")

PROGRAM = "localcave" if Path(sys.argv[0]).name == "localcave" else "python -m localcave"
"""What a person types: the command where the package is installed, the module in a checkout."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("numexpr").setLevel(logging.WARNING)  # it tells its threads to whoever imports it
    try:
        status: int = args.run(args) or 0
    except InputError as error:
        print(f"localcave: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # the reader of our output is gone; keep the interpreter from complaining when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"localcave: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("localcave: stopped", file=sys.stderr)
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="CAVE in a box: make a datastack folder, and serve it to any caveclient.",
        epilog=f"Each command explains itself: {PROGRAM} COMMAND --help",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_import(commands)
    snapshot.add_command(commands, _positive, PROGRAM)
    _add_serve(commands)
    _add_info(commands)
    add_command(commands, DEMO_FOLDER)
    reset.add_command(commands)
    return parser


def _add_demo(commands: Any) -> None:
    command = commands.add_parser(
        "demo",
        help="make the synthetic demo cortex",
        description="Make the datastack karst_demo, a synthetic cortex that looks like minnie65_public, or with --like "
        "a small sibling of it. Nothing is done when the folder already holds the same one.",
    )
    command.add_argument(
        "folder", metavar="DIR", nargs="?", type=Path, help=f"default: {DEMO_FOLDER}, or that of the sibling beside it"
    )
    command.add_argument(
        "--like", choices=sorted(SIBLING_FOLDERS), help="a small datastack in the shape of another public one"
    )
    command.add_argument("--small", action="store_true", help="a small one, made in seconds")
    command.add_argument(
        "--seed", type=_natural, default=1, metavar="N", help="another cortex for every seed (default: %(default)s)"
    )
    command.set_defaults(run=_demo)


def _add_import(commands: Any) -> None:
    command = commands.add_parser(
        "import",
        help="make a datastack from your own CSV, Parquet or Feather files",
        description="Make a datastack from the files that a small TOML describes: which file is which table, "
        "which column is which, and in which units. docs/import.md explains every key; examples/ has one.",
    )
    command.add_argument("config", metavar="CONFIG.toml", type=Path, help="what to import")
    command.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="folder of the datastack")
    command.add_argument(
        "--data", metavar="DIR", type=Path, help="folder of the files, instead of the one named in the TOML"
    )
    command.set_defaults(run=_import)


def _add_serve(commands: Any) -> None:
    command = commands.add_parser(
        "serve",
        help="answer caveclient from one or several datastack folders",
        description="Answer caveclient: CAVEclient(datastack, server_address='http://HOST:PORT', auth_token='any').",
    )
    command.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="folder of a datastack")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    command.add_argument("--port", type=_port, default=9100, help="default: %(default)s")
    command.add_argument(
        "--delay-ms",
        type=_natural,
        default=0,
        metavar="MS",
        help="wait so long before every answer, as a far server does",
    )
    command.add_argument(
        "--row-limit",
        type=_positive,
        default=200_000,
        metavar="N",
        help="most rows of one answer (default: %(default)s)",
    )
    command.add_argument(
        "--alias",
        metavar="NAME",
        action="append",
        default=[],
        help="answer for the first folder's datastack under this name too, e.g. minnie65_public",
    )
    command.add_argument(
        "--require-token",
        metavar="USERS.json",
        nargs="?",
        type=Path,
        const=ANY_TOKEN,
        help="answer only with a token: those of this file, or any",
    )
    command.add_argument(
        "--read-only", action="store_true", help="make no tables of annotations; states can be saved all the same"
    )
    command.set_defaults(run=_serve)


def _add_info(commands: Any) -> None:
    command = commands.add_parser(
        "info",
        help="describe a datastack folder",
        description="Describe a datastack folder: its versions, tables and views with row counts, sizes and the digest "
        "of its manifest.",
    )
    command.add_argument("folder", metavar="DIR", type=Path)
    command.add_argument("--json", action="store_true", help="for programs")
    command.add_argument(
        "--check", action="store_true", help="compare the files of a snapshot with the digests of its manifest"
    )
    command.set_defaults(run=_info)


def _demo(args: argparse.Namespace) -> None:
    folder: Path = args.folder or SIBLING_FOLDERS.get(args.like, DEMO_FOLDER)
    name = f"sibling of {args.like}" if args.like else f"{'small' if args.small else 'full'} demo cortex"
    sources = [
        Path(__file__).with_name(part) for part in ("folder", *(("siblings", "importer") if args.like else ("cortex",)))
    ]
    mark = {"format": FORMAT, "name": name, "seed": args.seed, "source": _digest_of_sources(*sources)}
    mark_path = folder / DEMO_MARK
    if (folder / MANIFEST).exists() and mark_path.exists() and json.loads(mark_path.read_text()) == mark:
        print(f"{folder} already holds the {name} of seed {args.seed}.")
        return
    if folder.exists() and any(folder.iterdir()) and not (mark_path.exists() or (folder / MANIFEST).exists()):
        raise InputError(f"{folder} holds other files; name an empty or a new folder")
    shutil.rmtree(folder, ignore_errors=True)
    print(f"Making the {name} in {folder}", flush=True)
    if args.like:
        from localcave import siblings  # noqa: PLC0415  only this command pays for it

        siblings.make(args.like, folder, args.seed)
    else:
        folder.mkdir(parents=True)
        mark_path.write_text(json.dumps(mark))
        _make_cortex(folder, args)
    mark_path.write_text(json.dumps(mark))


def _make_cortex(folder: Path, args: argparse.Namespace) -> None:
    from tqdm import tqdm  # noqa: PLC0415

    from localcave import cortex  # noqa: PLC0415  only this command pays for it

    size: Literal["small", "full"] = "small" if args.small else "full"
    with tqdm(unit=" steps", bar_format="{percentage:3.0f}% {bar} {elapsed} {desc}") as bar:

        def progress(label: str, done: int, total: int) -> None:
            bar.total = total
            bar.set_description_str(label, refresh=False)
            bar.update(done - bar.n)

        cortex.make(folder, size=size, seed=args.seed, progress=progress)


def _import(args: argparse.Namespace) -> None:
    from localcave.importer.importing import import_datastack  # noqa: PLC0415

    report = import_datastack(args.config, args.output, data=args.data)
    for warning in report.warnings:
        print(f"note: {warning}", file=sys.stderr)
    for table, rows in report.rows.items():
        print(f"{rows:>12,}  {table}")
    print(f"Imported {report.datastack} into {args.output}. Serve it with: {PROGRAM} serve {args.output}")


def _serve(args: argparse.Namespace) -> None:
    from localcave.server.app import serve  # noqa: PLC0415

    _check_names([str(_manifest(folder)["datastack"]) for folder in args.folders], args.alias)
    users = None if args.require_token == ANY_TOKEN else args.require_token
    if users and not users.is_file():
        raise InputError(f"there is no file of users at {users}; name one that there is")
    _check_free(args.host, args.port)
    serve(
        args.folders,
        host=args.host,
        port=args.port,
        delay_ms=args.delay_ms,
        row_limit=args.row_limit,
        require_token=args.require_token is not None,
        users=users,
        aliases=args.alias,
        read_only=args.read_only,
    )


def _info(args: argparse.Namespace) -> None:
    from localcave.folder.summary import damage, describe, render  # noqa: PLC0415

    _manifest(args.folder)
    description = describe(args.folder)
    print(json.dumps(description, indent=1) if args.json else render(description))
    if args.check and (problems := damage(args.folder)):
        raise InputError("; ".join(problems))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return read_manifest(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{folder} is not a finished datastack folder: it has no {MANIFEST}; make it again, or name another"
        ) from None
    except json.JSONDecodeError:
        raise InputError(f"{folder / MANIFEST} is not JSON; make the folder again") from None
    except ValueError as error:
        raise InputError(str(error)) from None


def _check_names(datastacks: Sequence[str], aliases: Sequence[str]) -> None:
    """One name, one datastack: another would be answered for in its stead."""
    from localcave.server.names import NAME  # noqa: PLC0415  only this command pays for it

    for alias in aliases:
        if not NAME.fullmatch(alias):
            raise InputError(f"{alias!r} cannot be a name of a datastack; use letters, digits and underscores")
    for name, often in Counter([*datastacks, *aliases]).items():
        if often > 1:
            raise InputError(f"{name} would be the name of {often} datastacks; serve one of them elsewhere")


def _check_free(host: str, port: int) -> None:
    """Say it before the server starts workers that can only die."""
    try:
        with socket.create_server((host, port), reuse_port=False):
            pass
    except OSError as error:
        raise InputError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None


def _digest_of_sources(*folders: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for kind in ("*.py", "*.toml") for path in folder.rglob(kind)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _natural(text: str) -> int:
    return _whole_number(text, least=0)


def _positive(text: str) -> int:
    return _whole_number(text, least=1)


def _port(text: str) -> int:
    number = _whole_number(text, least=1)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 1 to 65535")
    return number


def _whole_number(text: str, *, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return number


if __name__ == "__main__":
    sys.exit(main())
