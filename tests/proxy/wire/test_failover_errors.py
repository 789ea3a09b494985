"""Failover services whose fallback gets a request after certain responses of the main service."""

import socket

import pytest
from msgspec.structs import replace

from rondpoint.model import FailoverErrors, Member, Middleware, Server, Service
from tests.lab import http
from tests.lab.origin import Connection, Handler, Origin, Start, http_response
from tests.lab.ports import free_port
from tests.proxy.running import Proxy

FAULTY = http_response(b"main", "500 Internal Server Error", ("X-Main: 1", "Set-Cookie: m=1"))
SPARE = http_response(b"spare")


class Failover:
    """A failover service on `host` with one server in its `main` service and one in its `spare`."""

    def __init__(self, proxy: Proxy, origin: Start) -> None:
        self._proxy = proxy
        self._origin = origin
        self.host = ""

    def serve(
        self,
        main: Handler | bytes | int = FAULTY,
        spare: Handler | bytes = SPARE,
        limit: int = -1,
        **options: object,
    ) -> tuple[Origin, Origin]:
        """Serve these members on a new host; a number is the port of a server that a test does not start.

        `options` are the router's.
        """
        origins = [self._origin(SPARE if isinstance(main, int) else main), self._origin(spare)]
        ports = [main if isinstance(main, int) else origins[0].port, origins[1].port]
        services = self._proxy.services
        for name, port in zip(("main", "spare"), ports, strict=True):
            services[name] = Service(name, (Server("s", "127.0.0.1", port),))
        services["app"] = Service(
            "app",
            composition="failover",
            members=(Member("main"), Member("spare")),
            failover_errors=FailoverErrors(("404", "500-504"), limit),
        )
        self.host = self._proxy.route(free_port(), **options)
        self.lead_to("app")
        return origins[0], origins[1]

    def lead_to(self, service: str) -> None:
        bare = self.host.removesuffix(".test")
        self._proxy.routers[bare] = replace(self._proxy.routers[bare], service=service)
        self._proxy.publish()

    def guard(self, member: str, *middlewares: Middleware) -> None:
        """Put these middlewares before a member."""
        self._proxy.middlewares.update((each.name, each) for each in middlewares)
        names = tuple(each.name for each in middlewares)
        self._proxy.services[member] = replace(self._proxy.services[member], middlewares=names)
        self._proxy.publish()

    def ask(self, path: str = "/", **options: object) -> http.Response:
        return http.request(self._proxy.web, self.host, path, **options)


@pytest.fixture
def failover(proxy: Proxy, origin: Start) -> Failover:
    return Failover(proxy, origin)


def status(code: int) -> bytes:
    return http_response(b"main", f"{code} X")


@pytest.mark.parametrize(
    ("code", "text"),
    [(200, "main"), (403, "main"), (404, "spare"), (499, "main"), (500, "spare"), (504, "spare")],
)
def test_the_status_decides(failover: Failover, code: int, text: str) -> None:
    failover.serve(status(code))
    assert failover.ask().text == text


def test_nothing_of_the_main_response_is_left(failover: Failover) -> None:
    failover.serve()
    response = failover.ask()
    assert (response.status, response.text) == (200, "spare")
    assert not {"X-Main", "Set-Cookie"} & dict(response.headers).keys()


def test_the_response_of_the_fallback_is_final(failover: Failover) -> None:
    failover.serve(spare=status(502))
    assert failover.ask().status == 502


@pytest.mark.parametrize("chunked", [False, True])
def test_both_get_the_whole_body(failover: Failover, chunked: bool) -> None:
    main, spare = failover.serve()
    body = b"x" * 100_000
    if chunked:
        message = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        response = failover.ask(method="POST", headers=[("Transfer-Encoding", "chunked")], body=message)
    else:
        response = failover.ask(method="POST", body=body)
    assert response.text == "spare"
    for each in (main, spare):
        assert [(request.method, request.body) for request in each.requests] == [("POST", body)]


def test_a_body_above_the_limit_is_refused(failover: Failover) -> None:
    main, spare = failover.serve(limit=10)
    assert failover.ask(method="POST", body=b"0123456789").text == "spare"
    assert failover.ask(method="POST", body=b"0123456789a").status == 413
    assert (len(main.requests), len(spare.requests)) == (1, 1)


def test_a_main_service_that_cannot_be_reached_counts_as_a_502(failover: Failover) -> None:
    failover.serve(main=free_port())
    assert failover.ask(method="POST", body=b"a").text == "spare"


def test_a_main_service_that_ends_the_connection_counts_as_a_502(failover: Failover) -> None:
    def end(connection: Connection) -> None:
        connection.read()

    failover.serve(main=end)
    assert failover.ask(method="POST", body=b"a").text == "spare"


def pipelined(port: int, host: str) -> bytes:
    """Send two requests at once, and return all bytes of the responses."""
    first = http.message(host, "/1", method="POST", body=b"first")
    second = http.message(host, "/2", method="POST", body=b"second", close=True)
    received = b""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(first + second)
        while piece := connection.recv(65536):
            received += piece
    return received


@pytest.mark.parametrize("spare", [SPARE, status(503)])
def test_the_request_after_one_with_a_fallback_is_read_right(
    proxy: Proxy, failover: Failover, spare: bytes
) -> None:
    main, _ = failover.serve(spare=spare)
    assert pipelined(proxy.web, failover.host).count(spare[:12]) == 2
    bodies = [(request.target, request.body) for request in main.requests]
    assert bodies == [("/1", b"first"), ("/2", b"second")]


