"""Translates OpenSSL's TLS names into those of IANA, which Traefik uses in its metrics."""

from __future__ import annotations

import re
from functools import cache

# OpenSSL's names of ciphers before TLS 1.3: ECDHE-RSA-AES128-GCM-SHA256.
_OLDER = re.compile(r"(?:(ECDHE|DHE)-)?(?:(RSA|ECDSA)-)?(AES|CHACHA20|ARIA|CAMELLIA)(\d+)?-(.+)")


@cache
def tls_name(version: str, cipher: str) -> str:
    """Return `1.3 TLS_AES_128_GCM_SHA256` for OpenSSL's version `TLSv1.3` and cipher name."""
    return f"{version.removeprefix('TLSv')} {_iana(cipher)}"


def _iana(cipher: str) -> str:
    found = _OLDER.fullmatch(cipher)
    if found is None:
        return cipher
    exchange, signature, kind, bits, rest = found.groups()
    agreed = "_".join(part for part in (exchange, signature or "RSA") if part)
    if kind == "CHACHA20":
        return f"TLS_{agreed}_WITH_CHACHA20_POLY1305_SHA256"
    mode = rest.replace("-", "_") if rest.startswith(("GCM", "CCM")) else f"CBC_{rest}"
    return f"TLS_{agreed}_WITH_{kind}_{bits}_{mode}"
