"""Subrequests to services: the choice of a server, further attempts, and their counts."""

from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from proxy.subrequests.service_subrequest import send_to_service
from proxy.upstream.subrequest import ContentTooLargeError, SubrequestError, WholeResponse
from rondpoint.model import Member, Server, ServerState, Service, StickyCookie
from tests.lab.origin import Connection, Origin, Start, http_response
from tests.lab.ports import free_port
from tests.proxy.local_worker import LocalWorker

HOST = b"\r\nHost: client.test"


class Worker(LocalWorker):
    def serve(self, *origins: Origin | int, name: str = "s", **options: Any) -> None:
        ports = [origin if isinstance(origin, int) else origin.port for origin in origins]
        servers = tuple(Server(f"s{number}", "127.0.0.1", port) for number, port in enumerate(ports))
        self.services.put(Service(name, servers, **options))

    def ask(
        self, name: str = "s", method: bytes = b"GET", lines: bytes = HOST, **options: Any
    ) -> WholeResponse:
        return send_to_service(
            self, name, method, b"/p?q", lines, **{"timeout": 30.0, "limit": 100} | options
        )

    def contents(self, count: int, **options: Any) -> list[bytes]:
        return [self.ask(**options).content for _ in range(count)]

    def failures(self) -> int:
        return sum(tally.failures for tally in self.tallies.servers.all.values())


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    with made.running():
        yield made


@pytest.fixture
def a(origin: Start) -> Origin:
    return origin(http_response(b"a"))


@pytest.fixture
def b(origin: Start) -> Origin:
    return origin(http_response(b"b"))


def ends(connection: Connection) -> None:
    connection.read()


def resets(connection: Connection) -> None:
    connection.read()
    connection.reset()


def test_the_request_has_the_given_lines_and_the_length_of_its_content(worker: Worker, a: Origin) -> None:
    worker.serve(a)
    assert worker.ask(lines=HOST + b"\r\nX-A: b") == (
        200,
        b"\r\nContent-Type: text/plain\r\nContent-Length: 1",
        b"a",
    )
    worker.ask(method=b"POST", content=b"text")
    worker.ask(method=b"POST")
    assert [request.raw for request in a.requests] == [
        b"GET /p?q HTTP/1.1\r\nHost: client.test\r\nX-A: b\r\n\r\n",
        b"POST /p?q HTTP/1.1\r\nHost: client.test\r\nContent-Length: 4\r\n\r\ntext",
        b"POST /p?q HTTP/1.1\r\nHost: client.test\r\nContent-Length: 0\r\n\r\n",
    ]


def test_a_service_may_want_the_server_s_own_host(worker: Worker, a: Origin) -> None:
    worker.serve(a, pass_host_header=False)
    worker.ask(lines=HOST + b"\r\nX-A: b")
    assert a.requests[0].headers == [("Host", f"127.0.0.1:{a.port}"), ("X-A", "b")]


def test_requests_go_round(worker: Worker, a: Origin, b: Origin) -> None:
    worker.serve(a, b)
    assert worker.contents(4) == [b"a", b"b", b"a", b"b"]


def test_a_draining_server_is_skipped(worker: Worker, a: Origin, b: Origin) -> None:
    servers = (Server("a", "127.0.0.1", a.port, state=ServerState.DRAINING), Server("b", "127.0.0.1", b.port))
    worker.services.put(Service("s", servers))
    assert worker.contents(3) == [b"b", b"b", b"b"]


def test_an_unreachable_server_is_ejected_and_the_others_are_asked(worker: Worker, a: Origin) -> None:
    closed = free_port()
    worker.serve(closed, a)
    assert worker.contents(3) == [b"a", b"a", b"a"]
    assert list(worker.ejections.ejected) == [f"http://127.0.0.1:{closed}"]
    assert worker.failures() == 1


@pytest.mark.parametrize(("handler", "ejected"), [(ends, 0), (resets, 1)])
def test_a_request_that_got_no_response_goes_to_another_server(
    worker: Worker, origin: Start, a: Origin, handler: Any, ejected: int
) -> None:
    broken = origin(handler)
    worker.serve(broken, a)
    assert worker.contents(1) == [b"a"]
    assert (len(broken.requests), len(worker.ejections.ejected), worker.failures()) == (1, ejected, 1)


def test_a_request_that_is_not_idempotent_is_sent_once(worker: Worker, origin: Start, a: Origin) -> None:
    broken = origin(ends)
    worker.serve(broken, a)
    with pytest.raises(SubrequestError, match="connection ended"):
        worker.ask(method=b"POST")
    assert not a.requests


def test_each_server_is_asked_once(worker: Worker, origin: Start) -> None:
    broken = [origin(ends), origin(ends), origin(ends)]
    worker.serve(*broken)
    with pytest.raises(SubrequestError, match="connection ended"):
        worker.ask()
    assert [len(each.requests) for each in broken] == [1, 1, 1]
    assert worker.failures() == 3


def test_a_silent_server_is_given_up_and_no_other_is_asked(worker: Worker, origin: Start, a: Origin) -> None:
    silent = origin(lambda connection: connection.read() and connection.read())
    worker.serve(silent, a)
    with pytest.raises(SubrequestError, match="in time"):
        worker.ask(timeout=0.1)
    assert not a.requests
    assert worker.failures() == 1


def test_a_server_that_takes_no_connection_is_given_up_in_time(worker: Worker, silent_port: int) -> None:
    worker.serve(silent_port)
    with gevent.Timeout(20), pytest.raises(SubrequestError, match="timed out"):
        worker.ask(timeout=0.05)
    assert not worker.ejections.ejected


def test_a_response_above_the_limit_is_no_failure_of_the_server(worker: Worker, origin: Start) -> None:
    worker.serve(origin(http_response(bytes(101))))
    with pytest.raises(ContentTooLargeError):
        worker.ask()
    assert worker.failures() == 0


@pytest.mark.parametrize("name", ["empty", "unknown", "emptiness"])
def test_a_service_without_servers_gives_no_response(worker: Worker, name: str) -> None:
    worker.serve(name="empty")
    worker.services.put(Service("emptiness", composition="weighted", members=(Member("empty", 1),)))
    with pytest.raises(SubrequestError, match=f"service {name} "):
        worker.ask(name)


def test_a_composite_service_gives_the_request_to_a_member_with_servers(worker: Worker, a: Origin) -> None:
    worker.serve(a, name="inner")
    worker.serve(name="empty")
    members = (Member("empty", 1), Member("inner", 1))
    worker.services.put(Service("outer", composition="weighted", members=members))
    assert worker.contents(2, name="outer") == [b"a", b"a"]


def test_a_sticky_service_keeps_a_client_by_its_cookie(worker: Worker, a: Origin, b: Origin) -> None:
    worker.serve(a, b, sticky=StickyCookie("c"))
    first = worker.ask()
    name, _, cookie = first.lines.decode().splitlines()[-1].partition(": ")
    assert (name, cookie[:2]) == ("Set-Cookie", "c=")
    lines = HOST + f"\r\nCookie: {cookie.partition(';')[0]}".encode()
    for _ in range(3):
        again = worker.ask(lines=lines)
        assert (again.content, b"Set-Cookie" in again.lines) == (first.content, False)


def test_the_strategy_of_a_service_learns_of_the_response(worker: Worker, a: Origin) -> None:
    worker.serve(a, strategy="drr")
    worker.ask()
    served = worker.services.get("s")
    assert served is not None
    endpoint = served.targets[0].endpoint
    assert endpoint.active == 0
    assert endpoint._latency > 0