def test_the_request_after_one_without_a_response_is_read_right(proxy: Proxy, failover: Failover) -> None:
    failover.serve(main=free_port())
    proxy.services["spare"] = Service("spare", (Server("s", "127.0.0.1", free_port()),))
    proxy.publish()
    assert pipelined(proxy.web, failover.host).count(b"HTTP/1.1 502 ") == 2


@pytest.mark.parametrize("has_fallback", [True, False])
def test_the_request_after_one_that_a_member_has_buffered_is_read_right(
    proxy: Proxy, failover: Failover, has_fallback: bool
) -> None:
    main, _ = failover.serve()
    if not has_fallback:
        proxy.services["spare"] = Service("spare")
    nobody = {"sourceRange": ["192.0.2.1/32"], "rejectStatusCode": 403}
    failover.guard("main", Middleware("b@x", "buffering", {}), Middleware("n@x", "ipAllowList", nobody))
    assert pipelined(proxy.web, failover.host).count(b"HTTP/1.1 ") == 2
    assert pipelined(proxy.web, failover.host).count(b"HTTP/1.1 403 ") == 2
    assert not main.requests


def test_without_a_server_of_the_fallback_the_main_response_is_sent(proxy: Proxy, failover: Failover) -> None:
    failover.serve()
    proxy.services["spare"] = Service("spare")
    proxy.publish()
    assert (failover.ask().status, failover.ask().text) == (500, "main")


def test_the_middlewares_of_the_main_service_do_not_touch_the_fallback(failover: Failover) -> None:
    main, spare = failover.serve()
    options = {"customRequestHeaders": {"X-A": "1"}, "customResponseHeaders": {"X-B": "2"}}
    prefix = Middleware("main@x", "addPrefix", {"prefix": "/main"})
    failover.guard("main", prefix, Middleware("lines@x", "headers", options))
    failover.guard("spare", Middleware("spare@x", "addPrefix", {"prefix": "/spare"}))
    response = failover.ask("/p")
    (first,), (second,) = main.requests, spare.requests
    assert (first.target, first.header("X-A")) == ("/main/p", "1")
    assert (second.target, second.header("X-A")) == ("/spare/p", None)
    assert (response.text, response.header("X-B")) == ("spare", None)


@pytest.mark.parametrize(("refusal", "status_code"), [(403, 403), (404, 200)])
def test_a_middleware_of_the_main_service_may_give_the_error(
    failover: Failover, refusal: int, status_code: int
) -> None:
    main, _ = failover.serve(status(200))
    options = {"sourceRange": ["192.0.2.1/32"], "rejectStatusCode": refusal}
    failover.guard("main", Middleware("m@x", "ipAllowList", options))
    assert failover.ask().status == status_code
    assert not main.requests


def test_failovers_within_each_other(proxy: Proxy, origin: Start, failover: Failover) -> None:
    failover.serve(spare=status(503))
    last = origin(http_response(b"last"))
    proxy.services["last"] = Service("last", (Server("s", "127.0.0.1", last.port),))
    proxy.services["outer"] = Service(
        "outer",
        composition="failover",
        members=(Member("app"), Member("last")),
        failover_errors=FailoverErrors(("503",)),
    )
    failover.lead_to("outer")
    assert failover.ask(method="POST", body=b"a").text == "last"
    assert [request.body for request in last.requests] == [b"a"]
    proxy.services["weighted"] = Service("weighted", composition="weighted", members=(Member("outer"),))
    failover.lead_to("weighted")
    assert failover.ask().text == "last"


def test_a_failover_that_contains_itself_ends(proxy: Proxy, failover: Failover) -> None:
    failover.serve()
    errors = FailoverErrors(("500-599",))
    proxy.services["circle"] = Service(
        "circle",
        composition="failover",
        members=(Member("circle"), Member("spare")),
        failover_errors=errors,
    )
    failover.lead_to("circle")
    assert failover.ask().text == "spare"


def test_the_retry_middleware_applies_to_the_fallback(proxy: Proxy, failover: Failover) -> None:
    proxy.middlewares["retry@x"] = Middleware("retry@x", "retry", {"attempts": 3, "status": ["503"]})
    main, spare = failover.serve(spare=status(503), middlewares=("retry@x",))
    assert failover.ask().status == 503
    assert (len(main.requests), len(spare.requests)) == (1, 3)


@pytest.mark.parametrize("memory", [1, 1_000_000])
def test_the_fallback_gets_a_buffered_body_too(failover: Failover, proxy: Proxy, memory: int) -> None:
    proxy.middlewares["buffering@x"] = Middleware("buffering@x", "buffering", {"memRequestBodyBytes": memory})
    main, spare = failover.serve(limit=300_000, middlewares=("buffering@x",))
    body = bytes(range(256)) * 1000
    for size, status in ((len(body), 200), (300_001, 413)):
        sent = body[:size].ljust(size, b"x")
        assert failover.ask(method="POST", body=sent).status == status
    assert [request.body for request in (*main.requests, *spare.requests)] == [body, body]


def test_a_main_service_is_asked_again_as_an_expression_says(failover: Failover, proxy: Proxy) -> None:
    options = {"retryExpression": "ResponseCode() == 418 && Attempts() < 3"}
    proxy.middlewares["buffering@x"] = Middleware("buffering@x", "buffering", options)
    main, spare = failover.serve(http_response(b"tea", "418 X"), middlewares=("buffering@x",))
    assert failover.ask(method="POST", body=b"x").status == 418
    assert (len(main.requests), len(spare.requests)) == (3, 0)
