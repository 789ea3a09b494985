"""Parts of JSON log lines that many lines share: fields with their values, each part with a leading comma."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Raw

from proxy.telemetry.escaping import as_text

if TYPE_CHECKING:
    from proxy.telemetry.completed_request import CompletedRequest
    from proxy.telemetry.tallies import Tally

K = TypeVar("K")

Fields = dict[str, str] | dict[str, int] | dict[str, str | int]

Outcome = int | tuple[int, int, int, int]
"""Status, status of the server (0: none), received bytes and retries; or the status alone of a request
without a body that the first server answered."""

_NO_USERNAME = "-"
_encode = msgspec.json.Encoder().encode


def part_maker(kept: Container[str]) -> Callable[[Callable[[K], Fields]], Callable[[K], bytes]]:
    """Return a function that makes of a function for fields one for the part of those that are kept."""

    def maker(fields: Callable[[K], Fields]) -> Callable[[K], bytes]:
        return lambda key: encode_part({name: value for name, value in fields(key).items() if name in kept})

    return maker


def value_maker(kept: Sequence[str], fields: Callable[[K], Fields]) -> Callable[[K], Raw]:
    """Return a function for the value of the first kept field, which brings the others with it."""
    start = len(b'{"%b":' % kept[0].encode()) if kept else 0
    return lambda key: Raw(_encode({name: fields(key)[name] for name in kept})[start:-1])


def encode_part(fields: Fields) -> bytes:
    """Return the part of these fields, dropped or not."""
    return b"," + _encode(fields)[1:-1] if fields else b""


def connection_fields(completed: CompletedRequest) -> dict[str, str]:
    """Return the fields that all requests of a connection share."""
    peer, port, tls = completed.peer, completed.port, completed.tls
    fields = {
        "ClientAddr": f"{peer}:{port}",
        "ClientHost": peer,
        "ClientPort": str(port),
        "ClientUsername": _NO_USERNAME,
        "RequestScheme": "https" if tls else "http",
        "entryPointName": completed.entry_point,
    }
    if tls:
        fields["TLSVersion"], _, fields["TLSCipher"] = tls.partition(" ")
        if (subject := completed.client_subject) is not None:
            fields["TLSClientSubject"] = subject
    return fields


def with_username(connection: Raw, user: bytes) -> Raw:
    """Return the part of a connection with the name of a request's user, unless the field is dropped."""
    return Raw(
        bytes(connection).replace(
            b'"ClientUsername":"%b"' % _NO_USERNAME.encode(), b'"ClientUsername":' + quoted_text(user), 1
        )
    )


def quoted_text(value: bytes) -> bytes:
    """Return the value as a string of JSON."""
    return quoted(as_text(value)).encode()


def route_fields(tally: Tally) -> Fields:
    """Return the fields of a router and its service."""
    return {"RouterName": tally.router, "ServiceName": tally.service}


SERVER_FIELDS = ("ServiceAddr", "ServiceURL")


def server_fields(url: str) -> Fields:
    """Return the fields of a server."""
    return {"ServiceAddr": url.rpartition("/")[2], "ServiceURL": url}


def responder_fields(middleware: str) -> Fields:
    """Return the field of the middleware that responded; none without one."""
    return {"MiddlewareName": middleware} if middleware else {}


def grpc_fields(status: int) -> Fields:
    """Return the field of the status of a gRPC call; none without one."""
    return {"GrpcStatus": status} if status >= 0 else {}


def host_fields(host: bytes) -> Fields:
    """Return the fields of a Host header."""
    whole = as_text(host)
    name, colon, port = whole.rpartition(":")
    has_port = bool(colon) and port.isdigit()
    return {
        "RequestAddr": whole,
        "RequestHost": name if has_port else whole,
        "RequestPort": port if has_port else "-",
    }


def method_fields(version: str) -> Callable[[bytes], Fields]:
    """Return a function for the fields of a method with this version of HTTP."""
    return lambda method: {"RequestMethod": as_text(method), "RequestProtocol": f"HTTP/{version}"}


def full_outcome(completed: CompletedRequest) -> tuple[int, int, int, int]:
    """Return the outcome of any request."""
    origin = 0 if completed.refused or completed.target is None else completed.status
    received = 0 if completed.body is None else completed.body.received
    return completed.status, origin, received, completed.retries


def outcome_fields(outcome: Outcome) -> Fields:
    """Return the fields of an outcome."""
    status, origin, received, retries = (outcome, outcome, 0, 0) if isinstance(outcome, int) else outcome
    return {
        "DownstreamStatus": status,
        "OriginStatus": origin,
        "RequestContentSize": received,
        "RetryAttempts": retries,
    }
