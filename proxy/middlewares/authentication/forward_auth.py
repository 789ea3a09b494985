"""The middleware forwardAuth, as in Traefik 3: an authentication server decides about each request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from sys import maxsize
from typing import TYPE_CHECKING, Any

from proxy.http1.errors import RequestError
from proxy.http1.header_lines import header_line, values_of
from proxy.middlewares.authentication.auth_request import compile_message, parse_address
from proxy.middlewares.authentication.auth_response import compile_cookies, compile_copying, refusal
from proxy.middlewares.client_tls import client_context
from proxy.middlewares.outage_log import OutageLog
from proxy.middlewares.request_content import ContentTooLargeError, read_content
from proxy.middlewares.step import Client, CompileScope, Step, scoped_kind
from proxy.per_request.extras import extras_of
from proxy.per_request.local_response import LocalResponse
from proxy.upstream import subrequest

if TYPE_CHECKING:
    from proxy.http1.request import Request

log = logging.getLogger(__name__)

TIMEOUT = 30.0
"""Seconds that the authentication server may take, as in Traefik."""

DEFAULT_REQUEST_LIMIT = 16 << 20
"""The most bytes of a request's content without `maxBodySize` and without `limits.bodyBytes`.

All of it is held in memory; longer bodies are uploads, which few authentication servers look at. Traefik
has no limit.
"""

DEFAULT_RESPONSE_LIMIT = 4 << 20
"""The most bytes of content without `maxResponseBodySize`; Traefik has no limit."""


_TOO_LARGE = "the request body is too large for forwardAuth without maxBodySize"


@scoped_kind("forwardAuth")
def forward_auth(options: Mapping[str, Any], scope: CompileScope) -> Step:
    """Pass a request on only if the authentication server responds with 200 to 299.

    Its other responses go to the client. If it gives no valid response, the client gets 500.
    """
    server = parse_address(options["address"])
    build = compile_message(server, options)
    copy_headers = compile_copying(options)
    prepare_cookies = compile_cookies(options["addAuthCookiesToResponse"])
    forward_body, request_limit = options["forwardBody"], options["maxBodySize"]
    given_limit = options.get("maxResponseBodySize")
    response_limit = DEFAULT_RESPONSE_LIMIT if given_limit is None else given_limit
    if response_limit < 0:
        response_limit = maxsize
    keep_location, keep_method = options["preserveLocationHeader"], options["preserveRequestMethod"]
    sign_in = options["authSigninURL"]
    sign_in_line = header_line("Location", sign_in) if sign_in else b""
    user_field = options["headerField"].encode()
    if user_field:
        # Checks the name.
        header_line(options["headerField"], "")
    create_context = partial(client_context, options.get("tls"), scope.open_key) if server.tls else None
    pool = scope.open_pool(server.address, create_context)
    outage = OutageLog(log, scope.name, "refuses requests with 500", server.host.decode())

    def step(request: Request, client: Client) -> None:
        content = b""
        if forward_body:
            try:
                content = read_content(request, client, _limit(request_limit, client))
            except ContentTooLargeError:
                if request_limit < 0:
                    raise RequestError(413, _TOO_LARGE) from None
                raise LocalResponse(401) from None
        method = request.method if keep_method else b"GET"
        message = build(request, client, method, content)
        try:
            response = subrequest.send_subrequest(pool, method, message, TIMEOUT, response_limit, client)
        except subrequest.ContentTooLargeError:
            raise LocalResponse(401) from None
        except subrequest.SubrequestError as error:
            outage.begin(error)
            raise LocalResponse(500, refusal="auth_unavailable") from None
        outage.end()
        lines = response.lines
        if user_field and (users := values_of(lines, user_field)):
            client.username = users[0]
        status = response.status
        if 200 <= status < 300:
            if copy_headers is not None:
                copy_headers(request, lines)
            change_cookies = prepare_cookies(lines)
            if change_cookies is not None:
                extras_of(client).at_response(change_cookies)
            return
        if status == 401 and sign_in_line:
            raise LocalResponse(302, sign_in_line)
        try:
            raise refusal(response, server.url, keep_location=keep_location)
        except ValueError:
            raise LocalResponse(500) from None

    return step


def _limit(option: int, client: Client) -> int:
    """Return the most bytes of the request's content; the proxy's own limit holds in any case."""
    return option if option >= 0 else client.limits.body_bytes or DEFAULT_REQUEST_LIMIT
