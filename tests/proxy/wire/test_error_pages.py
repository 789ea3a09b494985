"""The middleware errors on the wire: the page's request, the client's response, and outages of the pages."""

import gzip
import socket

import pytest

from proxy.middlewares.failures.error_pages import PAGE_LIMIT
from rondpoint.model import Member, Middleware, Server, Service, StickyCookie
from tests.lab import http
from tests.lab.origin import Connection, Handler, Origin, Silent, Start, http_response
from tests.lab.ports import free_port
from tests.proxy.running import Proxy

PAGE = http_response(b"page", headers=("X-Page: 1", "Cache-Control: no-store"))
OPTIONS = {"status": ["401", "404", "405", "500-599"], "service": "pages", "query": "/{status}.html"}


def response(status: int, *lines: str) -> bytes:
    return http_response(b"original", f"{status} X", lines)


class Guarded:
    """A router with an errors middleware, its server and the server of the pages."""

    def __init__(self, proxy: Proxy, origin: Start) -> None:
        self.proxy = proxy
        self._origin = origin
        self.host = ""

    def serve(
        self,
        server: Handler | bytes | int,
        page: Handler | bytes = PAGE,
        *middlewares: Middleware,
        outer: tuple[Middleware, ...] = (),
        **options: object,
    ) -> tuple[Origin | None, Origin]:
        """Serve this server with these options; the other `middlewares` are inside the errors one."""
        main = None if isinstance(server, int) else self._origin(server)
        pages = self._origin(page)
        self.proxy.services["pages"] = Service("pages", (Server("p", "127.0.0.1", pages.port),))
        errors = Middleware("errors@x", "errors", OPTIONS | options)
        chain = (*outer, errors, *middlewares)
        self.proxy.middlewares.update((each.name, each) for each in chain)
        where = server if main is None else main
        assert not isinstance(where, bytes) and not callable(where)
        self.host = self.proxy.route(where, middlewares=tuple(each.name for each in chain))
        return main, pages

    def ask(self, path: str = "/", **options: object) -> http.Response:
        return http.request(self.proxy.web, self.host, path, **options)


@pytest.fixture
def guarded(proxy: Proxy, origin: Start) -> Guarded:
    return Guarded(proxy, origin)


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 499, 500, 503, 599])
def test_the_status_decides(guarded: Guarded, status: int) -> None:
    _, pages = guarded.serve(response(status))
    replaced = status in {404, 500, 503, 599}
    found = guarded.ask()
    assert (found.status, found.text) == (status, "page" if replaced else "original")
    assert [request.target for request in pages.requests] == ([f"/{status}.html"] if replaced else [])


def test_the_response_has_the_headers_of_the_page(guarded: Guarded) -> None:
    guarded.serve(response(500, "X-Original: 1", "Set-Cookie: a=b", "WWW-Authenticate: Basic"))
    found = guarded.ask()
    assert (found.header("X-Page"), found.header("Cache-Control")) == ("1", "no-store")
    assert not {"X-Original", "Set-Cookie", "WWW-Authenticate"} & dict(found.headers).keys()
    assert found.header("Content-Length") == "4"


@pytest.mark.parametrize(("status", "line"), [(401, "WWW-Authenticate: Basic realm=a"), (405, "Allow: GET")])
def test_a_line_that_the_status_requires_stays(guarded: Guarded, status: int, line: str) -> None:
    name, _, value = line.partition(": ")
    guarded.serve(response(status, line), http_response(b"page", headers=(f"{name}: other",)))
    found = guarded.ask()
    assert (found.status, found.text) == (status, "page")
    assert [each for key, each in found.headers if key.lower() == name.lower()] == [value]


def test_the_page_is_asked_for_by_get_with_the_request_s_headers(guarded: Guarded) -> None:
    _, pages = guarded.serve(response(500))
    headers = {"Accept": "text/html", "Cookie": "a=b", "Range": "bytes=0-1", "If-None-Match": '"e"'}
    guarded.ask("/p?q", method="POST", headers=headers, body=b"body")
    (request,) = pages.requests
    assert (request.method, request.target, request.body) == ("GET", "/500.html", b"")
    assert (request.all("Host"), request.header("Accept")) == ([guarded.host], "text/html")
    assert (request.header("Cookie"), request.header("X-Forwarded-For")) == ("a=b", "127.0.0.1")
    for name in ("Range", "If-None-Match", "Content-Length", "Transfer-Encoding"):
        assert request.header(name) is None


