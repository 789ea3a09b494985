"""Parts of the middleware forwardAuth, without connections."""

from functools import partial
from typing import Any

import pytest

from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.http1.response_head import ResponseHead
from proxy.middlewares.authentication.auth_request import compile_message, parse_address
from proxy.middlewares.authentication.auth_response import compile_cookies, compile_copying, refusal
from proxy.middlewares.authentication.forward_auth import forward_auth
from proxy.middlewares.chains import ChainError, Chains
from proxy.middlewares.client_tls import client_context
from proxy.middlewares.step import CompileScope, Step
from proxy.net.deadlines import Sweeper
from proxy.per_request.local_response import LocalResponse
from proxy.upstream.auxiliary_pools import AuxiliaryPools
from proxy.upstream.subrequest import WholeResponse
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.middlewares.canonical import add_defaults
from rondpoint.model import Middleware
from rondpoint.store.sealing import Sealer
from tests.discovery.certificates.pairs import make_pair
from tests.lab.origin import Connection, Start, http_response
from tests.proxy.middlewares.sender import Sender

PAIR = make_pair("client.test")
SEALER = Sealer(b"a secret of the installation, long")


def compile_step(**given: Any) -> Step:
    pools = AuxiliaryPools(Sweeper(), UpstreamTimeouts())
    return forward_auth(options(**given), CompileScope("m", partial(pools.open, "m")))


def options(**given: Any) -> dict[str, Any]:
    return add_defaults("forwardAuth", given)


def request_with(*lines: str) -> Request:
    head = "".join(f"{line}\r\n" for line in ("GET /p?q HTTP/1.1", "Host: a.test:81", *lines))
    request = parse_request(f"{head}\r\n".encode(), Limits())
    assert request is not None
    return request


def test_the_access_log_gets_the_name_of_the_user(origin: Start) -> None:
    server = origin(http_response(b"", headers=("x-who: eve",)))
    step, client = compile_step(address=server.url, headerField="X-Who"), Sender()
    step(request_with(), client)
    assert client.username == b"eve"
    other = Sender()
    compile_step(address=server.url, headerField="X-Other")(request_with(), other)
    assert other.username == b""


def test_an_outage_is_logged_once(origin: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    responses = iter([b"", b"", http_response(b""), b""])

    def respond(connection: Connection) -> None:
        if connection.read() is not None:
            connection.send(next(responses))

    url = origin(respond).url
    step = compile_step(address=url, preserveRequestMethod=True)
    refused: list[int] = []
    for _ in range(4):
        request = request_with()
        request.method = b"POST"
        try:
            step(request, Sender())
        except LocalResponse as response:
            refused.append(response.status)
    assert refused == [500, 500, 500]
    place = url.removeprefix("http://")
    ended = "the connection ended before the whole response had come"
    assert [record.getMessage() for record in caplog.records] == [
        f"middleware m refuses requests with 500: no response from {place}: {ended}",
        f"middleware m: {place} responds again",
        f"middleware m refuses requests with 500: no response from {place}: {ended}",
    ]


def test_without_pools_no_middleware_asks_a_server() -> None:
    chains = Chains()
    chains.put(Middleware("m", "forwardAuth", {"address": "http://a.test"}))
    with pytest.raises(ChainError, match="no pools"):
        chains.compile_chain(("m",), "router", "r")


@pytest.mark.parametrize("has_secret", [True, False])
def test_the_sealed_key_of_a_client_certificate_is_opened(has_secret: bool) -> None:
    pools = AuxiliaryPools(Sweeper(), UpstreamTimeouts())
    chains = Chains(pools, open_key=(SEALER if has_secret else Sealer()).open)
    tls = {"cert": PAIR.certificate, "key": SEALER.seal(PAIR.key)}
    chains.put(Middleware("m", "forwardAuth", {"address": "https://a.test", "tls": tls}))
    if has_secret:
        assert chains.compile_chain(("m",), "router", "r")
    else:
        with pytest.raises(ChainError, match="this process has no secret"):
            chains.compile_chain(("m",), "router", "r")


# Address: host and port to connect to, Host header, target.
ADDRESSES = {
    "http://auth.test": ("auth.test", 80, b"auth.test", b"/"),
    "HTTPS://Auth.test/verify?a=b#part": ("auth.test", 443, b"auth.test", b"/verify?a=b"),
    "http://[::1]:9000/a": ("::1", 9000, b"[::1]:9000", b"/a"),
    "http://bücher.test:8080/ü b": ("xn--bcher-kva.test", 8080, b"xn--bcher-kva.test:8080", b"/%C3%BC%20b"),
    "http://a.test?x=%2F": ("a.test", 80, b"a.test", b"/?x=%2F"),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_parts_of_an_address(address: str) -> None:
    server = parse_address(address)
    assert (*server.address, server.host, server.target) == ADDRESSES[address]
    assert server.tls == address.lower().startswith("https")


@pytest.mark.parametrize("address", ["http://", "http://a b/", "http://a:99999/", "http://" + "a" * 64])
def test_an_address_that_no_request_can_be_sent_to(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_address(address)


def test_credentials_of_the_address_are_used_for_clients_without_any() -> None:
    build = compile_message(parse_address("http://eve:s%40@a.test/"), options())
    assert b"\r\nAuthorization: Basic ZXZlOnNA\r\n" in build(request_with(), Sender(), b"GET", b"")
    own = build(request_with("authorization: Bearer x"), Sender(), b"GET", b"")
    assert b"ZXZlOnNA" not in own
    assert b"\r\nauthorization: Bearer x\r\n" in own


@pytest.mark.parametrize(
    ("method", "content", "end"),
    [
        (b"GET", b"", b"\r\nX-Forwarded-Uri: /p?q\r\n\r\n"),
        (b"POST", b"", b"\r\nContent-Length: 0\r\n\r\n"),
        (b"GET", b"ab", b"\r\nContent-Length: 2\r\n\r\nab"),
    ],
)
def test_the_framing_of_the_message(method: bytes, content: bytes, end: bytes) -> None:
    build = compile_message(parse_address("http://a.test/"), options())
    message = build(request_with("Expect: 100-continue", "Trailer: X"), Sender(), method, content)
    assert message.startswith(method + b" / HTTP/1.1\r\nHost: a.test\r\n")
    assert message.endswith(end)
    assert b"Expect" not in message
    assert b"Trailer" not in message


# Options, the client's lines, the response's lines, the lines for the server.
COPIES: list[tuple[dict[str, Any], list[str], bytes, bytes]] = [
    ({"authResponseHeaders": ["X-User"]}, ["x-user: root", "X_User: root", "X-B: 1"], b"", b"\r\nX-B: 1"),
    (
        {"authResponseHeaders": ["x-user"]},
        ["X-User: root"],
        b"\r\nX-USER: eve\r\nX-USER: bob",
        b"\r\nX-USER: eve\r\nX-USER: bob",
    ),
    (
        {"authResponseHeaders": ["X-User"]},
        ["X-User-Id: 1"],
        b"\r\nX-User-Id: 2",
        b"\r\nX-User-Id: 1",
    ),
    (
        {"authResponseHeaders": ["X-User"], "authResponseHeadersRegex": "^X-U"},
        ["x-u: root", "X_U: root", "Accept: a"],
        b"\r\nx-user: eve\r\nX-U: u\r\nContent-Length: 3",
        b"\r\nAccept: a\r\nx-user: eve\r\nX-U: u",
    ),
    (
        {"authResponseHeadersRegex": "(?i)host|forwarded|length|connection|upgrade"},
        ["X-Forwarded-User: root"],
        b"\r\nHost: b\r\nX-Forwarded-Proto: b\r\nContent-Length: 3\r\nUpgrade: b\r\nX-Forwarded-User: eve",
        b"\r\nX-Forwarded-User: eve",
    ),
]


@pytest.mark.parametrize(("given", "client", "response", "server"), COPIES)
def test_headers_of_the_response_replace_the_clients(
    given: dict[str, Any], client: list[str], response: bytes, server: bytes
) -> None:
    copy = compile_copying(options(**given))
    request = request_with(*client)
    assert copy is not None
    copy(request, response)
    assert request.headers == b"\r\nHost: a.test:81" + server


def test_without_options_nothing_is_copied() -> None:
    assert compile_copying(options()) is None


def test_listed_cookies_replace_those_of_the_server() -> None:
    step = compile_cookies(["a", "c"])(b"\r\nset-cookie: a=1; Path=/\r\nSet-Cookie: b=1\r\nX: y")
    head = ResponseHead(200, b"\r\nSet-Cookie: a=2\r\nSet-Cookie: b=2\r\nset-cookie: c=2\r\nX-A: a=3")
    assert step is not None
    step(head)
    assert head.lines == b"\r\nSet-Cookie: b=2\r\nX-A: a=3\r\nset-cookie: a=1; Path=/"


@pytest.mark.parametrize(("names", "lines"), [([], b"\r\nSet-Cookie: a=1"), (["a"], b"\r\nX: y")])
def test_without_cookies_the_response_needs_no_step(names: list[str], lines: bytes) -> None:
    assert compile_cookies(names)(lines) is None


LOCATIONS = {
    b"/sign-in": b"http://auth.test:9/sign-in",
    b"sign-in?a=%2F": b"http://auth.test:9/v/sign-in?a=%2F",
    b"//sso.test/x": b"http://sso.test/x",
    b"https://sso.test/x": b"https://sso.test/x",
    b"app:login": b"app:login",
    b"/\xc3\xbc": b"http://auth.test:9/\xc3\xbc",
}


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_relative_location_becomes_absolute(location: bytes) -> None:
    response = WholeResponse(302, b"\r\nlocation: " + location + b"\r\nDate: now", b"")
    kept = refusal(response, "http://auth.test:9/v/verify", keep_location=True)
    assert kept.lines == b"\r\nlocation: " + location
    changed = refusal(response, "http://auth.test:9/v/verify", keep_location=False)
    assert changed.lines.partition(b": ")[2] == LOCATIONS[location]


@pytest.mark.parametrize(
    "given",
    [
        {"cert": "c.pem"},
        {"key": "k.pem"},
        {"ca": "-----BEGIN nothing"},
        {"cert": "/nowhere", "key": "/nowhere"},
    ],
)
def test_tls_options_that_cannot_be_used(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="TLS options"):
        client_context(given)
