"""Checks passwords against hashes of `htpasswd`: bcrypt, MD5 (`$apr1$`, `$1$`) and SHA-1, as in Traefik."""

from __future__ import annotations

from functools import cache
from typing import Any

MAX_PASSWORD_BYTES = 4096
"""Maximum bytes of a password; longer ones never match."""


@cache
def _context() -> Any:
    # Imported only if passwords are used: the import takes time and memory.
    from passlib.context import CryptContext  # noqa: PLC0415

    return CryptContext(schemes=["bcrypt", "apr_md5_crypt", "md5_crypt", "ldap_sha1"])


def is_supported_hash(hashed: str) -> bool:
    """Return whether passwords can be compared with this hash."""
    scheme = _context().identify(hashed)
    if not scheme:
        return False
    try:
        return bool(_context().handler(scheme).from_string(hashed).checksum)
    except ValueError:
        return False


def matches(password: str | bytes, hashed: str) -> bool:
    """Return whether the password matches the hash; bcrypt takes 0.1 s or more."""
    if isinstance(password, str):
        password = password.encode()
    if len(password) > MAX_PASSWORD_BYTES:
        return False
    if hashed.startswith(("$2a$", "$2b$", "$2x$", "$2y$")):
        # bcrypt and htpasswd use only the first 72 bytes.
        password = password[:72]
    try:
        return bool(_context().verify(password, hashed))
    except ValueError:
        return False