@pytest.mark.parametrize("names", [[], ["accept", "X-Real-Ip"]])
def test_the_page_gets_the_listed_headers_only(guarded: Guarded, names: list[str]) -> None:
    _, pages = guarded.serve(response(500), errorRequestHeaders=names)
    guarded.ask(headers={"Accept": "text/html", "Cookie": "a=b"})
    expected = [("Host", guarded.host)]
    if names:
        expected += [("Accept", "text/html"), ("X-Real-Ip", "127.0.0.1")]
    assert pages.requests[0].headers == expected


def test_the_status_may_be_another_one(guarded: Guarded) -> None:
    query = "/{status}/{originalStatus}"
    rewrites = {"500-502": 503, "501": 404, "404": 200}
    for status, expected in ((500, 503), (501, 503), (503, 503), (404, 200)):
        _, pages = guarded.serve(response(status), query=query, statusRewrites=rewrites)
        found = guarded.ask()
        assert (found.status, found.text) == (expected, "page")
        assert pages.requests[0].target == f"/{expected}/{status}"


def test_the_url_is_escaped(guarded: Guarded) -> None:
    _, pages = guarded.serve(response(500), query="e?u={url}&s={status}")
    guarded.ask("/a%2Fb?c=d&e={status}")
    expected = f"http%3A%2F%2F{guarded.host}%2Fa%252Fb%3Fc%3Dd%26e%3D%7Bstatus%7D"
    assert pages.requests[0].target == f"/e?u={expected}&s=500"


def test_a_head_request_gets_the_length_of_the_page(proxy: Proxy, guarded: Guarded) -> None:
    _, pages = guarded.serve(response(500))
    with socket.create_connection(("127.0.0.1", proxy.web), 30) as connection:
        for method in ("HEAD", "GET", "HEAD"):
            connection.sendall(http.message(guarded.host, method=method))
            found = http.read_response(connection, method)
            assert (found.status, found.header("Content-Length")) == (500, "4")
            assert found.text == ("page" if method == "GET" else "")
    assert {request.method for request in pages.requests} == {"GET"}


@pytest.mark.parametrize(
    ("status", "rewrites", "expected", "asked"),
    [(304, {}, 304, 0), (204, {}, 204, 0), (500, {"500": 204}, 204, 0), (204, {"204": 404}, 404, 1)],
)
def test_a_status_without_content_has_no_page(
    proxy: Proxy, guarded: Guarded, status: int, rewrites: dict[str, int], expected: int, asked: int
) -> None:
    content = b"" if status in {204, 304} else b"Content-Length: 8\r\n\r\noriginal"
    server = b"HTTP/1.1 %d X\r\nETag: x\r\n%b" % (status, content or b"\r\n")
    _, pages = guarded.serve(server, status=["200-599"], statusRewrites=rewrites)
    with socket.create_connection(("127.0.0.1", proxy.web), 30) as connection:
        for _ in range(2):
            connection.sendall(http.message(guarded.host))
            found = http.read_response(connection)
            assert found.status == expected
            assert found.text == ("page" if asked else "")
            assert found.header("ETag") == ("x" if status == expected else None)
            assert (found.header("Content-Length") is None) == (not asked)
    assert len(pages.requests) == 2 * asked


@pytest.mark.parametrize(
    "body",
    [
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nab",
        b"Content-Length: 1000000\r\n\r\n" + bytes(200_000),
        b"\r\nuntil the end",
    ],
)
def test_the_original_body_is_dropped(proxy: Proxy, guarded: Guarded, body: bytes) -> None:
    def once(connection: Connection) -> None:
        if connection.read() is not None:
            connection.send(b"HTTP/1.1 500 X\r\n" + body)
            if b"Content-Length" in body:
                connection.read()

    guarded.serve(once)
    with socket.create_connection(("127.0.0.1", proxy.web), 30) as connection:
        for _ in range(2):
            connection.sendall(http.message(guarded.host))
            found = http.read_response(connection)
            assert (found.status, found.text) == (500, "page")


def test_errors_of_the_proxy_itself_have_pages(proxy: Proxy, guarded: Guarded) -> None:
    guarded.serve(free_port())
    assert (guarded.ask().status, guarded.ask().text) == (502, "page")
    guarded.serve(response(200), PAGE, Middleware("full@x", "inFlightReq", {"amount": 0}), status=["429"])
    assert (guarded.ask().status, guarded.ask().text) == (429, "page")
    main, _ = guarded.serve(response(200))
    proxy.tune(guarded.host, servers=())
    found = guarded.ask(method="POST", body=b"body")
    assert (found.status, found.text) == (503, "page")
    assert main is not None
    assert not main.requests


