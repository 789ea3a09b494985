"""The reason of a refusal, by the kind of the middleware and its response."""

import pytest

from proxy.http1.errors import RequestError
from proxy.middlewares.refusals import refusal_reason
from proxy.per_request.local_response import LocalResponse
from rondpoint.middlewares.refusal_reasons import REFUSAL_REASONS

BUSY = RequestError(503, "too many passwords are being checked")

CASES = [
    ("rateLimit", LocalResponse(429), "rate"),
    ("inFlightReq", RequestError(429, ""), "in_flight"),
    ("ipAllowList", LocalResponse(403), "forbidden"),
    ("ipAllowList", LocalResponse(204), "forbidden"),
    ("ipWhiteList", LocalResponse(403), "forbidden"),
    ("circuitBreaker", LocalResponse(503), "circuit_open"),
    ("circuitBreaker", LocalResponse(200), "circuit_open"),
    ("basicAuth", LocalResponse(401), "unauthorized"),
    ("basicAuth", BUSY, "unavailable"),
    ("digestAuth", LocalResponse(401), "unauthorized"),
    ("forwardAuth", LocalResponse(500, refusal="auth_unavailable"), "auth_unavailable"),
    ("forwardAuth", LocalResponse(500), "error"),
    ("forwardAuth", LocalResponse(403), "forbidden"),
    ("forwardAuth", LocalResponse(302), "unauthorized"),
    ("forwardAuth", LocalResponse(418), "refused"),
    ("forwardAuth", RequestError(413, ""), "too_large"),
    ("forwardAuth", RequestError(408, ""), "timeout"),
    ("encodedCharacters", RequestError(400, ""), "bad_request"),
    ("stripPrefix", RequestError(400, ""), "bad_request"),
    ("headers", RequestError(500, "bad host"), "bad_host"),
    ("headers", RequestError(400, "no valid host"), "bad_request"),
    ("headers", LocalResponse(200), ""),
    ("headers", LocalResponse(301), ""),
    ("redirectScheme", LocalResponse(308), ""),
    ("redirectScheme", RequestError(400, ""), "bad_request"),
    ("plugin", LocalResponse(200), ""),
    ("plugin", LocalResponse(429), "rate"),
]


@pytest.mark.parametrize(("kind", "response", "reason"), CASES)
def test_the_reason_follows_from_kind_and_response(
    kind: str, response: LocalResponse | RequestError, reason: str
) -> None:
    assert refusal_reason(kind, response) == reason


def test_each_reason_is_documented() -> None:
    assert {reason for _, _, reason in CASES} - {""} == REFUSAL_REASONS.keys()
