"""The middleware errors, as in Traefik 3: a page of another service replaces the body of error responses."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from proxy.http1.errors import RequestError
from proxy.http1.header_lines import lines_of, without
from proxy.http1.statuses import parse_statuses, status_range
from proxy.middlewares.failures.error_page_request import compile_lines, compile_target
from proxy.middlewares.outage_log import OutageLog
from proxy.middlewares.step import Client, Step, named_kind
from proxy.per_request.extras import extras_of
from proxy.subrequests.service_subrequest import send_to_service
from proxy.upstream.subrequest import SubrequestError

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.http1.response_head import ResponseHead

log = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds that the page may take; Traefik has no limit."""

PAGE_LIMIT = 4 << 20
"""The most bytes of a page, because it is held in memory; Traefik has no limit."""

_WITHOUT_CONTENT = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_REQUIRED_LINES = {401: b"www-authenticate", 405: b"allow"}
"""Header lines that a response with this status must have (RFC 9110 §15.5.2, §15.5.6); Traefik drops them."""


@named_kind("errors")
def errors(options: Mapping[str, Any], name: str) -> Step:
    """Replace responses with one of `status` by a page of `service`; refuse requests while it is unknown."""
    statuses = parse_statuses(options["status"])
    rewrites = _compile_rewrites(options["statusRewrites"])
    service = options["service"]
    build_target = compile_target(options["query"])
    build_lines = compile_lines(options.get("errorRequestHeaders"))
    outage = OutageLog(log, name, "leaves errors as they are", f"service {service}")
    unknown = f"service unavailable: middleware {name}: service {service} does not exist"

    def step(request: Request, client: Client) -> None:
        if client.context.services.get(service) is None:
            raise RequestError(503, unknown)
        extras_of(client).at_response(partial(replace, request, client))

    def replace(request: Request, client: Client, head: ResponseHead) -> None:
        original = head.status
        # 101 ends HTTP on this connection.
        if original not in statuses or original == HTTPStatus.SWITCHING_PROTOCOLS:
            return
        status = rewrites.get(original, original)
        if status in _WITHOUT_CONTENT:
            if status != original:
                head.status = status
                head.replace_body(b"")
                head.lines = b""
            return
        target = build_target(request, client, status, original)
        lines = build_lines(request, client)
        head.status = status
        try:
            page = send_to_service(
                client.context,
                service,
                b"GET",
                target,
                lines,
                timeout=TIMEOUT,
                limit=PAGE_LIMIT,
                peer=client.peer,
                client=client,
            )
        except SubrequestError as error:
            outage.begin(error)
            if original in _WITHOUT_CONTENT:
                # The new status would announce content.
                head.replace_body(b"")
            return
        outage.end()
        required = _REQUIRED_LINES.get(status) if status == original else None
        kept = b""
        page_lines = page.lines
        if required is not None and (kept := lines_of(head.lines, required)):
            page_lines = without(page_lines, required)
        head.lines = page_lines + kept
        head.replace_body(page.content)

    return step


def _compile_rewrites(written: Mapping[str, int]) -> dict[int, int]:
    """Return the new status by status; of overlapping ranges the first one counts. Raises ValueError."""
    rewrites: dict[int, int] = {}
    for name, status in written.items():
        if status < HTTPStatus.OK:
            raise ValueError(f"statusRewrites: {status} is no status of a final response")
        for code in status_range(name):
            rewrites.setdefault(code, status)
    return rewrites