def test_errors_of_an_outer_middleware_have_none(guarded: Guarded) -> None:
    full = Middleware("full@x", "inFlightReq", {"amount": 0})
    _, pages = guarded.serve(response(200), outer=(full,), status=["429"])
    assert guarded.ask().status == 429
    assert not pages.requests


def test_an_inner_page_may_have_an_outer_page(proxy: Proxy, origin: Start, guarded: Guarded) -> None:
    inner_pages = origin(http_response(b"inner"))
    proxy.services["inner"] = Service("inner", (Server("p", "127.0.0.1", inner_pages.port),))
    options = {"status": ["404", "500"], "service": "inner", "query": "/", "statusRewrites": {"404": 503}}
    inner = Middleware("inner@x", "errors", options)
    guarded.serve(response(404), PAGE, inner, status=["503"])
    assert (guarded.ask().status, guarded.ask().text) == (503, "page")
    guarded.serve(response(500), PAGE, inner, status=["503"])
    assert (guarded.ask().status, guarded.ask().text) == (500, "inner")


def test_outer_middlewares_change_the_page(guarded: Guarded) -> None:
    compress = Middleware("compress@x", "compress", {"minResponseBodyBytes": 1})
    headers = Middleware("headers@x", "headers", {"customResponseHeaders": {"X-A": "1", "X-Page": ""}})
    guarded.serve(response(500), PAGE, outer=(headers, compress))
    found = guarded.ask(headers={"Accept-Encoding": "gzip"})
    assert (found.header("X-A"), found.header("X-Page"), found.header("Content-Encoding")) == (
        "1",
        None,
        "gzip",
    )
    assert gzip.decompress(found.body) == b"page"


def test_the_status_of_the_page_does_not_count(guarded: Guarded) -> None:
    guarded.serve(response(500), response(404, "X-Page: missing"))
    found = guarded.ask()
    assert (found.status, found.text, found.header("X-Page")) == (500, "original", "missing")


def silent(connection: Connection) -> None:
    connection.read()


@pytest.mark.parametrize("page", [silent, http_response(bytes(PAGE_LIMIT + 1)), b"HTTP/1.1 rubbish\r\n\r\n"])
def test_without_a_page_the_client_gets_the_original_response(
    guarded: Guarded, page: Handler | bytes
) -> None:
    guarded.serve(response(500, "X-Original: 1"), page, statusRewrites={"500": 503})
    found = guarded.ask()
    assert (found.status, found.text, found.header("X-Original")) == (503, "original", "1")


@pytest.mark.parametrize("server", [b"204 X\r\n\r\n", b"304 X\r\nContent-Length: 8\r\n\r\n"])
def test_without_a_page_a_response_without_content_still_has_none(
    proxy: Proxy, guarded: Guarded, server: bytes
) -> None:
    rewrites = {"204": 404, "304": 404}
    guarded.serve(b"HTTP/1.1 " + server, silent, status=["200-399"], statusRewrites=rewrites)
    with socket.create_connection(("127.0.0.1", proxy.web), 30) as connection:
        for _ in range(2):
            connection.sendall(http.message(guarded.host))
            found = http.read_response(connection)
            assert (found.status, found.body, found.header("Content-Length")) == (404, b"", "0")


def test_an_outage_of_the_pages_is_logged_once(proxy: Proxy, guarded: Guarded) -> None:
    _, pages = guarded.serve(response(500))
    servers = proxy.services["pages"].servers
    before, lines = len(proxy.process.log), proxy.process.line_count
    for up in (False, False, True, True):
        proxy.services["pages"] = Service("pages", servers if up else ())
        proxy.publish()
        assert guarded.ask().text == ("page" if up else "original")
    proxy.process.wait_for_line("service pages responds again", after=lines)
    logged = [line for line in proxy.process.log[before:].splitlines() if "middleware errors@x" in line]
    assert [line.partition("]: ")[2] for line in logged] == [
        "middleware errors@x leaves errors as they are: no response from service pages: "
        "service pages has no server",
        "middleware errors@x: service pages responds again",
    ]
    assert len(pages.requests) == 2


