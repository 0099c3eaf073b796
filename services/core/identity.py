"""Who asks: one person with a CAVE token of their own, and how their token is kept where others could read it."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken

LONGEST_TOKEN = 512


@dataclass(frozen=True)
class Identity:
    """A person's token at one server of CAVE ("" = the only one), which goes nowhere else, and the name that its auth
    service has for them ("" = not asked)."""

    token: str = field(repr=False)
    name: str = ""
    server: str = ""

    def digest(self, secret_key: str) -> str:
        """A name for whoever the token belongs to, from which nobody without the secret key can find the token."""
        return hashlib.blake2b(self.token.encode(), key=_key(secret_key), digest_size=12).hexdigest()

    def sealed(self, secret_key: str, address: str) -> str:
        """Encrypted with the secret key for the server at `address`, for a cookie or a queue."""
        return _fernet(secret_key, address).encrypt(json.dumps([self.token, self.name, self.server]).encode()).decode()

    @classmethod
    def unsealed(cls, text: str, secret_key: str, address: str, max_age_s: int | None = None) -> Identity | None:
        """Of what :meth:`sealed` gave for this very address; None for anything else, and for what is older than
        `max_age_s`."""
        try:
            return cls(*json.loads(_fernet(secret_key, address).decrypt(text.encode(), ttl=max_age_s)))
        except InvalidToken:
            return None


def is_token(text: str) -> bool:
    """Whether a text may be a token: nothing that could end a header and begin another."""
    return 0 < len(text) <= LONGEST_TOKEN and text.isascii() and text.isprintable() and " " not in text


def _fernet(secret_key: str, address: str) -> Fernet:
    key = hashlib.blake2b(address.encode(), key=_key(secret_key), digest_size=32).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _key(secret_key: str) -> bytes:
    return hashlib.blake2b(secret_key.encode(), digest_size=32, person=b"karst identity").digest()
