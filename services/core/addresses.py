"""Names and addresses that come from outside: what may stand in a path, and where a token may go."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
"""Names of datastacks, tables and views in CAVE: one part of a path, which quoting would leave as it is."""
PORTS = {"http": 80, "https": 443}


def is_name(text: str) -> bool:
    """Whether `text` may be the name of a datastack, table or view."""
    return NAME.fullmatch(text) is not None


def bare(datastack: str) -> str:
    """The name of a datastack without that of its server, `server:datastack` as `datastack`."""
    return datastack.rpartition(":")[2]


def origin(address: str) -> str:
    """Scheme, host and port of an http or https address, such as https://cave.org:443; "" for anything else."""
    try:
        parts = urlsplit(address)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        return ""
    if not parts.hostname or parts.username is not None:
        return ""
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{name}:{port}"


def host(address: str) -> str:
    """The host of an address, in small letters; "" when it has none."""
    return urlsplit(origin(address)).hostname or ""


def is_private_way(address: str) -> bool:
    """Whether nobody in between can read what goes to an address: https, or this machine itself."""
    if origin(address).startswith("https://"):
        return True
    try:
        return ipaddress.ip_address(host(address)).is_loopback
    except ValueError:
        return host(address) == "localhost"
