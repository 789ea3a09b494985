"""Middlewares that admit clients by address or by password."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from tests.system.middleware_cases.case import Case, SampleRequest

# Hashes of the password "test".
BCRYPT = "$2y$04$FE6XLarqJKP27qSqzCgYfOE3GdX0JBL4W9ggZYhOa3ukIRi.ZEVdO"
APR1 = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
SHA1 = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="
USERS = [f"bob:{BCRYPT}", f"eve:{APR1}", f"sha:{SHA1}"]
USERS_FILE = str(Path(__file__).parent / "users.txt")

OFFICE = "198.51.100.7"
NETWORKS = ["198.51.100.0/24", "2001:db8::/64"]


def signed(user: str, password: str = "test", scheme: str = "Basic") -> tuple[str, str]:
    return "Authorization", f"{scheme} {b64encode(f'{user}:{password}'.encode()).decode()}"


def claiming(*values: str, entry_point: str = "trusting") -> SampleRequest:
    """Return a request with these X-Forwarded-For lines."""
    return SampleRequest(headers=[("X-Forwarded-For", value) for value in values], entry_point=entry_point)


CASES = [
    Case(
        "allow-loopback",
        {"m": {"ipAllowList": {"sourceRange": ["127.0.0.0/8"]}}},
        [SampleRequest("/a?b=c"), SampleRequest("/a", "POST", body=b"body"), claiming(OFFICE)],
    ),
    Case(
        "allow-office",
        {"m": {"ipAllowList": {"sourceRange": NETWORKS}}},
        [
            SampleRequest(),
            SampleRequest(method="HEAD"),
            claiming(OFFICE),
            claiming(OFFICE, entry_point="web"),
        ],
    ),
    Case(
        "allow-depth",
        {"m": {"ipAllowList": {"sourceRange": NETWORKS, "ipStrategy": {"depth": 2}}}},
        [
            claiming(f"{OFFICE}, 203.0.113.1"),
            claiming(f"203.0.113.1, {OFFICE}, 10.0.0.1"),
            claiming(f"{OFFICE}, 203.0.113.1, 10.0.0.1"),
            claiming(OFFICE),
            claiming(f"{OFFICE},203.0.113.1", entry_point="web"),
            claiming("rubbish, 203.0.113.1"),
            claiming(f"{OFFICE}:1234, 203.0.113.1"),
            claiming("2001:db8::5, 203.0.113.1"),
            claiming("2001:db8:0:1::5, 203.0.113.1"),
            claiming("::ffff:198.51.100.9, 203.0.113.1"),
            claiming(", 203.0.113.1"),
            SampleRequest(entry_point="trusting"),
        ],
    ),
    Case(
        "allow-excluded",
        {"m": {"ipAllowList": {"sourceRange": NETWORKS, "ipStrategy": {"excludedIPs": ["203.0.113.0/24"]}}}},
        [
            claiming(f"{OFFICE}, 203.0.113.1"),
            claiming(f"{OFFICE}, 203.0.113.1, 203.0.113.2"),
            claiming(f"{OFFICE}, 192.0.2.1, 203.0.113.1"),
            claiming("203.0.113.1"),
            claiming("rubbish, 203.0.113.1"),
            claiming(OFFICE),
        ],
    ),
    Case(
        "allow-subnet",
        {"m": {"ipAllowList": {"sourceRange": NETWORKS, "ipStrategy": {"depth": 1, "ipv6Subnet": 48}}}},
        [claiming("2001:db8:0:7::5"), claiming("2001:db8:1::5"), claiming(OFFICE)],
    ),
    Case(
        "allow-status",
        {"m": {"ipAllowList": {"sourceRange": NETWORKS, "rejectStatusCode": 404}}},
        [SampleRequest(), SampleRequest(method="POST", body=b"body")],
    ),
    Case(
        "allow-other-status",
        {"m": {"ipAllowList": {"sourceRange": NETWORKS, "rejectStatusCode": 499}}},
        [SampleRequest()],
        departure="Traefik drops a router with a status that has no registered name; RFC 9110 §15 allows it",
    ),
    Case(
        "white-list",
        {"m": {"ipWhiteList": {"sourceRange": NETWORKS, "ipStrategy": {"depth": 1}}}},
        [claiming(OFFICE), claiming("203.0.113.1"), SampleRequest()],
    ),
    Case(
        "basic",
        {"m": {"basicAuth": {"users": USERS}}},
        [
            SampleRequest(),
            SampleRequest(method="HEAD"),
            SampleRequest("/a", "POST", body=b"body"),
            SampleRequest(headers=[signed("bob")]),
            SampleRequest(headers=[signed("bob", "Test")]),
            SampleRequest(headers=[signed("eve")]),
            SampleRequest("/a", "POST", [signed("sha")], b"body"),
            SampleRequest(headers=[signed("nobody")]),
            SampleRequest(headers=[signed("eve", scheme="bASIC")]),
            SampleRequest(headers=[signed("eve", scheme="Bearer")]),
            SampleRequest(headers=[signed("eve", scheme="Basic ")]),
            SampleRequest(headers=[("Authorization", "Basic")]),
            SampleRequest(headers=[("Authorization", "Basic !!!")]),
            SampleRequest(headers=[("Authorization", "Basic " + b64encode(b"eve").decode())]),
            SampleRequest(headers=[("authorization", signed("eve")[1])], entry_point="secure"),
        ],
    ),
    Case(
        "basic-file",
        {"m": {"basicAuth": {"users": [f"eve:{APR1}"], "usersFile": USERS_FILE, "realm": "the office"}}},
        [
            SampleRequest(headers=[signed("ada")]),
            SampleRequest(headers=[signed("eve")]),
            SampleRequest(headers=[signed("bob")]),
            SampleRequest(headers=[signed("# ada")]),
        ],
    ),
    Case(
        "basic-header",
        {"m": {"basicAuth": {"users": USERS, "removeHeader": True, "headerField": "X-User"}}},
        [
            SampleRequest(headers=[signed("eve")]),
            SampleRequest(headers=[("X-User", "root"), signed("eve"), ("X-User", "bob")]),
            SampleRequest(headers=[("X-User", "root"), signed("eve", "wrong")]),
        ],
    ),
    Case(
        "basic-of-one",
        {"m": {"basicAuth": {"users": f"eve:{APR1}", "headerField": "X-User"}}},
        [SampleRequest(headers=[signed("eve")]), SampleRequest(headers=[signed("bob")])],
    ),
    Case(
        "basic-after-list",
        {
            "list": {"ipAllowList": {"sourceRange": ["127.0.0.1"]}},
            "auth": {"basicAuth": {"users": USERS}},
            "strip": {"stripPrefix": {"prefixes": ["/a"]}},
        },
        [SampleRequest("/a/b", headers=[signed("eve")]), SampleRequest("/a/b")],
    ),
    Case(
        "basic-twice",
        {"m": {"basicAuth": {"users": USERS}}},
        [SampleRequest(headers=[signed("eve"), signed("root", "x")])],
        departure="Traefik checks the first Authorization line; a server might read another one",
    ),
]