def test_a_router_whose_page_service_is_unknown_responds_503(proxy: Proxy, guarded: Guarded) -> None:
    main, _ = guarded.serve(response(200))
    found = proxy.services.pop("pages")
    for known in (True, False, True, False):
        proxy.services.pop("pages", None)
        if known:
            proxy.services["pages"] = found
        proxy.publish()
        answer = guarded.ask()
        assert (answer.status, "service pages does not exist" in answer.text) == (
            (200, False) if known else (503, True)
        )
    assert main is not None
    assert len(main.requests) == 2


def test_the_pages_may_come_from_several_servers(proxy: Proxy, origin: Start, guarded: Guarded) -> None:
    guarded.serve(response(500))
    made = [origin(http_response(text)) for text in (b"a", b"b")]
    servers = tuple(Server(f"s{number}", "127.0.0.1", each.port) for number, each in enumerate(made))
    proxy.services["inner"] = Service("inner", servers, sticky=StickyCookie("c"))
    proxy.services["pages"] = Service("pages", composition="weighted", members=(Member("inner"),))
    proxy.publish()
    first = guarded.ask()
    cookie = (first.header("Set-Cookie") or "").partition(";")[0]
    assert {guarded.ask(headers={"Cookie": cookie}).text for _ in range(4)} == {first.text}
    made["ab".index(first.text)].close()
    assert {guarded.ask(headers={"Cookie": cookie}).text for _ in range(4)} == {"ab".replace(first.text, "")}


def test_an_upgrade_has_no_page(proxy: Proxy, guarded: Guarded) -> None:
    def switch(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        connection.send(connection.receive())

    _, pages = guarded.serve(switch, status=["100-599"])
    with socket.create_connection(("127.0.0.1", proxy.web), 30) as connection:
        headers = {"Connection": "Upgrade", "Upgrade": "echo"}
        connection.sendall(http.message(guarded.host, headers=headers))
        assert http.read_response(connection).status == 101
        connection.sendall(b"hello")
        assert connection.recv(5) == b"hello"
    assert not pages.requests


def test_the_request_after_a_refused_one_is_read_right(proxy: Proxy, guarded: Guarded) -> None:
    main, _ = guarded.serve(response(500))
    first = http.message(guarded.host, "/1", method="POST", body=b"first")
    second = http.message(guarded.host, "/2", method="POST", body=b"second", close=True)
    received = b""
    with socket.create_connection(("127.0.0.1", proxy.web), 30) as connection:
        connection.sendall(first + second)
        while piece := connection.recv(65536):
            received += piece
    assert (received.count(b"HTTP/1.1 500 "), received.count(b"\r\n\r\npage")) == (2, 2)
    assert main is not None
    assert [request.body for request in main.requests] == [b"first", b"second"]


def test_a_client_of_http_1_0_gets_a_page(proxy: Proxy, guarded: Guarded) -> None:
    _, pages = guarded.serve(response(500), query="/?{url}")
    with socket.create_connection(("127.0.0.1", proxy.web), 30) as connection:
        connection.sendall(f"GET /x HTTP/1.0\r\nHost: {guarded.host}\r\n\r\n".encode())
        assert http.read_response(connection).text == "page"
    assert pages.requests[0].target == f"/?http%3A%2F%2F{guarded.host}%2Fx"


@pytest.mark.parametrize(
    "options", [{"statusRewrites": {"404": 101}}, {"errorRequestHeaders": ["a b"]}, {"status": ["x"]}]
)
def test_options_that_cannot_be_applied_close_the_router(
    guarded: Guarded, options: dict[str, object]
) -> None:
    main, _ = guarded.serve(response(200), **options)
    assert guarded.ask().status == 503
    assert main is not None
    assert not main.requests


def test_a_client_that_leaves_ends_the_request_for_the_page(proxy: Proxy, origin: Start) -> None:
    silent = Silent()
    guarded = Guarded(proxy, origin)
    _, pages = guarded.serve(response(500), silent)
    before = len(proxy.process.log)
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(guarded.host))
        pages.wait_for_requests(1)
    assert silent.ended.wait(30)
    assert "leaves errors as they are" not in proxy.process.log[before:]


def test_an_error_that_is_buffered_is_replaced(proxy: Proxy, origin: Start) -> None:
    guarded = Guarded(proxy, origin)
    buffering = Middleware(
        "buffering@x", "buffering", {"maxResponseBodyBytes": 10, "memResponseBodyBytes": 1}
    )
    for server, status in ((response(503), 503), (http_response(b"x" * 11), 500)):
        guarded.serve(server, PAGE, buffering)
        found = http.request(proxy.web, guarded.host)
        assert (found.status, found.text) == (status, "page")
