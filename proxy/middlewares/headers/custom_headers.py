"""The option customRequestHeaders of the middleware headers, as in Traefik 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from proxy.http1.header_changes import HeaderChanges
from proxy.http1.header_lines import header_line
from proxy.http1.request import HOST
from proxy.middlewares.step import Client, Step
from proxy.per_request.extras import LinesStep, extras_of
from rondpoint.middlewares.framing_headers import refuse_framing_headers

if TYPE_CHECKING:
    from proxy.http1.request import Request

# The proxy itself may add lines with these names to a request, after the middlewares.
_ADDED = ("x-forwarded-", "x-real-ip", "x-request-id")
_FORWARDED_FOR = "x-forwarded-for"


def compile_request_headers(values: Mapping[str, str]) -> Step | None:
    """Return a step that sets these headers of the request; None if there are none. Raises ValueError.

    An empty value removes the header. `Host` sets the Host that the server gets, and has no effect if it is
    empty. The client's address is appended to a value of `X-Forwarded-For`.
    """
    refuse_framing_headers(values)
    found = {name: value for name, value in values.items() if value or name.lower() != "host"}
    for name, value in found.items():
        if name.lower() == "host" and not HOST.fullmatch(value.encode()):
            raise ValueError(f"{value!r} is not a valid Host")
    direct = {name: value for name, value in found.items() if name.lower() != _FORWARDED_FOR}
    changes = HeaderChanges(direct) if direct else None
    added_step = _compile_added(found)
    if changes is None and added_step is None:
        return None

    def step(request: Request, client: Client) -> None:
        if changes is not None:
            request.headers = changes.apply(request.headers)
        if added_step is not None:
            extras_of(client).at_forwarding(added_step(client))

    return step


def _compile_added(values: Mapping[str, str]) -> Callable[[Client], LinesStep] | None:
    """Return a function that makes the step for the lines that the proxy adds; None if none changes."""
    names = [name for name in values if name.lower().startswith(_ADDED)]
    if not names:
        return None
    removal = HeaderChanges(dict.fromkeys(names, ""))
    chosen = "".join(value for name, value in values.items() if name.lower() == _FORWARDED_FOR)
    if not chosen:
        return lambda _client: removal.apply
    start = header_line("X-Forwarded-For", chosen)

    def make_step(client: Client) -> LinesStep:
        line = b"%b, %b" % (start, client.peer.encode()) if client.peer else start
        return lambda lines: removal.apply(lines) + line

    return make_step
