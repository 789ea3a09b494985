"""Runs the step of one middleware on a copy of a request, and observes what it has changed."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from msgspec import Struct

from proxy.http1.errors import RequestError
from proxy.http1.response_head import ResponseHead
from proxy.per_request.local_response import LocalResponse

if TYPE_CHECKING:
    from proxy.admin.previews.preview_client import PreviewClient
    from proxy.http1.request import Request
    from proxy.middlewares.step import Step

UNKNOWN_LENGTH = -1


class HeaderDifference(Struct, frozen=True):
    """Header lines that were added or changed, without their CRLF, and names of which no line is left."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Observation(Struct, frozen=True):
    """What a step did to a request.

    `response` is what it raised to respond itself. `target` is the new target, empty if it is the old one.
    `request_headers` and `response_headers` say what it changes; those of the response on a sample.
    """

    response: LocalResponse | RequestError | None
    target: str
    request_headers: HeaderDifference
    response_headers: HeaderDifference


def observe(step: Step, request: Request, client: PreviewClient, sample_lines: bytes = b"") -> Observation:
    """Run the step, and leave its changes in `request`; `sample_lines` are those of a sample response."""
    before = copy(request)
    forwarded = client.recorded.apply_forwarded_steps(client.forwarded(request.host))
    client.recorded.added.clear()
    response: LocalResponse | RequestError | None = None
    try:
        step(request, client)
    except (LocalResponse, RequestError) as raised:
        response = raised
    forwarded_after = client.recorded.apply_forwarded_steps(client.forwarded(request.host))
    return Observation(
        response,
        "" if request.target == before.target else request.target.decode("latin-1"),
        compare(before.headers + forwarded, request.headers + forwarded_after),
        _response_difference(client, sample_lines),
    )


def _response_difference(client: PreviewClient, sample_lines: bytes) -> HeaderDifference:
    head = ResponseHead(200, sample_lines, length=UNKNOWN_LENGTH)
    for step in reversed(client.recorded.added):
        step(head)
    return compare(sample_lines, head.lines)


def compare(before: bytes, after: bytes) -> HeaderDifference:
    """Return the difference between header lines, each of which begins with CRLF."""
    old, new = _lines(before), _lines(after)
    left = {_name(line) for line in new}
    return HeaderDifference(
        tuple(line for line in new if line not in old),
        tuple(dict.fromkeys(line.partition(":")[0] for line in old if _name(line) not in left)),
    )


def _lines(text: bytes) -> list[str]:
    return [line for line in text.decode("utf-8", "backslashreplace").split("\r\n") if line]


def _name(line: str) -> str:
    return line.partition(":")[0].lower()
