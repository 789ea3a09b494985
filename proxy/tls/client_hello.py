"""Reads a ClientHello, the first message of a TLS client, before OpenSSL gets it (RFC 8446 §4.1.2).

OpenSSL chooses certificate and options too late for some choices, so the proxy looks for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MAX_BYTES = 65536
"""The longest ClientHello that is read, record headers included; browsers send some 2,000 bytes."""

MAX_RECORDS = 64
"""The most records of a ClientHello: all are looked at again whenever bytes arrive."""

HANDSHAKE = b"\x16"
"""The first byte of a client that speaks TLS (RFC 8446 §5.1); no method begins with it."""

_CLIENT_HELLO = 1
_RECORD_HEADER = 5
_MESSAGE_HEADER = 4
_MAX_RECORD = 16384
_SERVER_NAME = 0
_HOST_NAME = 0
_ALPN = 16
_PSK_MODES = 45
_PSK_WITH_KEY_EXCHANGE = 1
# The client's version and random number.
_FIXED = 34


class ClientHelloError(Exception):
    """The bytes are not a ClientHello that the proxy accepts."""


class ClientHello(NamedTuple):
    """What a client wants: `server_name` is its SNI in lower case, empty without one (RFC 6066 §3).

    `alpn_protocols` are the protocols that it offers to speak over TLS (RFC 7301 §3.1). `resumes` says
    whether it can use session tickets of TLS 1.3 (RFC 8446 §4.2.9); clients that keep no sessions cannot.
    """

    server_name: str
    alpn_protocols: tuple[bytes, ...] = ()
    resumes: bool = False


def parse_client_hello(data: bytes) -> ClientHello | None:
    """Return the ClientHello at the start of what a client sent; None if it is not complete yet.

    Raises ClientHelloError.
    """
    message = _first_message(data)
    if message is None:
        if len(data) > MAX_BYTES:
            raise ClientHelloError(f"it has more than {MAX_BYTES} bytes")
        return None
    try:
        return _read_extensions(_extensions(message))
    except (IndexError, UnicodeDecodeError) as error:
        raise ClientHelloError("it is malformed") from error


def bytes_needed(data: bytes) -> int:
    """Return how many bytes there must be before it makes sense to parse an incomplete ClientHello again.

    So a client that sends single bytes causes two attempts for each record, not one for each byte.
    """
    end = 0
    while len(data) >= end + _RECORD_HEADER:
        end += _RECORD_HEADER + int.from_bytes(data[end + 3 : end + _RECORD_HEADER])
    return end if len(data) < end else end + _RECORD_HEADER


def _first_message(data: bytes) -> bytes | None:
    """Return the first handshake message, without header; None if it is not complete yet.

    It may come in several records.
    """
    message = b""
    position = 0
    for _ in range(MAX_RECORDS):
        if data[position : position + 1] not in (b"", HANDSHAKE):
            raise ClientHelloError("it is no TLS handshake")
        start = position + _RECORD_HEADER
        if len(data) < start:
            return None
        length = int.from_bytes(data[start - 2 : start])
        if data[position + 1] != 3 or not 0 < length <= _MAX_RECORD:
            raise ClientHelloError("it is no TLS record")
        position = start + length
        message += data[start:position]
        if message and message[0] != _CLIENT_HELLO:
            raise ClientHelloError("the first message is another one")
        end = _MESSAGE_HEADER + int.from_bytes(message[1:_MESSAGE_HEADER])
        if len(message) >= max(end, _MESSAGE_HEADER):
            return message[_MESSAGE_HEADER:end]
        if len(data) < position:
            return None
    raise ClientHelloError(f"it has more than {MAX_RECORDS} records")


def _extensions(message: bytes) -> bytes:
    """Return the extensions of a ClientHello; empty if there are none. Raises IndexError."""
    position = _FIXED
    position += 1 + message[position]
    position += 2 + _number(message, position)
    position += 1 + message[position]
    return _vector(message, position) if position < len(message) else b""


def _read_extensions(extensions: bytes) -> ClientHello:
    """Return what these extensions say. Raises IndexError, UnicodeDecodeError."""
    server_name = ""
    alpn_protocols: tuple[bytes, ...] = ()
    resumes = False
    position, end = 0, len(extensions)
    # Every handshake reads some fifteen extensions, so this loop calls no function for most of them.
    while position < end:
        kind = extensions[position] << 8 | extensions[position + 1]
        start = position + 4
        position = start + (extensions[position + 2] << 8 | extensions[position + 3])
        if position > end:
            raise IndexError(position)
        if kind == _SERVER_NAME:
            server_name = _host_name(_vector(extensions[start:position], 0))
        elif kind == _ALPN:
            alpn_protocols = tuple(_protocols(_vector(extensions[start:position], 0)))
        elif kind == _PSK_MODES:
            # OpenSSL takes no other mode.
            resumes = _PSK_WITH_KEY_EXCHANGE in extensions[start + 1 : position]
    return ClientHello(server_name, alpn_protocols, resumes)


def _protocols(names: bytes) -> Iterator[bytes]:
    """Yield the names of protocols, each after a length of one byte. Raises IndexError."""
    position = 0
    while position < len(names):
        start = position + 1
        position = start + names[position]
        if position > len(names):
            raise IndexError(position)
        yield names[start:position]


def _host_name(names: bytes) -> str:
    position = 0
    while position < len(names):
        name = _vector(names, position + 1)
        if names[position] == _HOST_NAME:
            host = name.decode("ascii").lower()
            if not host or host.endswith(".") or "\0" in host:
                raise ClientHelloError(f"its server name {host!r} is no host name")
            return host
        position += 3 + len(name)
    return ""


def _vector(data: bytes, position: int) -> bytes:
    """Return the content that a length of two bytes precedes. Raises IndexError."""
    start = position + 2
    end = start + _number(data, position)
    if end > len(data):
        raise IndexError(end)
    return data[start:end]


def _number(data: bytes, position: int) -> int:
    """Return the number in two bytes. Raises IndexError."""
    return data[position] << 8 | data[position + 1]
