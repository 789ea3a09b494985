"""The middlewares ipAllowList, as in Traefik 3, and ipWhiteList, its older name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.error_response import error_content
from proxy.middlewares.sources.address_ranges import AddressRanges
from proxy.middlewares.sources.source_criterion import client_address, compile_address
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.local_response import LocalResponse

if TYPE_CHECKING:
    from proxy.http1.request import Request

_REASON = "your address is not allowed here"
_WITHOUT_BODY = frozenset((204, 205, 304))
# An address in X-Forwarded-For may have a port (RFC 7239 §6): 192.0.2.1:80, [2001:db8::1]:80.
_WITH_PORT = re.compile(r"(?:\[([^\]]*)\]|([^:]*)):[0-9]*")


@kind("ipAllowList")
def ip_allow_list(options: Mapping[str, Any]) -> Step:
    """Refuse clients whose address is not in `sourceRange`, with the status `rejectStatusCode`."""
    return _guard(options, options["rejectStatusCode"])


@kind("ipWhiteList")
def ip_white_list(options: Mapping[str, Any]) -> Step:
    """Refuse clients whose address is not in `sourceRange` with 403."""
    return _guard(options, 403)


def _guard(options: Mapping[str, Any], status: int) -> Step:
    if status < 200:
        raise ValueError(f"rejectStatusCode={status} is no status of a final response")
    holds = AddressRanges(options["sourceRange"]).holds
    lines, body = (b"", b"") if status in _WITHOUT_BODY else error_content(status, _REASON)
    strategy = options.get("ipStrategy")
    address = client_address if strategy is None else compile_address(strategy)
    if address is client_address:

        def check_peer(_request: Request, client: Client) -> None:
            if not holds(client.peer):
                raise LocalResponse(status, lines, body)

        return check_peer

    def check_address(request: Request, client: Client) -> None:
        text = address(request, client)
        if not holds(text) and not holds(_without_port(text)):
            raise LocalResponse(status, lines, body)

    return check_address


def _without_port(text: str) -> str:
    found = _WITH_PORT.fullmatch(text)
    return text if found is None else found[1] or found[2] or ""
