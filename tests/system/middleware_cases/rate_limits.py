"""Rate limits: few requests per hour, so that the time between two requests does not matter."""

from __future__ import annotations

from typing import Any

from tests.system.middleware_cases.case import Case, SampleRequest


def limit(**options: Any) -> dict[str, Any]:
    return {"limit": {"rateLimit": {"average": 1, "period": "1h", **options}}}


def keyed(*values: str) -> list[SampleRequest]:
    return [SampleRequest(headers=[("X-Key", value)]) for value in values]


def forwarded(*values: str) -> list[SampleRequest]:
    return [SampleRequest(headers=[("X-Forwarded-For", value)], entry_point="trusting") for value in values]


CASES = [
    Case("rate-one", limit(), [SampleRequest(), SampleRequest(), SampleRequest("/other")]),
    Case("rate-no-burst", limit(burst=0), [SampleRequest(), SampleRequest()]),
    Case(
        "rate-burst",
        limit(burst=3),
        [
            SampleRequest(),
            SampleRequest(method="HEAD"),
            SampleRequest(method="POST", body=b"body"),
            SampleRequest(method="HEAD"),
            SampleRequest(method="POST", body=b"body"),
        ],
    ),
    Case("rate-unlimited", limit(average=0), [SampleRequest() for _ in range(5)]),
    Case(
        "rate-default-period", {"limit": {"rateLimit": {"average": 100, "burst": 5}}}, [SampleRequest()] * 3
    ),
    Case(
        "rate-per-header",
        limit(sourceCriterion={"requestHeaderName": "X-Key"}),
        [*keyed("a", "b", "a", "b", "A"), SampleRequest(), SampleRequest()],
    ),
    Case(
        "rate-per-host",
        limit(sourceCriterion={"requestHost": True}),
        [SampleRequest(), SampleRequest()],
    ),
    Case(
        "rate-per-host-spelling",
        limit(sourceCriterion={"requestHost": True}),
        [SampleRequest(), SampleRequest(headers=[("Host", "RATE-per-host-spelling.test")])],
        departure="for Traefik a host in capitals is another one, so clients could evade the limit",
    ),
    Case(
        "rate-per-depth",
        limit(sourceCriterion={"ipStrategy": {"depth": 1}}),
        forwarded("192.0.2.1", "192.0.2.2", "192.0.2.9, 192.0.2.1", "192.0.2.1, 192.0.2.9"),
    ),
    Case(
        "rate-excluded",
        limit(sourceCriterion={"ipStrategy": {"excludedIPs": ["192.0.2.0/24"]}}),
        forwarded("198.51.100.1, 192.0.2.1", "198.51.100.2, 192.0.2.1", "198.51.100.1, 192.0.2.7"),
    ),
    Case(
        "rate-peer",
        limit(),
        forwarded("192.0.2.1", "192.0.2.2"),
    ),
    Case(
        "rate-two-limits",
        {
            "wide": {"rateLimit": {"average": 1, "period": "1h", "burst": 3}},
            "narrow": {"rateLimit": {"average": 1, "period": "2h", "burst": 2}},
        },
        [SampleRequest() for _ in range(4)],
    ),
]
