"""HTTP digest authentication (RFC 7616) with MD5 and `qop=auth`: parameters, responses and nonces."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from hashlib import blake2b, md5
from hmac import compare_digest
from time import time

NONCE_SECONDS = 300.0
"""Seconds for which a nonce is valid; after that, clients repeat the request with a new one by themselves."""

MAX_NONCES = 10_000
"""Nonces whose counts are remembered; the one that was used first is forgotten first."""

_CLOCK_SECONDS = 5.0
"""Seconds by which the clocks of machines that share users may differ."""

_PARAMETER = re.compile(
    rb'[ \t]*([A-Za-z*]+)[ \t]*=[ \t]*(?:"([^"\\]*+(?:\\.[^"\\]*+)*)"|([^\s,"]++))[ \t]*(?:,|\Z)'
)
_ESCAPE = re.compile(rb"\\(.)")
_NONCE = re.compile(rb"([0-9a-f]{12})[0-9a-f]{16}([0-9a-f]{32})")
_COUNT = re.compile(rb"[0-9a-fA-F]{8}")


def parse_parameters(value: bytes) -> dict[bytes, bytes] | None:
    """Return the parameters after `Digest ` by lower-case name; None if they are malformed or repeated."""
    found: dict[bytes, bytes] = {}
    position = 0
    while position < len(value):
        match = _PARAMETER.match(value, position)
        if match is None or match[1].lower() in found:
            return None
        quoted = match[2]
        found[match[1].lower()] = match[3] if quoted is None else _ESCAPE.sub(rb"\1", quoted)
        position = match.end()
    return found


def expected_response(secret: bytes, method: bytes, parameters: dict[bytes, bytes]) -> bytes:
    """Return the `response` of a client that knows `secret`, the hash of `NAME:REALM:PASSWORD`."""
    request_hash = _md5(method + b":" + parameters[b"uri"])
    middle = (parameters[name] for name in (b"nonce", b"nc", b"cnonce", b"qop"))
    return _md5(b":".join((secret, *middle, request_hash)))


def response_matches(secret: bytes, method: bytes, parameters: dict[bytes, bytes]) -> bool:
    """Compare the response of a client in constant time; return False if a parameter is missing."""
    if not {b"uri", b"nonce", b"nc", b"cnonce", b"qop", b"response"} <= parameters.keys():
        return False
    return compare_digest(expected_response(secret, method, parameters), parameters[b"response"].lower())


def _md5(data: bytes) -> bytes:
    # RFC 7616 §3.4.3; browsers support no other algorithm everywhere.
    return md5(data, usedforsecurity=False).hexdigest().encode()


class Nonces:
    """Signed nonces: every worker with the same `secret` accepts them, and stores only those in use.

    The secret must be random: clients that know no password see the signatures.

    A count (`nc`) may be used once per worker, in ascending order.
    """

    def __init__(self, secret: bytes, now: Callable[[], float] = time) -> None:
        self._key = blake2b(secret, digest_size=32, person=b"rondpoint.nonce").digest()
        self._now = now
        self._counts: dict[bytes, int] = {}

    def issue(self) -> bytes:
        """Return a new nonce."""
        text = b"%012x%b" % (int(self._now() * 1000), os.urandom(8).hex().encode())
        return text + self._signature(text)

    def accept(self, nonce: bytes, count: bytes) -> bool:
        """Return whether the nonce is valid and its count is higher than the last one; remember the count."""
        match = _NONCE.fullmatch(nonce)
        if match is None or not _COUNT.fullmatch(count):
            return False
        if not compare_digest(self._signature(nonce[:-32]), match[2]):
            return False
        age = self._now() - int(match[1], 16) / 1000
        number = int(count, 16)
        if not -_CLOCK_SECONDS <= age < NONCE_SECONDS or number <= self._counts.get(nonce, 0):
            return False
        if nonce not in self._counts and len(self._counts) >= MAX_NONCES:
            del self._counts[next(iter(self._counts))]
        self._counts[nonce] = number
        return True

    def _signature(self, text: bytes) -> bytes:
        return blake2b(text, key=self._key, digest_size=16).hexdigest().encode()
