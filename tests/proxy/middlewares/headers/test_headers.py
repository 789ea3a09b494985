"""The middleware headers: requests and responses as bytes."""

from typing import Any

import pytest

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.middlewares.chains import ChainError, Chains
from proxy.per_request.local_response import LocalResponse
from rondpoint.model import Middleware
from tests.proxy.middlewares.sender import Sender

FORWARDED = (
    b"\r\nX-Forwarded-For: 198.51.100.9, 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a.test"
)


def head(*lines: str, method: str = "GET", target: str = "/x?q=1") -> Request:
    text = "\r\n".join((f"{method} {target} HTTP/1.1", "Host: a.test", *lines, "", ""))
    request = parse_request(text.encode("latin-1"), Limits())
    assert request is not None
    return request


def pass_through(request: Request, client: Sender, *all_options: dict[str, Any]) -> None:
    """Run a middleware with each of these options."""
    chains = Chains()
    for number, options in enumerate(all_options):
        chains.put(Middleware(f"m{number}", "headers", options))
    for step in chains.compile_chain(
        tuple(f"m{number}" for number in range(len(all_options))), "router", "r"
    ):
        step(request, client)


def response(client: Sender, *lines: str) -> list[str]:
    """Return the header lines of a 200 response with these lines, after the middleware."""
    given = "\r\n".join(("HTTP/1.1 200 OK", *lines)).encode()
    changed = given if client.extras is None else client.extras.apply_response_steps(given)
    return changed.decode().split("\r\n")[1:]


def forwarded(client: Sender) -> list[str]:
    """Return the lines that the proxy adds to the request."""
    lines = client.forwarded(b"a.test")
    changed = lines if client.extras is None else client.extras.apply_forwarded_steps(lines)
    return changed.decode().split("\r\n")[1:]


@pytest.mark.parametrize("option", ["customRequestHeaders", "customResponseHeaders"])
@pytest.mark.parametrize("value", ["", "x"])
@pytest.mark.parametrize(
    "name",
    [
        *("Connection", "content-length", "Transfer-Encoding", "Upgrade", "TE", "Trailer", "Keep-Alive"),
        *("Transfer_Encoding", "CONTENT_LENGTH", "Proxy-Connection", "HTTP2-Settings"),
    ],
)
def test_headers_that_frame_messages_cannot_be_changed(option: str, name: str, value: str) -> None:
    with pytest.raises(ChainError, match=f"expected no {name}: only the proxy may set"):
        pass_through(head(), Sender(), {option: {name: value}})


@pytest.mark.parametrize(
    "options",
    [
        {"customRequestHeaders": {"X-A": "a\r\nX-B: c"}},
        {"customRequestHeaders": {"X-Forwarded-For": "a\nb"}},
        {"customRequestHeaders": {"X A": "a"}},
        {"customRequestHeaders": {"host": "a b"}},
        {"customRequestHeaders": {"Host": "a.test\r\nX-B: c"}},
        {"customResponseHeaders": {"X-A": "a\r\n\r\nbody"}},
        {"contentSecurityPolicy": "a\nb"},
        {"accessControlAllowHeaders": ["X-A\r\nX-B: c"]},
        {"accessControlExposeHeaders": ["X-A\r\nX-B: c"]},
        {"accessControlAllowOriginListRegex": ["("]},
        {"sslRedirect": True, "sslHost": "a.test/\r\nX-B: c"},
    ],
)
def test_options_that_would_split_a_line_close_the_router(options: dict[str, Any]) -> None:
    with pytest.raises(ChainError):
        pass_through(head(), Sender(), options)


def test_a_custom_host_changes_the_servers_host_and_not_the_forwarded_one() -> None:
    request, client = head(), Sender(claimed=FORWARDED)
    pass_through(request, client, {"customRequestHeaders": {"host": "b.test:81"}})
    assert request.headers == b"\r\nhost: b.test:81"
    assert (request.host, forwarded(client)[2]) == (b"a.test", "X-Forwarded-Host: a.test")


