"""Names the reason of a response that a middleware gives in place of a server, for the metric of refusals."""

from __future__ import annotations

from http import HTTPStatus

from proxy.http1.errors import RequestError
from proxy.per_request.local_response import LocalResponse

_FIRST_ERROR = 400

_BY_KIND = {
    "circuitBreaker": "circuit_open",
    "inFlightReq": "in_flight",
    "ipAllowList": "forbidden",
    "ipWhiteList": "forbidden",
    "rateLimit": "rate",
}
"""Kinds whose responses are refusals for this reason, whatever status a user has chosen for them."""

_BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    408: "timeout",
    413: "too_large",
    429: "rate",
    503: "unavailable",
}


def refusal_reason(kind: str, response: LocalResponse | RequestError) -> str:
    """Return why a middleware of this kind has refused a request: one of REFUSAL_REASONS.

    Return nothing for responses that are no refusals, such as redirections and those to preflights.
    """
    if isinstance(response, LocalResponse):
        if response.refusal:
            return response.refusal
        if kind in _BY_KIND:
            return _BY_KIND[kind]
    elif kind == "inFlightReq":
        return _BY_KIND[kind]
    elif kind == "headers":
        return "bad_host" if response.status == HTTPStatus.INTERNAL_SERVER_ERROR else "bad_request"
    status = response.status
    if kind == "forwardAuth" and isinstance(response, LocalResponse) and status < _FIRST_ERROR:
        # A redirection to where the client can sign in.
        return "unauthorized"
    if status < _FIRST_ERROR:
        return ""
    return _BY_STATUS.get(status, "error" if status // 100 == 5 else "refused")
