"""What the operator decides, read once from the environment."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from services.core.addresses import is_private_way

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """Every setting, with the demo as default.

    `cache` is a folder (of at most `cache_bytes`), `redis://...`, or empty for memory only. The token stays in here: it
    is in no page, URL, log or cache key.
    """

    server_address: str = "http://127.0.0.1:9100"
    token: str = field(default="", repr=False)
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

    @property
    def identity(self) -> str:
        """A name for whoever the token belongs to, from which the token cannot be found."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:12] if self.token else "anonymous"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Settings of an environment: `CAVE_SERVER_ADDRESS`, `CAVE_TOKEN` or `CAVE_TOKEN_FILE`,
        `KARST_DATASTACK`, `KARST_CONFIG`, `KARST_CACHE`, `KARST_SECRET_KEY`, `KARST_TIMEOUT_S` (seconds that
        CAVE may take for one answer), `KARST_MEMORY_MB` (answers and what is derived from them, held in each process),
        `KARST_CACHE_MB` (answers kept in the folder), `KARST_MAX_TABLE_ROWS` (a larger table is not held but paged
        through CAVE), `KARST_ALLOWED_HOSTS` (by commas, the only hosts beside CAVE_SERVER_ADDRESS that the token may go
        to; all that listed datastacks name if unset), `KARST_SAME_HOST` (1: whoever reaches this application by some
        host reaches CAVE_SERVER_ADDRESS by it too, at that port, and gets links that lead there), `HOST`, where the
        application listens, and `KARST_MAX_WAITING` (requests of each process that may wait for CAVE at once; more are
        refused).

        An empty variable counts as unset. Raises ValueError, naming the variable, when one makes no sense.
        """
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        default = cls()
        server, token = _address(given.get("CAVE_SERVER_ADDRESS", default.server_address)), _token(given)
        if token and not is_private_way(server):
            raise ValueError("CAVE_SERVER_ADDRESS is a plain http address, over which no CAVE_TOKEN may go; use https")
        return cls(
            server_address=server,
            token=token,
            datastack=given.get("KARST_DATASTACK", default.datastack),
            config_dir=Path(given.get("KARST_CONFIG", default.config_dir)),
            cache=given.get("KARST_CACHE", default.cache),
            secret_key=given.get("KARST_SECRET_KEY", default.secret_key),
            timeout_s=_positive(given, "KARST_TIMEOUT_S", default.timeout_s),
            memory_bytes=int(_positive(given, "KARST_MEMORY_MB", default.memory_bytes / 2**20) * 2**20),
            cache_bytes=int(_positive(given, "KARST_CACHE_MB", default.cache_bytes / 2**20) * 2**20),
            max_table_rows=int(_positive(given, "KARST_MAX_TABLE_ROWS", default.max_table_rows)),
            same_host=given.get("KARST_SAME_HOST", "0") != "0",
            allowed_hosts=tuple(given.get("KARST_ALLOWED_HOSTS", "").casefold().replace(",", " ").split()),
            host=given.get("HOST", default.host),
            max_waiting=int(_positive(given, "KARST_MAX_WAITING", default.max_waiting)),
        )


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"CAVE_SERVER_ADDRESS is {text!r}; it must be an http or https address")
    return text.rstrip("/")


def _token(given: Mapping[str, str]) -> str:
    """The token itself, or that of a file: CAVE's own `{"token": "..."}` or bare text."""
    if "CAVE_TOKEN_FILE" not in given or "CAVE_TOKEN" in given:
        return given.get("CAVE_TOKEN", "")
    try:
        text = Path(given["CAVE_TOKEN_FILE"]).expanduser().read_text().strip()
    except OSError as error:
        raise ValueError(f"CAVE_TOKEN_FILE cannot be read: {error.strerror}") from error
    if not text.startswith("{"):
        return text
    try:
        token = json.loads(text).get("token")
    except ValueError:
        token = None
    if not isinstance(token, str):
        raise ValueError("CAVE_TOKEN_FILE holds no token")
    return token


def _positive(given: Mapping[str, str], name: str, default: float) -> float:
    text = given.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} is {text!r}; it must be a number above 0")
    return value
