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
    """A person's CAVE token, and the name that CAVE's auth service has for them ("" = not asked)."""

    token: str = field(repr=False)
    name: str = ""

    def digest(self, secret_key: str) -> str:
        """A name for whoever the token belongs to, from which nobody without the secret key can find the token."""
        return hashlib.blake2b(self.token.encode(), key=_key(secret_key), digest_size=12).hexdigest()

    def sealed(self, secret_key: str) -> str:
        """Encrypted with the secret key, for a cookie or a queue."""
        return _fernet(secret_key).encrypt(json.dumps([self.token, self.name]).encode()).decode()

    @classmethod
    def unsealed(cls, text: str, secret_key: str, max_age_s: int | None = None) -> Identity | None:
        """Of what :meth:`sealed` gave; None for anything else, and for what is older than `max_age_s`."""
        try:
            return cls(*json.loads(_fernet(secret_key).decrypt(text.encode(), ttl=max_age_s)))
        except InvalidToken:
            return None


def is_token(text: str) -> bool:
    """Whether a text may be a token: nothing that could end a header and begin another."""
    return 0 < len(text) <= LONGEST_TOKEN and text.isascii() and text.isprintable() and " " not in text


def _fernet(secret_key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(secret_key)))


def _key(secret_key: str) -> bytes:
    return hashlib.blake2b(secret_key.encode(), digest_size=32, person=b"karst identity").digest()
