"""TSIG keys (RFC 8945), from variables or from a file that BIND's `tsig-keygen` writes."""

from __future__ import annotations

import binascii
import re
from pathlib import Path

import dns.exception
import dns.name
import dns.tsig

from discovery.acme.dns.environment import Environment
from discovery.acme.dns.errors import ConfigurationError

ALGORITHMS = {
    "hmac-md5": dns.tsig.HMAC_MD5,
    "hmac-md5.sig-alg.reg.int": dns.tsig.HMAC_MD5,
    "hmac-sha1": dns.tsig.HMAC_SHA1,
    "hmac-sha224": dns.tsig.HMAC_SHA224,
    "hmac-sha256": dns.tsig.HMAC_SHA256,
    "hmac-sha384": dns.tsig.HMAC_SHA384,
    "hmac-sha512": dns.tsig.HMAC_SHA512,
}
DEFAULT_ALGORITHM = "hmac-sha1"
"""The algorithm if none is named, as in lego."""

_KEY = re.compile(r'\bkey\s+"?([^\s"{]+)"?\s*\{([^}]*)\}')
_FIELD = re.compile(r'\b(algorithm|secret)\s+"?([^\s";]+)"?\s*;')


def read_key(environment: Environment, *prefixes: str) -> dns.tsig.Key | None:
    """Return the key with which updates are signed; None if the variables `PREFIX_TSIG_…` name none.

    Raises ConfigurationError if they are incomplete or wrong.
    """

    def names(suffix: str) -> tuple[str, ...]:
        return tuple(f"{prefix}_TSIG_{suffix}" for prefix in prefixes)

    name = environment.text(*names("KEY"))
    secret = environment.secret(*names("SECRET"))
    algorithm = environment.text(*names("ALGORITHM"))
    spelling = environment.spelling(*names("KEY"))
    if path := environment.text(*names("FILE")):
        spelling = environment.spelling(*names("FILE"))
        name, secret, algorithm = _read_file(path, spelling)
    if not name and not secret:
        return None
    if not name or not secret:
        missing = names("SECRET" if name else "KEY")[0]
        raise ConfigurationError(f"{missing} is not set", "a TSIG key has a name and a secret")
    return _make_key(name, secret, algorithm or DEFAULT_ALGORITHM, spelling)


def _make_key(name: str, secret: str, algorithm: str, spelling: str) -> dns.tsig.Key:
    known = ALGORITHMS.get(algorithm.rstrip(".").lower())
    if known is None:
        raise ConfigurationError(f"unknown TSIG algorithm {algorithm}", f"known: {', '.join(ALGORITHMS)}")
    try:
        return dns.tsig.Key(name, secret, known)
    except binascii.Error:
        raise ConfigurationError(f"the secret of TSIG key {name} is not base64") from None
    except dns.exception.DNSException:
        raise ConfigurationError(f"{spelling}: {name!r} is not a key's name") from None


def _read_file(path: str, spelling: str) -> tuple[str, str, str]:
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"{spelling}: cannot read {path}: {reason}") from None
    found = _KEY.search(text)
    fields = dict(_FIELD.findall(found[2])) if found else {}
    if not found or "secret" not in fields:
        raise ConfigurationError(
            f"{spelling}: {path} holds no TSIG key",
            'expected: key "NAME" { algorithm hmac-sha256; secret "…"; };',
        )
    return found[1], fields["secret"], fields.get("algorithm", "")
