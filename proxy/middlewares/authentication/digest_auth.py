"""The middleware digestAuth, as in Traefik 3: HTTP digest authentication (RFC 7616) with MD5.

As the RFC says and unlike Traefik, a client that knows the password but has an invalid nonce is told so
(`stale`), and repeats the request with a new one by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.authentication.digest import Nonces, parse_parameters, response_matches
from proxy.authentication.instance_secret import INSTANCE_SECRET
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

_UNKNOWN_USER = "0" * 32


@kind("digestAuth")
def digest_auth(options: Mapping[str, Any]) -> Step:
    """Require a response that proves a user's password; otherwise respond 401 with a challenge."""
    realm = options["realm"] or "traefik"
    find_hash, _ = compile_users(options, 3)
    accept = compile_acceptance(options)
    challenge = header_line(
        "WWW-Authenticate", f'Digest realm={quoted_string(realm)}, qop="auth", algorithm=MD5'
    )
    suffix = b":" + realm.encode()
    nonces = Nonces(INSTANCE_SECRET + suffix)

    def refusal(*, stale: bool = False) -> LocalResponse:
        nonce = b', nonce="%b"' % nonces.issue()
        return LocalResponse(
            401, challenge + nonce + (b", stale=true" if stale else b"") + CONTENT_TYPE, UNAUTHORIZED
        )

    def step(request: Request, client: Client) -> None:
        value = authorization(request)
        parameters = parse_parameters(value[7:]) if value[:7].lower() == b"digest " else None
        if parameters is None:
            raise refusal()
        user = parameters.get(b"username", b"")
        client.username = user
        secret = find_hash(user + suffix)
        # An unknown user takes as long as a known one, so that response times do not reveal names.
        right = response_matches((secret or _UNKNOWN_USER).lower().encode(), request.method, parameters)
        if (
            not right
            or secret is None
            or parameters[b"uri"] != request.target
            or parameters[b"qop"] != b"auth"
            or parameters.get(b"algorithm", b"MD5").upper() != b"MD5"
        ):
            raise refusal()
        if not nonces.accept(parameters[b"nonce"], parameters[b"nc"]):
            raise refusal(stale=True)
        if accept is not None:
            accept(request, user)

    return step
