"""JSON responses, encoded piece by piece so that a list of ten thousand objects does not block the worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from flask import Response, stream_with_context
from msgspec import Struct

JSON = "application/json"

PIECE = 64 * 1024
"""Bytes collected before they are sent."""


class Problem(Struct, frozen=True, omit_defaults=True):
    """An error or a warning about a request; `path` names the field in its body."""

    message: str
    path: str = ""
    hint: str = ""


class Refusal(Exception):  # noqa: N818 (a response, not a fault)
    """Ends a request with an error response: `{"message": …}`, plus `errors` if there are any."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Iterable[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a small value."""
    return Response(msgspec.json.encode(value) + b"\n", status, headers, content_type=JSON)


def list_response(items: Iterable[object], headers: Mapping[str, str] | None = None) -> Response:
    """Return a list response; its items are built while it is sent."""
    return Response(stream_with_context(_join_pieces(_encode_list(items))), 200, headers, content_type=JSON)


def object_response(
    members: Iterable[tuple[str, object]], headers: Mapping[str, str] | None = None
) -> Response:
    """Return an object response; its members are built while it is sent.

    A value that is an iterator of pairs becomes an object, too.
    """
    return Response(
        stream_with_context(_join_pieces(_encode_object(members))), 200, headers, content_type=JSON
    )


def error_response(refusal: Refusal) -> Response:
    """Return the response for a refusal."""
    body: dict[str, Any] = {"message": refusal.message}
    if refusal.errors:
        body["errors"] = refusal.errors
    return json_response(body, refusal.status, refusal.headers)


def _encode_list(items: Iterable[object]) -> Iterator[bytes]:
    yield b"["
    first = True
    for item in items:
        yield (b"" if first else b",") + msgspec.json.encode(item)
        first = False
    yield b"]\n"


def _encode_object(members: Iterable[tuple[str, object]]) -> Iterator[bytes]:
    yield b"{"
    first = True
    for name, value in members:
        yield (b"" if first else b",") + msgspec.json.encode(name) + b":"
        first = False
        if isinstance(value, Iterator):
            yield from _encode_object(value)
        else:
            yield msgspec.json.encode(value)
    yield b"}"


def _join_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    pending: list[bytes] = []
    size = 0
    for piece in pieces:
        pending.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(pending)
            pending, size = [], 0
    if pending:
        yield b"".join(pending)
