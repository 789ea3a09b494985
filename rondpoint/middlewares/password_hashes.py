"""Recognises the hashes of `htpasswd`, without a library: the agent compares no passwords."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rondpoint.middlewares.options import Doubt

_BASE64 = "[./A-Za-z0-9]"
_HASH = re.compile(
    rf"\$2[abxy]\$[0-9]{{2}}\${_BASE64}{{53}}"
    rf"|\$(?:apr1|1)\$[^$]{{0,8}}\${_BASE64}{{22}}"
    r"|\{SHA\}[A-Za-z0-9+/]{27}="
)
_MAX_NAMES = 3


def is_hash(text: str) -> bool:
    """Return whether `text` has the form of a bcrypt, MD5 or SHA-1 hash as `htpasswd` writes it."""
    return _HASH.fullmatch(text.strip()) is not None


def doubt_hashes(users: Sequence[str]) -> Doubt | None:
    """Return what is doubtful about `NAME:HASH` texts: users without a hash, who can never log in.

    The doubt names users and contains no hash, which may be a password in clear.
    """
    names = [name for name, _, hashed in (user.partition(":") for user in users) if not is_hash(hashed)]
    if not names:
        return None
    listed = ", ".join(names[:_MAX_NAMES])
    if len(names) > _MAX_NAMES:
        listed += f", … ({len(names)} users)"
    with_them = "that name" if len(names) == 1 else "these names"
    return Doubt(
        f"has no hash of a password for {listed}, so nobody can log in with {with_them}",
        "write what htpasswd -nB NAME prints; in a compose file, write each $ as $$",
    )
