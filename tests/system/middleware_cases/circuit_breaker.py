"""Middlewares that respond instead of the service once a condition is met; the origin responds with 200."""

from __future__ import annotations

from typing import Any

from tests.system.middleware_cases.case import Case, SampleRequest

ALWAYS = "ResponseCodeRatio(200, 300, 0, 600) > 0.5"
REQUESTS = [
    SampleRequest("/first"),
    SampleRequest("/second"),
    SampleRequest("/third", "POST", body=b"body"),
    SampleRequest("/fourth", "HEAD"),
]


def breaker(expression: str, **options: Any) -> dict[str, Any]:
    """Return a middleware that is open for a long time once its expression is met."""
    return {"breaker": {"circuitBreaker": {"expression": expression, "fallbackDuration": "1h", **options}}}


OPENING = {
    "status": ALWAYS,
    "network": "NetworkErrorRatio() < 0.5",
    "no-network-error": "NetworkErrorRatio() == 0.0",
    "latency": "LatencyAtQuantileMS(50.0) >= 0",
    "latency-below": "LatencyAtQuantileMS(99.9) < 60000",
    "either": f"NetworkErrorRatio() > 0.5 || {ALWAYS}",
    "both": f"NetworkErrorRatio() <= 0.5 && {ALWAYS}",
    "grouped": f"(NetworkErrorRatio() > 0.5 || {ALWAYS}) && (LatencyAtQuantileMS(50.0) != 70000)",
    "precedence": f"{ALWAYS} || {ALWAYS} && NetworkErrorRatio() > 0.5",
}
"""Expressions that are met after one request."""

NOT_OPENING = {
    "network": "NetworkErrorRatio() > 0.0",
    "status": "ResponseCodeRatio(500, 600, 0, 600) > 0.1",
    "nothing-to-divide-by": "ResponseCodeRatio(200, 300, 400, 600) > 0.0",
    "end-of-a-range": "ResponseCodeRatio(100, 200, 0, 600) > 0.0",
    "latency": "LatencyAtQuantileMS(50.0) > 60000",
    "both": f"NetworkErrorRatio() > 0.5 && {ALWAYS}",
}
"""Expressions that are never met."""

CASES = [
    *(Case(f"breaker-opens-by-{name}", breaker(text), REQUESTS) for name, text in OPENING.items()),
    *(Case(f"breaker-stays-closed-{name}", breaker(text), REQUESTS) for name, text in NOT_OPENING.items()),
    Case("breaker-status", breaker(ALWAYS, responseCode=418), REQUESTS),
    Case("breaker-unknown-status", breaker(ALWAYS, responseCode=599), REQUESTS),
    Case("breaker-without-body", breaker(ALWAYS, responseCode=204), REQUESTS),
    Case("breaker-recovering", breaker(ALWAYS, fallbackDuration="1ms", recoveryDuration="1h"), REQUESTS),
    Case("breaker-long-period", breaker(ALWAYS, checkPeriod="1h"), REQUESTS),
    Case("breaker-zero-durations", breaker(ALWAYS, checkPeriod=0, fallbackDuration=0), REQUESTS),
    Case(
        "breaker-behind-a-guard",
        {"guard": {"encodedCharacters": {"allowEncodedHash": True}}, **breaker("NetworkErrorRatio() < 0.5")},
        [SampleRequest("/%2F"), SampleRequest("/%2F"), *REQUESTS],
    ),
    Case(
        "breaker-before-a-guard",
        {
            **breaker("ResponseCodeRatio(400, 401, 0, 600) > 0.5"),
            "guard": {"encodedCharacters": {"allowEncodedHash": True}},
        },
        [SampleRequest("/%2F"), *REQUESTS],
    ),
    Case(
        "breaker-and-headers-of-a-path",
        {"add": {"addPrefix": {"prefix": "/p"}}, **breaker(ALWAYS)},
        REQUESTS,
    ),
    Case(
        "breaker-whole-number",
        breaker("NetworkErrorRatio() < 1 && LatencyAtQuantileMS(50) < 60000.0"),
        REQUESTS,
        departure="Traefik drops the router unless a number has the form that it wants; both forms are clear",
    ),
    Case(
        "breaker-negation",
        breaker(f"!({ALWAYS})"),
        REQUESTS,
        departure="Traefik has no negation, and drops the router",
    ),
]
