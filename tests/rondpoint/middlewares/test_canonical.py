"""Options of middlewares: their spelling, their types, and invalid ones."""

from __future__ import annotations

from typing import Any

import pytest

from rondpoint.middlewares.canonical import add_defaults, canonicalise
from rondpoint.middlewares.redaction import HIDDEN, redact_middleware
from rondpoint.model import Middleware


def _qualify_with_docker(name: str) -> str:
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
    (
        "errors",
        {
            "status": "404",
            "service": "s",
            "statusRewrites": {"418": "404", "502-504": 500},
            "errorRequestHeaders": [],
        },
        {
            "status": ["404"],
            "service": "s@docker",
            "statusRewrites": {"418": 404, "502-504": 500},
            "errorRequestHeaders": [],
        },
    ),
    ("rateLimit", {"average": "10", "period": "1m"}, {"average": 10, "period": 60.0}),
    ("compress", "true", {}),
    ("ipAllowList", {"sourcerange": "10.0.0.1/8"}, {"sourceRange": ["10.0.0.0/8"]}),
    (
        "ipAllowList",
        {"sourceRange": "::1", "ipStrategy": "true"},
        {"sourceRange": ["::1/128"], "ipStrategy": {}},
    ),
    (
        "basicAuth",
        {"users": "u:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=,v:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"},
        {"users": ["u:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=", "v:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"]},
    ),
    ("headers", {"customrequestheaders": {"X-A": ""}}, {"customRequestHeaders": {"X-A": ""}}),
    ("redirectScheme", {"scheme": "https", "port": 8443}, {"scheme": "https", "port": "8443"}),
    ("redirectScheme", {"scheme": "https", "port": ""}, {"scheme": "https", "port": ""}),
]


@pytest.mark.parametrize(("kind", "written", "options"), READ)
def test_options_get_their_spelling_and_type(kind: str, written: object, options: dict[str, Any]) -> None:
    found = canonicalise(kind, written, _qualify_with_docker)
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
    (
        "errors",
        {"status": "404", "service": "s", "statusRewrites": {"4xx": 500}},
        ("statusRewrites",),
        "is not valid",
    ),
    ("stripPrefixRegex", {"regex": "^/a, ("}, ("regex",), "is not valid"),
    ("stripPrefixRegex", {"regex": ["^/(?!a)"]}, ("regex",), "is not valid"),
    ("replacePathRegex", {"regex": "(", "replacement": "x"}, ("regex",), "is not valid"),
    ("redirectRegex", {"regex": "*", "replacement": "x"}, ("regex",), "is not valid"),
    ("redirectScheme", {"scheme": "https://"}, ("scheme",), "is not valid"),
    ("redirectScheme", {"scheme": "https", "port": "0"}, ("port",), "is not valid"),
    ("redirectScheme", {"scheme": "https", "port": "65536"}, ("port",), "is not valid"),
    ("redirectScheme", {"scheme": "https", "port": ":443"}, ("port",), "is not valid"),
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
    ("headers", {"customRequestHeaders": {"Upgrade": "x"}}, ("customRequestHeaders",), "is not valid"),
    ("headers", {"customResponseHeaders": {"te": ""}}, ("customResponseHeaders",), "is not valid"),
]


@pytest.mark.parametrize(("kind", "written", "path", "message"), REFUSED)
def test_an_invalid_option_makes_a_middleware_unusable(
    kind: str, written: object, path: tuple[str, ...], message: str
) -> None:
    found = canonicalise(kind, written, _qualify_with_docker)
    assert [(error.path, error.message) for error in found.errors] == [(path, message)]
    assert not found.usable


def test_an_expression_with_a_comma_gets_a_hint() -> None:
    (error,) = canonicalise("stripPrefixRegex", {"regex": "^/v(1{1,2})"}, _qualify_with_docker).errors
    assert error.hint.startswith("expected a regular expression of RE2: missing )")
    assert error.hint.endswith("a comma separates expressions, unless each has a number: NAME[0]")
    whole = canonicalise("stripPrefixRegex", {"regex": ["^/v(1{1,2})"]}, _qualify_with_docker)
    assert whole.options == {"regex": ["^/v(1{1,2})"]}


def test_an_unknown_option_of_a_kind_that_refuses_nothing_is_no_fatal_error() -> None:
    found = canonicalise("addPrefix", {"prefix": "/a", "prefx": "/b"}, _qualify_with_docker)
    assert found.usable
    assert found.errors[0].hint == "did you mean prefix?"


def test_an_error_does_not_contain_secrets() -> None:
    (error,) = canonicalise("digestAuth", {"users": "me:my-hash"}, _qualify_with_docker).errors
    assert "my-hash" not in f"{error}"


def test_defaults_are_added_in_given_groups() -> None:
    options = canonicalise("rateLimit", {"average": 5, "redis": {"db": 1}}, _qualify_with_docker).options
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
