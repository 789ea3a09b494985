"""The middleware basicAuth, as in Traefik 3: HTTP basic authentication (RFC 7617)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.authentication.password_verifier import PasswordVerifierBusyError, worker_password_verifier
from proxy.http1.errors import RequestError
from proxy.http1.header_lines import header_line
from proxy.middlewares.authentication.authenticated_user import (
    CONTENT_TYPE,
    UNAUTHORIZED,
    authorization,
    compile_acceptance,
    compile_users,
    quoted_string,
)
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.local_response import LocalResponse

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("basicAuth")
def basic_auth(options: Mapping[str, Any]) -> Step:
    """Require the password of a user; otherwise respond 401 with a challenge."""
    find_hash, any_hash = compile_users(options, 2)
    accept = compile_acceptance(options)
    challenge = header_line("WWW-Authenticate", f"Basic realm={quoted_string(options['realm'] or 'traefik')}")
    lines = challenge + CONTENT_TYPE
    verify = worker_password_verifier().verify

    def step(request: Request, client: Client) -> None:
        credentials = _decode(authorization(request))
        if credentials is None:
            raise LocalResponse(401, lines, UNAUTHORIZED)
        user, password = credentials
        client.username = user
        hashed = find_hash(user)
        # An unknown user takes as long as a known one, so that response times do not reveal names.
        compared_with = hashed or any_hash()
        try:
            right = compared_with is not None and verify(password, compared_with)
        except PasswordVerifierBusyError:
            raise RequestError(503, "too many passwords are being checked") from None
        if not right or hashed is None:
            raise LocalResponse(401, lines, UNAUTHORIZED)
        if accept is not None:
            accept(request, user)

    return step


def _decode(value: bytes) -> tuple[bytes, bytes] | None:
    """Return user and password of an Authorization header's value; None if it has none."""
    if value[:6].lower() != b"basic ":
        return None
    try:
        user, colon, password = b64decode(value[6:], validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user, password) if colon else None