def test_a_custom_forwarded_for_gets_the_clients_address_appended() -> None:
    client = Sender(claimed=FORWARDED)
    options = {"customRequestHeaders": {"x-forwarded-for": "203.0.113.5", "X-Forwarded-Proto": "https"}}
    request = head()
    pass_through(request, client, options)
    assert request.headers.endswith(b"\r\nX-Forwarded-Proto: https")
    assert forwarded(client) == ["X-Forwarded-Host: a.test", "X-Forwarded-For: 203.0.113.5, 192.0.2.1"]


def test_the_inner_middleware_wins_on_requests_and_the_outer_on_responses() -> None:
    client, request = Sender(claimed=FORWARDED), head("X-A: client")
    pass_through(
        request,
        client,
        {
            "customRequestHeaders": {"X-A": "outer", "X-Forwarded-For": ""},
            "customResponseHeaders": {"X-B": "outer"},
        },
        {
            "customRequestHeaders": {"x-a": "inner", "X-Forwarded-For": "1"},
            "customResponseHeaders": {"x-b": ""},
        },
    )
    assert request.headers.endswith(b"\r\nHost: a.test\r\nx-a: inner")
    assert forwarded(client)[-1] == "X-Forwarded-For: 1, 192.0.2.1"
    assert response(client, "X-B: server", "Content-Length: 0") == ["Content-Length: 0", "X-B: outer"]


STS = {"stsSeconds": 5, "publicKey": "pin"}
STS_LINES = ["Strict-Transport-Security: max-age=5", "Public-Key-Pins: pin"]


@pytest.mark.parametrize(
    ("options", "tls", "sent", "expected"),
    [
        ({}, "", (), []),
        ({}, "TLSv1.3", (), STS_LINES),
        ({"isDevelopment": True}, "TLSv1.3", (), []),
        ({"forceSTSHeader": True}, "", (), STS_LINES[:1]),
        ({"sslProxyHeaders": {"x-tls": "on"}}, "", ("X-TLS: on",), STS_LINES),
        ({"sslProxyHeaders": {"X-Tls": "on"}}, "", ("X-Tls: ON",), []),
        ({"sslProxyHeaders": {"X-Forwarded-Proto": "https"}}, "", ("X-Forwarded-Proto: https",), []),
        (
            {
                "sslProxyHeaders": {"X-Forwarded-Proto": "https"},
                "customRequestHeaders": {"X-Forwarded-Proto": "https"},
            },
            "",
            (),
            STS_LINES,
        ),
    ],
)
def test_browsers_are_bound_to_tls_only_over_tls(
    options: dict[str, Any], tls: str, sent: tuple[str, ...], expected: list[str]
) -> None:
    client = Sender(claimed=FORWARDED, tls=tls)
    pass_through(head(*sent), client, STS | options)
    assert response(client) == expected


@pytest.mark.parametrize("vary", ["Origin", "accept, ORIGIN", "*"])
def test_vary_names_the_origin_once(vary: str) -> None:
    client = Sender()
    pass_through(head(), client, {"addVaryHeader": True})
    assert response(client, f"Vary: {vary}") == [f"Vary: {vary}"]


def test_without_an_origin_no_empty_origin_is_allowed() -> None:
    client = Sender()
    options = {"accessControlAllowOriginListRegex": [".*"]}
    pass_through(head(), client, options)
    assert response(client, "Access-Control-Allow-Origin: own") == ["Access-Control-Allow-Origin: own"]


def test_the_origin_is_the_clients_even_if_the_server_gets_none() -> None:
    client, request = Sender(), head("Origin: https://b")
    options = {"accessControlAllowOriginList": ["https://b"], "customRequestHeaders": {"Origin": ""}}
    pass_through(request, client, options)
    assert b"Origin" not in request.headers
    assert response(client) == ["Access-Control-Allow-Origin: https://b"]


def test_a_preflight_gets_a_response_before_the_host_is_checked() -> None:
    request = head("Origin: https://b", "Access-Control-Request-Method: PUT", method="OPTIONS")
    options = {"accessControlAllowOriginList": ["https://b"], "allowedHosts": ["b.test"]}
    with pytest.raises(LocalResponse) as caught:
        pass_through(request, Sender(), options)
    assert (caught.value.status, caught.value.body) == (200, b"")
    assert caught.value.lines == b"\r\nAccess-Control-Allow-Origin: https://b"


@pytest.mark.parametrize("host", ["b.test", "a.test:80", ""])
def test_another_host_is_refused(host: str) -> None:
    with pytest.raises(RequestError) as caught:
        pass_through(head(f"X-Host: {host}"), Sender(), {"allowedHosts": ["b.test", "a.test:80"]})
    assert caught.value.status == 500


REDIRECTED = [
    ({"sslRedirect": True}, "", (), 301, "https://a.test/x?q=1"),
    ({"sslRedirect": True, "sslTemporaryRedirect": True}, "", (), 307, "https://a.test/x?q=1"),
    ({"sslRedirect": True, "sslHost": "b.test:444"}, "", (), 301, "https://b.test:444/x?q=1"),
    (
        {"sslRedirect": True, "hostsProxyHeaders": ["X-H"]},
        "",
        ("X-H: c.test",),
        301,
        "https://c.test/x?q=1",
    ),
    ({"sslRedirect": True, "sslProxyHeaders": {"X-T": "1"}}, "", ("X-T: 0",), 301, "https://a.test/x?q=1"),
    ({"sslForceHost": True, "sslHost": "b.test"}, "TLSv1.3", (), 301, "https://b.test/x?q=1"),
    (
        {"sslForceHost": True, "sslHost": "b.test", "isDevelopment": True},
        "",
        (),
        301,
        "https://b.test/x?q=1",
    ),
]


@pytest.mark.parametrize(("options", "tls", "sent", "status", "location"), REDIRECTED)
def test_traefik_1s_options_redirect_to_tls(
    options: dict[str, Any], tls: str, sent: tuple[str, ...], status: int, location: str
) -> None:
    with pytest.raises(LocalResponse) as caught:
        pass_through(head(*sent), Sender(claimed=FORWARDED, tls=tls), options)
    assert caught.value.status == status
    assert caught.value.lines == f"\r\nLocation: {location}".encode()


@pytest.mark.parametrize(
    ("options", "tls", "sent"),
    [
        ({"sslRedirect": True}, "TLSv1.3", ()),
        ({"sslRedirect": True, "isDevelopment": True}, "", ()),
        ({"sslRedirect": True, "sslProxyHeaders": {"X-T": "1"}}, "", ("X-T: 1",)),
        ({"sslForceHost": True, "sslHost": "A.test"}, "", ()),
        ({"sslForceHost": True}, "", ()),
        ({"sslHost": "b.test"}, "", ()),
    ],
)
def test_other_requests_are_not_redirected(options: dict[str, Any], tls: str, sent: tuple[str, ...]) -> None:
    client = Sender(tls=tls)
    pass_through(head(*sent), client, options)
    assert client.extras is None


def test_a_redirection_escapes_what_a_url_must_not_contain() -> None:
    with pytest.raises(LocalResponse) as caught:
        pass_through(head(target="/caf\u00e9?\u00fc"), Sender(), {"sslRedirect": True})
    assert caught.value.lines == b"\r\nLocation: https://a.test/caf%E9?%FC"


def test_no_redirection_leads_to_what_is_no_host() -> None:
    options = {"sslRedirect": True, "hostsProxyHeaders": ["X-H"]}
    with pytest.raises(RequestError) as caught:
        pass_through(head("X-H: a.test/@b"), Sender(), options)
    assert caught.value.status == 400


def test_without_options_nothing_changes() -> None:
    client, request = Sender(), head("X-A: b")
    pass_through(request, client, {"customRequestHeaders": {"Host": ""}})
    assert (request.headers, client.extras) == (b"\r\nHost: a.test\r\nX-A: b", None)
