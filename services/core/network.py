"""Where this machine is found by others in the same network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import MutableMapping

ELSEWHERE = ("192.0.2.1", 9)
"""An address reserved for documentation (RFC 5737): a way to it is looked for, and nothing is sent."""

LOOPBACK = "localhost,127.0.0.0/8,::1"


def spare_loopback(environ: MutableMapping[str, str]) -> None:
    """Have no HTTP client of this process ask this machine through a proxy, which reads what goes by plain http and
    whose own machine is another."""
    direct = environ.get("no_proxy") or environ.get("NO_PROXY", "")
    if direct.strip() != "*":
        environ["no_proxy"] = f"{direct},{LOOPBACK}".strip(",")


def network_host() -> str:
    """The IP address of this machine in the network that it is in now; "" when it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
        except OSError:
            return ""
        match: str = probe.getsockname()[0]
    return "" if ipaddress.ip_address(match).is_loopback else match


def join_address(requested: str, scheme: str = "http") -> str:
    """The address that others type to reach an application that was itself asked by `requested` (host, host:port).

    It is the same, unless only this machine can reach it by that: then its port at :func:`network_host`. "" when this
    machine is in no network.
    """
    name, colon, port = requested.rpartition(":") if not requested.endswith("]") else (requested, "", "")
    if not colon or not port.isdigit():
        name, colon, port = requested, "", ""
    host = network_host() if is_only_here(name) else name
    return f"{scheme}://{host}{colon}{port}" if host else ""


def is_only_here(host: str) -> bool:
    """Whether a host name or address leads to the machine that asks itself (127.x.x.x, ::1, localhost, 0.0.0.0)."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified
