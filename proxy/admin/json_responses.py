"""Answers in JSON, encoded piece by piece: a list of ten thousand objects must not hold the worker up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from flask import Response, stream_with_context
from msgspec import Struct

JSON = "application/json"

PIECE = 64 * 1024
"""Bytes gathered before they are sent."""


class Problem(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong with a request; `path` names the field in its body."""

    message: str
    path: str = ""
    hint: str = ""


class Refusal(Exception):  # noqa: N818 (an answer, not a fault)
    """Ends a request with this answer: `{"message": …}`, and `errors` where there is more to tell."""

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


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value that is small."""
    return Response(msgspec.json.encode(value) + b"\n", status, headers, content_type=JSON)


def answer_list(items: Iterable[object], headers: Mapping[str, str] | None = None) -> Response:
    """A list whose items are made while it is sent."""
    return Response(stream_with_context(_gathered(_list(items))), 200, headers, content_type=JSON)


def answer_members(
    members: Iterable[tuple[str, object]], headers: Mapping[str, str] | None = None
) -> Response:
    """An object whose members are made while it is sent; a value that is an iterator of pairs is one too."""
    return Response(stream_with_context(_gathered(_object(members))), 200, headers, content_type=JSON)


def refused(refusal: Refusal) -> Response:
    """The answer that a refusal stands for."""
    told: dict[str, Any] = {"message": refusal.message}
    if refusal.errors:
        told["errors"] = refusal.errors
    return answer(told, refusal.status, refusal.headers)


def _list(items: Iterable[object]) -> Iterator[bytes]:
    yield b"["
    first = True
    for item in items:
        yield (b"" if first else b",") + msgspec.json.encode(item)
        first = False
    yield b"]\n"


def _object(members: Iterable[tuple[str, object]]) -> Iterator[bytes]:
    yield b"{"
    first = True
    for name, value in members:
        yield (b"" if first else b",") + msgspec.json.encode(name) + b":"
        first = False
        if isinstance(value, Iterator):
            yield from _object(value)
        else:
            yield msgspec.json.encode(value)
    yield b"}"


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
