"""Options of middlewares: one spelling, typed values, and what becomes of those that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from rondpoint.middlewares.canonical import canonicalise, add_defaults
from rondpoint.middlewares.redaction import HIDDEN, redact_middleware
from rondpoint.model import Middleware


def _at_docker(name: str) -> str:
    return name if "@" in name else f"{name}@docker"


READ: list[tuple[str, object, dict[str, Any]]] = [
    ("stripPrefix", {"PREFIXES": "/a, /b"}, {"prefixes": ["/a", "/b"]}),
    (
        "stripPrefix",
        {"prefixes": ["/a,b"], "forceslash": "false"},
        {"prefixes": ["/a,b"], "forceSlash": False},
    ),
    ("chain", {"middlewares": "a, b@file"}, {"middlewares": ["a@docker", "b@file"]}),
    ("errors", {"status": "500-599", "service": "s"}, {"status": ["500-599"], "service": "s@docker"}),
    ("rateLimit", {"average": "10", "period": "1m"}, {"average": 10, "period": 60.0}),
    ("compress", "true", {}),
    ("ipAllowList", {"sourcerange": "10.0.0.1/8"}, {"sourceRange": ["10.0.0.0/8"]}),
    (
        "ipAllowList",
        {"sourceRange": "::1", "ipStrategy": "true"},
        {"sourceRange": ["::1/128"], "ipStrategy": {}},
    ),
    ("basicAuth", {"users": "u:$2y$05$x,v:y"}, {"users": ["u:$2y$05$x", "v:y"]}),
    ("headers", {"customrequestheaders": {"X-A": ""}}, {"customRequestHeaders": {"X-A": ""}}),
]


@pytest.mark.parametrize(("kind", "written", "options"), READ)
def test_options_are_spelled_and_typed(kind: str, written: object, options: dict[str, Any]) -> None:
    found = canonicalise(kind, written, _at_docker)
    assert (found.options, found.errors) == (options, ())


REFUSED: list[tuple[str, object, tuple[str, ...], str]] = [
    ("ipAllowList", {"sourceRange": "10.0.0.0/99"}, ("sourceRange",), "is not valid"),
    ("ipAllowList", {}, ("sourceRange",), "is missing"),
    (
        "ipAllowList",
        {"sourceRange": "10.0.0.1", "ipStrategy": {"dept": "1"}},
        ("ipStrategy", "dept"),
        "is unknown",
    ),
    ("basicAuth", {"realm": "x"}, (), "has neither users nor usersFile"),
    ("digestAuth", {"users": "u:hash"}, ("users",), "is not valid"),
    ("forwardAuth", {"address": "auth:9000"}, ("address",), "is not valid"),
    ("inFlightReq", {"amount": "many"}, ("amount",), "is not valid"),
    ("stripPrefix", "true", (), "is not valid"),
    ("errors", {"status": "599-500", "service": "s"}, ("status",), "is not valid"),
    ("stripPrefixRegex", {"regex": "^/a, ("}, ("regex",), "is not valid"),
    ("stripPrefixRegex", {"regex": ["^/(?!a)"]}, ("regex",), "is not valid"),
    ("replacePathRegex", {"regex": "(", "replacement": "x"}, ("regex",), "is not valid"),
    ("redirectRegex", {"regex": "*", "replacement": "x"}, ("regex",), "is not valid"),
    (
        "forwardAuth",
        {"address": "http://a", "authResponseHeadersRegex": "["},
        ("authResponseHeadersRegex",),
        "is not valid",
    ),
    (
        "headers",
        {"accessControlAllowOriginListRegex": "("},
        ("accessControlAllowOriginListRegex",),
        "is not valid",
    ),
]


@pytest.mark.parametrize(("kind", "written", "path", "message"), REFUSED)
def test_what_cannot_be_read_makes_a_middleware_unusable(
    kind: str, written: object, path: tuple[str, ...], message: str
) -> None:
    found = canonicalise(kind, written, _at_docker)
    assert [(fault.path, fault.message) for fault in found.errors] == [(path, message)]
    assert not found.usable


def test_an_expression_that_a_comma_breaks_is_told_how_to_be_written() -> None:
    (fault,) = canonicalise("stripPrefixRegex", {"regex": "^/v(1{1,2})"}, _at_docker).errors
    assert fault.hint.startswith("expected a regular expression of RE2: missing )")
    assert fault.hint.endswith("a comma separates, unless each has a number: NAME[0]")
    whole = canonicalise("stripPrefixRegex", {"regex": ["^/v(1{1,2})"]}, _at_docker)
    assert whole.options == {"regex": ["^/v(1{1,2})"]}


def test_an_unknown_option_of_what_guards_nothing_is_a_slip() -> None:
    found = canonicalise("addPrefix", {"prefix": "/a", "prefx": "/b"}, _at_docker)
    assert found.usable
    assert found.errors[0].hint == "did you mean prefix?"


def test_a_fault_does_not_tell_secrets() -> None:
    (fault,) = canonicalise("digestAuth", {"users": "me:my-hash"}, _at_docker).errors
    assert "my-hash" not in f"{fault}"


def test_defaults_are_filled_in_below_groups_that_are_given() -> None:
    options = canonicalise("rateLimit", {"average": 5, "redis": {"db": 1}}, _at_docker).options
    found = add_defaults("rateLimit", options)
    assert (found["average"], found["burst"], found["period"]) == (5, 1, 1.0)
    assert (found["redis"]["endpoints"], found["redis"]["db"]) == (["localhost:6379"], 1)
    assert "sourceCriterion" not in found


SECRETS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("basicAuth", {"users": ["a:b"], "realm": "r"}, {"users": HIDDEN, "realm": "r"}),
    (
        "headers",
        {"customRequestHeaders": {"Authorization": "Basic x", "X-Api-Key": "k", "X-Name": "n"}},
        {"customRequestHeaders": {"Authorization": HIDDEN, "X-Api-Key": HIDDEN, "X-Name": "n"}},
    ),
    ("forwardAuth", {"tls": {"key": "k", "ca": "c"}}, {"tls": {"key": HIDDEN, "ca": "c"}}),
    ("plugin", {"mine": {"secret": "s"}}, {"mine": HIDDEN}),
    ("of a later version", {"users": "s"}, {"users": HIDDEN}),
]


@pytest.mark.parametrize(("kind", "options", "shown"), SECRETS)
def test_secrets_are_hidden(kind: str, options: dict[str, Any], shown: dict[str, Any]) -> None:
    assert redact_middleware(Middleware("m@file", kind, options)).options == shown
