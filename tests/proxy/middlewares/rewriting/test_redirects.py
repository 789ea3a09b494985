"""Redirections by scheme and by expression: tables of cases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.limits import REMOVED_LINES_TRUSTED, Limits
from proxy.http1.request import Request, parse_request
from proxy.middlewares.chains import ChainError, Chains
from proxy.per_request.local_response import LocalResponse
from rondpoint.model import Middleware
from tests.proxy.middlewares.sender import Sender

TRUSTED = Limits(removed_lines=REMOVED_LINES_TRUSTED)
TLS = "1.3 TLS_AES_128_GCM_SHA256"
PROTO = "X-Forwarded-Proto"
TO_HTTPS = {"scheme": "https"}
TO_PORT = {"scheme": "https", "port": "8443"}
TO_DEFAULT_PORT = {"scheme": "HTTPS", "port": "443"}
TO_HTTP = {"scheme": "http", "port": "80"}

# options, URL, Location (None: the server gets the request)
SCHEMES: list[tuple[dict[str, Any], str, str | None]] = [
    (TO_HTTPS, "http://a.test/x?q=1", "https://a.test/x?q=1"),
    (TO_HTTPS, "https://a.test/x", None),
    (TO_HTTPS, "http://a.test:80/", "https://a.test/"),
    (TO_HTTPS, "http://a.test:8080/", "https://a.test/"),
    (TO_HTTPS, "https://a.test:443/", None),
    (TO_HTTPS, "https://a.test:8443/", "https://a.test/"),
    (TO_HTTPS, "http://[::1]/x", "https://[::1]/x"),
    (TO_HTTPS, "http://[::1]:8080/x", "https://[::1]/x"),
    (TO_HTTPS, "http://a.test:/x", "https://a.test/x"),
    (TO_PORT, "http://a.test/", "https://a.test:8443/"),
    (TO_PORT, "http://a.test:8443/", "https://a.test:8443/"),
    (TO_PORT, "https://a.test:8443/", None),
    (TO_PORT, "https://a.test/", "https://a.test:8443/"),
    (TO_PORT, "http://[::1]:80/", "https://[::1]:8443/"),
    (TO_DEFAULT_PORT, "http://a.test/", "https://a.test/"),
    (TO_DEFAULT_PORT, "https://a.test:443/", None),
    (TO_HTTP, "https://a.test/", "http://a.test/"),
    (TO_HTTP, "http://a.test:80/", None),
    (TO_HTTP, "http://a.test:8080/", "http://a.test/"),
    (TO_HTTPS, "http://a.test//b.test/x", "https://a.test/b.test/x"),
    (TO_HTTPS, "http://a.test/x/../%2e%2e/y", "https://a.test/y"),
    (TO_HTTPS, "http://a.test/%61%2fb|c", "https://a.test/a%2Fb%7Cc"),
    (TO_HTTPS, "http://a.test/\xe9?\xe9", "https://a.test/%E9?%E9"),
    (TO_HTTPS, "http://a.test/%0d%0aX:y?%0d%0aX:y", "https://a.test/%0D%0AX:y?%0d%0aX:y"),
]

OLD = {"regex": "^http://([^/]+)/old/(.*)", "replacement": "https://$1/new/${2}"}

# options, URL, Location (None: the server gets the request)
EXPRESSIONS: list[tuple[dict[str, Any], str, str | None]] = [
    (OLD, "http://a.test/old/x?q=/old/", "https://a.test/new/x?q=/old/"),
    (OLD, "http://a.test:8080/old/", "https://a.test:8080/new/"),
    (OLD, "http://a.test/new/x", None),
    (OLD, "https://a.test/old/x", None),
    (OLD, "http://a.test/%6fld/x", "https://a.test/new/x"),
    (OLD, "http://a.test//y/..//old/x", "https://a.test/new/x"),
    (OLD, "http://a.test/old/a%2fb", "https://a.test/new/a%2Fb"),
    (OLD, "http://[::1]:80/old/x", "https://[::1]:80/new/x"),
    ({"regex": ".*", "replacement": "https://b.test/"}, "http://a.test/x", "https://b.test/"),
    ({"regex": "(.*)", "replacement": "$1/end"}, "http://a.test/x", "http://a.test/x/end"),
    ({"regex": "^(.*)$", "replacement": "$1"}, "http://a.test/x?q", None),
    ({"regex": "a+", "replacement": "b"}, "http://h/aa/a?a", "http://h/b/b?b"),
    ({"regex": "x*", "replacement": "-"}, "http://h/ax", "-h-t-t-p-:-/-/-h-/-a-"),
    ({"regex": "^.*/(?P<last>[a-z])$", "replacement": "/$last$$"}, "http://h/q", "/q$"),
    ({"regex": ".*", "replacement": "/a b/\xe9?c d|#e"}, "http://h/", "/a%20b/%C3%A9?c%20d|#e"),
    ({"regex": ".*", "replacement": ""}, "http://h/", ""),
]


# options, URL, Location
PARTS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "http://a.test:8080/x?q", "http://a.test:8080/x?q"),
    ({"hostname": "b.test"}, "http://a.test:8080/x?q", "http://b.test:8080/x?q"),
    ({"scheme": "https"}, "http://a.test:8080/x", "https://a.test/x"),
    ({"scheme": "https", "port": "8443"}, "http://a.test/x", "https://a.test:8443/x"),
    ({"scheme": "http", "port": "80"}, "https://a.test/x", "http://a.test/x"),
    ({"port": "8083"}, "https://a.test/x", "https://a.test:8083/x"),
    ({"port": ""}, "http://a.test:8080/x", "http://a.test/x"),
    ({"path": "/new path"}, "http://a.test/x?q", "http://a.test/new%20path?q"),
    ({"path": "/xyz", "pathPrefix": "/foo"}, "http://a.test/foo/b%2fr?q", "http://a.test/xyz/b%2Fr?q"),
    ({"path": "/", "pathPrefix": "/foo"}, "http://a.test/foo//b.test", "http://a.test/b.test"),
    ({"hostname": "[::1]"}, "https://a.test/x", "https://[::1]/x"),
]


def request_for(url: str, method: str = "GET", **headers: str) -> Request:
    _, _, rest = url.partition("://")
    host, slash, target = rest.partition("/")
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    data = f"{method} {slash}{target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n"
    request = parse_request(data.encode("latin-1"), TRUSTED)
    assert request is not None
    return request


def respond(
    kind: str, options: dict[str, Any], request: Request, *, tls: bool = False
) -> LocalResponse | None:
    """Return the response of this middleware; None if it lets the request pass."""
    chains = Chains()
    chains.put(Middleware("m", kind, options))
    before = request.target, request.headers
    try:
        for step in chains.compile_chain(("m",), "router", "r"):
            step(request, Sender(tls=TLS if tls else ""))
    except LocalResponse as response:
        return response
    assert (request.target, request.headers) == before
    return None


def location(response: LocalResponse | None) -> str | None:
    """Return the value of the only Location line; None without a response."""
    if response is None:
        return None
    lines = response.lines.decode("latin-1").split("\r\n")
    assert lines[:2] == ["", "Content-Type: text/plain; charset=utf-8"]
    (line,) = lines[2:]
    return line.removeprefix("Location: ")


@pytest.mark.parametrize(("options", "url", "expected"), SCHEMES)
def test_the_scheme_and_the_port_change(options: dict[str, Any], url: str, expected: str | None) -> None:
    response = respond("redirectScheme", options, request_for(url), tls=url.startswith("https"))
    assert location(response) == expected


@pytest.mark.parametrize(("options", "url", "expected"), EXPRESSIONS)
def test_the_whole_url_is_matched(options: dict[str, Any], url: str, expected: str | None) -> None:
    response = respond("redirectRegex", options, request_for(url), tls=url.startswith("https"))
    assert location(response) == expected


@pytest.mark.parametrize(("options", "url", "expected"), PARTS)
def test_given_parts_of_the_url_change(options: dict[str, Any], url: str, expected: str) -> None:
    response = respond("requestRedirect", options, request_for(url), tls=url.startswith("https"))
    assert location(response) == expected


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_of_the_gateway_api_has_its_own_status(status: int) -> None:
    response = respond("requestRedirect", {"statusCode": status}, request_for("http://a.test/", "POST"))
    assert response is not None
    assert response.status == status


def test_a_hostname_that_no_header_may_contain_is_refused() -> None:
    with pytest.raises(ChainError, match="is not a valid host"):
        respond("requestRedirect", {"hostname": "a b"}, request_for("http://a.test/"))


@pytest.mark.parametrize(
    ("method", "permanent", "status"),
    [
        ("GET", False, 302),
        ("GET", True, 301),
        *((method, False, 307) for method in ("HEAD", "POST", "PUT", "OPTIONS")),
        *((method, True, 308) for method in ("HEAD", "POST", "DELETE", "PATCH", "PURGE")),
    ],
)
def test_methods_other_than_get_keep_their_method(method: str, permanent: bool, status: int) -> None:
    kinds: dict[str, dict[str, Any]] = {"redirectScheme": TO_HTTPS, "redirectRegex": OLD}
    for kind, options in kinds.items():
        request = request_for("http://a.test/old/x", method)
        response = respond(kind, {**options, "permanent": permanent}, request)
        assert response is not None
        assert response.status == status


@pytest.mark.parametrize(
    ("claim", "tls", "passes"),
    [
        ("https", False, True),
        ("HTTPS", False, True),
        ("wss", False, True),
        ("http", True, False),
        ("ws", True, False),
        ("ftp", False, False),
        ("https, http", False, False),
    ],
)
def test_the_scheme_of_a_trusted_client_counts(claim: str, tls: bool, passes: bool) -> None:
    request = request_for("http://a.test/x", X_Forwarded_Proto=claim)
    assert (respond("redirectScheme", TO_HTTPS, request, tls=tls) is None) == passes


def test_the_expression_never_sees_a_claimed_scheme() -> None:
    request = request_for("http://a.test/old/x", X_Forwarded_Proto="https")
    assert location(respond("redirectRegex", OLD, request)) == "https://a.test/new/x"


def test_a_request_without_host_has_no_url_to_redirect_to() -> None:
    request = parse_request(b"GET / HTTP/1.0\r\n\r\n", Limits())
    assert request is not None
    with pytest.raises(RequestError) as caught:
        respond("redirectScheme", TO_HTTPS, request)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("redirectRegex", {"regex": "(", "replacement": "x"}, "is no regular expression"),
        ("redirectRegex", {"regex": "x", "replacement": "x\r\nSet-Cookie: a"}, "control character"),
        ("redirectScheme", {"scheme": "https\r\nX: "}, "control character"),
        ("redirectScheme", {"scheme": "https", "port": "1\n2"}, "control character"),
    ],
)
def test_options_that_cannot_be_applied_close_the_router(
    kind: str, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ChainError, match=reason):
        respond(kind, options, request_for("http://a.test/"))


targets = st.text('/ab.%2eEfF0d?+~\xe9|\\"<>#', max_size=12).map(lambda text: "/" + text.replace("#", ""))
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8)


@given(texts, targets)
def test_the_location_is_one_line_of_ascii_for_any_options(replacement: str, target: str) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "redirectScheme": TO_HTTPS,
        "redirectRegex": {"regex": "a|%|$", "replacement": replacement},
    }
    for kind, options in kinds.items():
        found = location(respond(kind, options, request_for(f"http://a.test{target}")))
        assert found is None or all("!" <= character <= "~" for character in found)
