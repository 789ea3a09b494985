"""Encrypts private keys for the store, with AES-256-GCM under keys derived from the secret in the settings.

The nonce follows from the text, so an unchanged text stays the same sealed text and is no change to publish.
A reader of the store learns which sealed texts are equal, and nothing else.
"""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rondpoint.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

logger = logging.getLogger(__name__)

MIN_SECRET_LENGTH = 32
"""Minimum number of characters of a secret, as `openssl rand -hex 16` generates it."""

_CLEAR_KEYS = (
    "private keys are not encrypted in the store: everybody who can read it, its dumps or its replicas can "
    "impersonate the hosts of these certificates (set store.secretFile for all agents and proxies)"
)

_FAMILY = "sealed:"
_PREFIX = "sealed:v1:"
_NONCE_BYTES = 12


def is_sealed(text: str) -> bool:
    """Return whether `Sealer.seal` has made this text."""
    return text.startswith(_FAMILY)


class SealError(ValueError):
    """A sealed text cannot be opened, or the secret in the settings is unusable."""


class Sealer:
    """Seals texts with `secret`, and opens texts that `secret` or one of the `former` secrets has sealed.

    Without a secret, `seal` returns texts as they are, and logs the `warning` once if there is one.
    """

    def __init__(self, secret: bytes | None = None, former: Sequence[bytes] = (), warning: str = "") -> None:
        self._warning = warning
        self._key = _SealingKey(secret) if secret else None
        keys = [self._key, *map(_SealingKey, former)]
        self._keys = {key.name: key for key in reversed(keys) if key is not None}

    @property
    def seals(self) -> bool:
        """Whether there is a secret to seal with."""
        return self._key is not None

    def seal(self, text: str) -> str:
        """Return `sealed:v1:NAME:DATA`: the name of the secret, then nonce and encrypted text in base64."""
        if self._key is None:
            if self._warning:
                _warn_once(self._warning)
            return text
        header = f"{_PREFIX}{self._key.name}:"
        return header + base64.b64encode(self._key.encrypt(text.encode(), header.encode())).decode()

    def open(self, sealed: str) -> str:
        """Return the text; one that is not sealed is returned as it is. Raises SealError."""
        if not is_sealed(sealed):
            return sealed
        name, colon, data = sealed.removeprefix(_PREFIX).partition(":")
        if not colon or not sealed.startswith(_PREFIX):
            raise SealError("sealed by another version of Rondpoint, or damaged")
        key = self._keys.get(name)
        if key is None:
            raise SealError(self._unknown_secret(name))
        try:
            encrypted = base64.b64decode(data, validate=True)
        except ValueError:
            raise SealError("the sealed text is damaged") from None
        return key.decrypt(encrypted, sealed[: -len(data)].encode())

    def _unknown_secret(self, name: str) -> str:
        if self._key is None:
            return f"sealed with the secret {name}, and this process has no secret: set store.secretFile"
        return (
            f"sealed with the secret {name}, and this process has {', '.join(self._keys)}: give all agents "
            "and proxies the same store.secretFile"
        )


class _SealingKey:
    """The keys that follow from one secret; `name` tells secrets apart without revealing them."""

    def __init__(self, secret: bytes) -> None:
        self.name = _derive(secret, b"name")[:4].hex()
        self._encryption_key = _derive(secret, b"encryption")
        self._nonce_key = _derive(secret, b"nonce")

    def encrypt(self, text: bytes, header: bytes) -> bytes:
        # A nonce that repeats for the same text alone reveals only that the texts are equal.
        nonce = hmac.digest(self._nonce_key, text, "sha256")[:_NONCE_BYTES]
        encrypted = self._cipher().encrypt(nonce, text, header)
        return nonce + encrypted

    def decrypt(self, encrypted: bytes, header: bytes) -> str:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        nonce, text = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
        try:
            decrypted = self._cipher().decrypt(nonce, text, header)
        except (InvalidTag, ValueError):
            # Nonces and texts that are too short raise ValueError.
            raise SealError("the sealed text is damaged") from None
        return decrypted.decode()

    def _cipher(self) -> AESGCM:
        # An installation without private keys in the store needs no cryptography.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        return AESGCM(self._encryption_key)


def sealer_of(settings: Settings) -> Sealer:
    """Return the sealer for the secret in the settings. Raises SealError if that secret is unusable."""
    store = settings.store
    if store.secret_file is not None:
        source = f"store.secretFile: {store.secret_file}"
        secrets = _read_secrets(store.secret_file, source)
    else:
        source, secrets = "store.secret", [store.secret] if store.secret else []
    for secret in secrets:
        if len(secret) < MIN_SECRET_LENGTH:
            raise SealError(
                f"{source} has a secret of {len(secret)} characters; expected {MIN_SECRET_LENGTH} or more, "
                "such as `openssl rand -hex 32` generates"
            )
    encoded = [secret.encode() for secret in secrets]
    if encoded:
        return Sealer(encoded[0], encoded[1:])
    return Sealer(warning="" if settings.redis.embedded else _CLEAR_KEYS)


@cache
def _warn_once(text: str) -> None:
    """Log a warning, once in this process however many sealers it has."""
    logger.warning("%s", text)


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, b"rondpoint sealed:v1 " + purpose, "sha256")


def _read_secrets(file: Path, source: str) -> list[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SealError(f"{source} cannot be read: {error}") from None
    secrets = [line.strip() for line in lines if line.strip()]
    if not secrets:
        raise SealError(f"{source} is empty")
    return secrets
