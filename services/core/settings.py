"""What the operator decides, read once from the environment."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from services.core.addresses import is_private_way
from services.core.identity import Identity
from services.core.servers import DEMO, Server, read_servers

ROOT = Path(__file__).resolve().parents[2]
Auth = Literal["service", "person", "none"]
"""Whose token CAVE is asked with: one for all, each person's own, or none."""


@dataclass(frozen=True)
class Settings:
    """Every setting, with the demo as default.

    `cache` is a folder (of at most `cache_bytes`), `redis://...`, or empty for memory only. The token stays in here: it
    is in no page, URL, log or cache key. `server_address`, `token` and `allowed_hosts` are of one server, the first of
    `servers`; see :meth:`at` for another.
    """

    server_address: str = DEMO
    token: str = field(default="", repr=False)
    auth: Auth = "service"
    front_cookie: bool = False
    datastack: str = "karst_demo"
    config_dir: Path = ROOT / "config"
    cache: str = str(ROOT / ".data" / "cache")
    secret_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    connect_timeout_s: float = 5.0
    timeout_s: float = 60.0
    memory_bytes: int = 512 * 2**20
    cache_bytes: int = 4096 * 2**20
    max_table_rows: int = 500_000
    allowed_hosts: tuple[str, ...] = ()
    same_host: bool = False
    host: str = "127.0.0.1"
    max_waiting: int = 48
    requests_per_minute: int = 6000
    proxies: int = 0
    reads_jobs: bool = True
    servers: tuple[Server, ...] = ()

    @property
    def identity(self) -> str:
        """A name for whoever the token belongs to, from which the token cannot be found."""
        if self.auth == "person":
            return Identity(self.token).digest(self.secret_key) if self.token else "nobody"
        return hashlib.sha256(self.token.encode()).hexdigest()[:12] if self.token else "anonymous"

    @property
    def all_servers(self) -> tuple[Server, ...]:
        """`servers`, or the only one, which has no name."""
        return self.servers or (Server("", self.server_address),)

    def at(self, server: Server) -> Settings:
        """These settings for one of `servers`."""
        return replace(self, server_address=server.address, token=server.token, allowed_hosts=server.allowed_hosts)

    @property
    def server(self) -> str:
        """The name of the server at `server_address`; "" where it is the only one."""
        return next((server.name for server in self.servers if server.address == self.server_address), "")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Settings of an environment: `CAVE_SERVER_ADDRESS`, `CAVE_TOKEN` or `CAVE_TOKEN_FILE`, `KARST_SERVERS` with a
        token each (see :func:`read_servers`), `KARST_AUTH` (`service`: everybody reads CAVE with these tokens;
        `person`: each with their own; `none`: without one),
        `KARST_FRONT_COOKIE` (1: what stands before Karst keeps that token in the cookie `middle_auth_token`),
        `KARST_DATASTACK`, `KARST_CONFIG`, `KARST_CACHE`,
        `KARST_SECRET_KEY`, `KARST_TIMEOUT_S` (seconds that CAVE may take for one answer), `KARST_MEMORY_MB` (answers
        and what is derived from them, held in each process), `KARST_CACHE_MB` (answers kept in the folder),
        `KARST_MAX_TABLE_ROWS` (a larger table is not held but paged through CAVE), `KARST_ALLOWED_HOSTS` (by commas,
        the only hosts beside CAVE_SERVER_ADDRESS that the token may go to; all that listed datastacks name if unset),
        `KARST_SAME_HOST` (1: whoever reaches this application by some host reaches CAVE_SERVER_ADDRESS by it too, at
        that port, and gets links that lead there), `HOST`, where the application listens, `KARST_MAX_WAITING`
        (requests of each process that may wait for CAVE at once; more are refused), `KARST_REQUESTS_PER_MINUTE` (of
        one client; 0: any number), `KARST_PROXIES` (proxies before the application, each of which adds the address
        that it was asked from to `X-Forwarded-For`) and `KARST_WORKERS` (`here`: long readings are read by the
        processes that serve pages; `elsewhere`: by `python app.py --work` on the same cache).

        An empty variable counts as unset. Raises ValueError, naming the variable, when one makes no sense.
        """
        values = {name: value.strip() for name, value in environ.items() if value.strip()}
        default = cls()
        servers, auth = read_servers(values), _auth(values, default.auth)
        if auth != "service" and any(server.token for server in servers):
            raise ValueError(f"KARST_AUTH is {auth}, so there must be no CAVE_TOKEN and no CAVE_TOKEN_FILE")
        if auth == "person" and (exposed := [server for server in servers if not is_private_way(server.address)]):
            raise ValueError(f"{exposed[0].address} is a plain http address, over which no token may go; use https")
        workers = values.get("KARST_WORKERS", "here")
        if workers not in ("here", "elsewhere"):
            raise ValueError(f"KARST_WORKERS is {workers!r}; it must be here or elsewhere")
        return cls(
            auth=auth,
            front_cookie=values.get("KARST_FRONT_COOKIE", "0") != "0",
            server_address=servers[0].address,
            token=servers[0].token,
            allowed_hosts=servers[0].allowed_hosts,
            servers=servers if len(servers) > 1 or servers[0].name else (),
            datastack=values.get("KARST_DATASTACK", default.datastack),
            config_dir=Path(values.get("KARST_CONFIG", default.config_dir)),
            cache=values.get("KARST_CACHE", default.cache),
            secret_key=values.get("KARST_SECRET_KEY", default.secret_key),
            timeout_s=_positive(values, "KARST_TIMEOUT_S", default.timeout_s),
            memory_bytes=int(_positive(values, "KARST_MEMORY_MB", default.memory_bytes / 2**20) * 2**20),
            cache_bytes=int(_positive(values, "KARST_CACHE_MB", default.cache_bytes / 2**20) * 2**20),
            max_table_rows=int(_positive(values, "KARST_MAX_TABLE_ROWS", default.max_table_rows)),
            same_host=values.get("KARST_SAME_HOST", "0") != "0",
            host=values.get("HOST", default.host),
            max_waiting=int(_positive(values, "KARST_MAX_WAITING", default.max_waiting)),
            requests_per_minute=_count(values, "KARST_REQUESTS_PER_MINUTE", default.requests_per_minute),
            proxies=_count(values, "KARST_PROXIES", default.proxies),
            reads_jobs=workers == "here",
        )


def _auth(values: Mapping[str, str], default: Auth) -> Auth:
    text = values.get("KARST_AUTH", default)
    for auth in get_args(Auth):
        if text == auth:
            return auth
    raise ValueError(f"KARST_AUTH is {text!r}; it must be service, person or none")


def _positive(values: Mapping[str, str], name: str, default: float) -> float:
    text = values.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} is {text!r}; it must be a number above 0")
    return value


def _count(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} is {text!r}; it must be a whole number, 0 or above")
    return int(text)
