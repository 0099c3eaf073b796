"""The servers of CAVE that one Karst reads: their names, addresses and tokens, from the environment."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from services.core.addresses import is_name, is_private_way, origin

DEMO = "http://127.0.0.1:9100"
MAIN = "main"
"""What the server of CAVE_SERVER_ADDRESS is called where KARST_SERVERS has others."""


@dataclass(frozen=True)
class Server:
    """A server of CAVE with the token that goes to it, and to no other; `allowed_hosts` are the only hosts beside its
    own that the token may go to, () for all that its listed datastacks name. `name` is "" where it is the only one."""

    name: str
    address: str
    token: str = field(default="", repr=False)
    allowed_hosts: tuple[str, ...] = ()


def read_servers(environ: Mapping[str, str]) -> tuple[Server, ...]:
    """The servers of an environment whose variables all have a value, the main one first: that of CAVE_SERVER_ADDRESS
    alone, or with those of KARST_SERVERS, or the latter alone (`name=address`, by commas or spaces).

    The token of the server `name` is that of CAVE_TOKEN_NAME or, in a file, CAVE_TOKEN_NAME_FILE; in NAME, letters are
    capital and all but letters and digits is `_`. KARST_ALLOWED_HOSTS_NAME stands before KARST_ALLOWED_HOSTS.
    Raises ValueError, naming the variable.
    """
    named = _named(environ.get("KARST_SERVERS", ""))
    if not named:
        return (_server(environ, "", "CAVE_SERVER_ADDRESS", environ.get("CAVE_SERVER_ADDRESS", DEMO), ""),)
    main = {"": environ["CAVE_SERVER_ADDRESS"]} if "CAVE_SERVER_ADDRESS" in environ else {}
    suffixes = {name: _suffix(name) for name in named} | dict.fromkeys(main, "")
    variables = [f"CAVE_TOKEN{suffix}{end}" for suffix in suffixes.values() for end in ("", "_FILE")]
    if twice := [name for name, count in Counter(variables).items() if count > 1]:
        raise ValueError(f"two servers of KARST_SERVERS would have their token in {twice[0]}; name one otherwise")
    if unread := [name for name in environ if name.startswith("CAVE_TOKEN") and name not in variables]:
        raise ValueError(f"{min(unread)} is of no server; those of KARST_SERVERS are {', '.join(named)}")
    servers = tuple(
        _server(environ, name or MAIN, "KARST_SERVERS" if name else "CAVE_SERVER_ADDRESS", address, suffixes[name])
        for name, address in (main | named).items()
    )
    distinct = {"name": [server.name for server in servers], "address": [origin(server.address) for server in servers]}
    for noun, values in distinct.items():
        if repeated := [value for value, count in Counter(values).items() if count > 1]:
            raise ValueError(f"two servers of KARST_SERVERS have the {noun} {repeated[0]}")
    return servers


def _named(text: str) -> dict[str, str]:
    parts = [part.partition("=") for part in re.split(r"[,\s]+", text) if part]
    if wrong := [name for name, equals, _ in parts if not equals or not is_name(name)]:
        raise ValueError(f"KARST_SERVERS has {wrong[0]!r}; it must be a list of name=address")
    if repeated := [name for name, count in Counter(name for name, _, _ in parts).items() if count > 1]:
        raise ValueError(f"two servers of KARST_SERVERS have the name {repeated[0]}")
    return {name: address for name, _, address in parts}


def _suffix(name: str) -> str:
    return "_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def _server(environ: Mapping[str, str], name: str, variable: str, address: str, suffix: str) -> Server:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not origin(address):
        raise ValueError(f"{variable} has {address!r}; it must be an http or https address")
    token = _token(environ, f"CAVE_TOKEN{suffix}")
    if token and not is_private_way(address):
        raise ValueError(f"{variable} has a plain http address, over which no CAVE_TOKEN{suffix} may go; use https")
    hosts = environ.get(f"KARST_ALLOWED_HOSTS{suffix}", environ.get("KARST_ALLOWED_HOSTS", ""))
    return Server(name, address.rstrip("/"), token, tuple(hosts.casefold().replace(",", " ").split()))


def _token(environ: Mapping[str, str], variable: str) -> str:
    """The token itself, or that of a file: CAVE's own `{"token": "..."}` or bare text."""
    file = f"{variable}_FILE"
    if file not in environ or variable in environ:
        return environ.get(variable, "")
    try:
        text = Path(environ[file]).expanduser().read_text().strip()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    if not text.startswith("{"):
        return text
    try:
        token = json.loads(text).get("token")
    except ValueError:
        token = None
    if not isinstance(token, str):
        raise ValueError(f"{file} holds no token")
    return token
