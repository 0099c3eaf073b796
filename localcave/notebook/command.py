"""The command ``python -m localcave notebook``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from localcave.addresses import server_address
from localcave.errors import InputError
from localcave.folder.writer import MANIFEST
from localcave.notebook.rewriting import rewritten


def add_command(commands: Any, folder: Path) -> None:
    """Add `notebook` to the commands of a parser; `folder` is where examples are from unless it is said."""
    command = commands.add_parser(
        "notebook",
        help="make a public notebook run here",
        description="Write a MICrONS notebook with server, datastack, token, versions and example ids replaced by "
        "those of a folder that is served.",
    )
    command.add_argument("notebook", metavar="FILE.ipynb", type=Path)
    command.add_argument("-o", "--output", metavar="FILE", type=Path, help="default: the notebook is printed")
    command.add_argument(
        "--folder", metavar="DIR", type=Path, default=folder, help="folder of the datastack (default: %(default)s)"
    )
    command.add_argument(
        "--server", metavar="URL", default="http://127.0.0.1:9100", help="where it is served (default: %(default)s)"
    )
    command.add_argument("--datastack", metavar="NAME", help="its name there (default: that of the folder)")
    command.add_argument("--token", default="any", help="default: %(default)s")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the notebook. Raises InputError for no notebook, no address, and a folder without examples."""
    from localcave.notebook.examples import Examples  # noqa: PLC0415  only this command pays for it

    server = server_address(args.server)
    try:
        content = json.loads(args.notebook.read_text(encoding="utf-8-sig"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{args.notebook} is no notebook: it is not JSON")
    if not (args.folder / MANIFEST).is_file():
        raise InputError(f"{args.folder} is not a finished datastack folder: it has no {MANIFEST}")
    examples = Examples.of(args.folder)
    created = rewritten(
        content,
        examples,
        server=server,
        datastack=args.datastack or examples.datastack,
        token=args.token,
    )
    text = json.dumps(created, indent=1, ensure_ascii=False)
    if args.output is None:
        print(text)
    else:
        args.output.write_text(text + "\n", encoding="utf-8")
