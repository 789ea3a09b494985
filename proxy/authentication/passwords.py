"""Passwords against what `htpasswd` writes: bcrypt, MD5 (`$apr1$`, `$1$`) and SHA-1, as in Traefik."""

from __future__ import annotations

from functools import cache
from typing import Any

LONGEST = 4096
"""Bytes of a password; a longer one is none."""


@cache
def _context() -> Any:
    # Only where there are passwords: it takes a while, and memory.
    from passlib.context import CryptContext  # noqa: PLC0415

    return CryptContext(schemes=["bcrypt", "apr_md5_crypt", "md5_crypt", "ldap_sha1"])


def is_supported_hash(hashed: str) -> bool:
    """Whether passwords can be held against it."""
    scheme = _context().identify(hashed)
    if not scheme:
        return False
    try:
        return bool(_context().handler(scheme).from_string(hashed).checksum)
    except ValueError:
        return False


def matches(password: str, hashed: str) -> bool:
    """Whether it is the password; bcrypt takes a tenth of a second and more."""
    if len(password.encode()) > LONGEST:
        return False
    if hashed.startswith(("$2a$", "$2b$", "$2x$", "$2y$")):
        # bcrypt looks at no more than these, as htpasswd does.
        password = password.encode()[:72].decode(errors="ignore")
    try:
        return bool(_context().verify(password, hashed))
    except ValueError:
        return False
