"""The retry middleware: number of attempts, servers, and the requests and responses it applies to."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.per_request.retries import RetryPolicy
from rondpoint.model import Middleware, StickyCookie
from tests.lab import http
from tests.lab.origin import Connection, Origin, Start, http_response
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.wire.client import Client

OK = http_response(b"served")


class Failing:
    """A server that fails `times` requests before it serves: it ends the connection, or sends `failure`."""

    def __init__(self, times: int, failure: bytes = b"") -> None:
        self._lock = threading.Lock()
        self._left = times
        self._failure = failure

    def __call__(self, connection: Connection) -> None:
        while connection.read() is not None:
            with self._lock:
                fails, self._left = self._left > 0, self._left - 1
            if not fails:
                connection.send(OK)
            elif self._failure:
                connection.send(self._failure)
            else:
                return


def retried(proxy: Proxy, *origins: Origin | int, **options: object) -> str:
    """Return a host whose router has a retry middleware, with three attempts by default."""
    name = f"retry{len(proxy.middlewares)}@x"
    proxy.middlewares[name] = Middleware(name, "retry", {"attempts": 3, **options})
    return proxy.route(*origins, middlewares=(name,))


@pytest.mark.parametrize(("failures", "status", "tries"), [(0, 200, 1), (2, 200, 3), (3, 502, 3)])
def test_a_single_server_is_tried_as_often_as_configured(
    proxy: Proxy, origin: Start, failures: int, status: int, tries: int
) -> None:
    failing = origin(Failing(failures))
    host = retried(proxy, failing)
    assert proxy.status(host) == status
    assert len(failing.requests) == tries


def test_without_the_middleware_every_server_is_tried_once(proxy: Proxy, origin: Start) -> None:
    failing = [origin(Failing(9)) for _ in range(3)]
    host = proxy.route(*failing)
    assert proxy.status(host) == 502
    assert [len(each.requests) for each in failing] == [1, 1, 1]


def test_with_fewer_attempts_than_servers_every_server_is_tried(proxy: Proxy, origin: Start) -> None:
    failing = [origin(Failing(9)) for _ in range(3)]
    host = retried(proxy, *failing, attempts=2)
    assert proxy.status(host) == 502
    assert [len(each.requests) for each in failing] == [1, 1, 1]


def test_with_more_attempts_than_servers_a_second_round_follows(proxy: Proxy, origin: Start) -> None:
    failing = [origin(Failing(9)) for _ in range(2)]
    host = retried(proxy, *failing, attempts=5)
    assert proxy.status(host) == 502
    assert sorted(len(each.requests) for each in failing) == [2, 3]


@pytest.mark.parametrize("strategy", ["wrr", "p2c", "hrw"])
def test_a_server_that_starts_during_the_retries_is_found(proxy: Proxy, origin: Start, strategy: str) -> None:
    port = free_port()
    host = retried(proxy, port, attempts=200, initialInterval=0.05)
    proxy.tune(host, strategy=strategy)
    with http.connect("127.0.0.1", proxy.web) as connection:
        # Nothing was sent to a server, so this may be retried too.
        connection.sendall(http.message(host, method="POST", body=b"x"))
        with Origin(OK, port=port) as late:
            assert http.read_response(connection).status == 200
            assert [request.body for request in late.requests] == [b"x"]


def test_retries_use_the_servers_of_the_current_configuration(proxy: Proxy, origin: Start) -> None:
    host = retried(proxy, free_port(), attempts=200, initialInterval=0.05)
    name = host.removesuffix(".test")
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host))
        other = proxy.route(origin(OK)).removesuffix(".test")
        proxy.tune(host, servers=proxy.services[other].servers)
        assert http.read_response(connection).status == 200
    assert name in proxy.routers


def test_the_interval_lies_between_attempts(proxy: Proxy, origin: Start) -> None:
    failing = origin(Failing(2))
    host = retried(proxy, failing, initialInterval=0.1)
    begun = time.monotonic()
    assert proxy.status(host) == 200
    # 0.1, and 0.1 times the root of 2.
    assert time.monotonic() - begun >= 0.24


def test_intervals_grow_to_at_most_twice_the_first() -> None:
    assert list(RetryPolicy(1, 0.1).pauses()) == []
    assert list(RetryPolicy(2, 0.1).pauses()) == [0.1]
    assert list(RetryPolicy(5, 1.0).pauses()) == pytest.approx([1.0, 2**0.25, 2**0.5, 2**0.75])


def test_the_timeout_ends_attempts(proxy: Proxy, origin: Start) -> None:
    failing = origin(Failing(10_000))
    host = retried(proxy, failing, attempts=10_000, initialInterval=0.05, timeout=0.2)
    begun = time.monotonic()
    assert proxy.status(host) == 502
    assert time.monotonic() - begun < 60
    assert len(failing.requests) < 20


def test_retries_end_when_the_client_leaves(proxy: Proxy, origin: Start) -> None:
    failing = origin(Failing(10_000))
    host = retried(proxy, failing, attempts=10_000, initialInterval=0.02)
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host))
        failing.wait_for_requests(3)
    quiet = threading.Event()
    for _ in range(50):
        before = len(failing.requests)
        quiet.wait(0.2)
        if len(failing.requests) == before:
            return
    raise AssertionError("the proxy retries after the client has left")


def test_a_request_that_may_have_been_executed_is_not_sent_again(proxy: Proxy, origin: Start) -> None:
    failing = origin(Failing(1))
    host = retried(proxy, failing)
    assert http.request(proxy.web, host, method="POST", body=b"x").status == 502
    assert len(failing.requests) == 1


def test_with_retry_non_idempotent_method_it_is_sent_again(proxy: Proxy, origin: Start) -> None:
    failing = origin(Failing(2))
    host = retried(proxy, failing, retryNonIdempotentMethod=True)
    assert http.request(proxy.web, host, method="POST", body=b"x").status == 200
    assert [request.body for request in failing.requests] == [b"x"] * 3


def test_a_body_that_has_been_started_is_not_sent_again(proxy: Proxy, client: Client, origin: Start) -> None:
    failing = origin(Failing(2))
    host = retried(proxy, failing, retryNonIdempotentMethod=True)
    client.send(http.message(host, method="PUT", headers={"Content-Length": "20"}) + b"part")
    failing.wait_for_requests(1)
    client.send(b"another part....")
    assert client.answer().status == 502
    assert len(failing.requests) == 1


UNAVAILABLE = http_response(b"not now", "503 Service Unavailable")


@pytest.mark.parametrize(
    ("failures", "status", "text", "tries"),
    [(2, 200, "served", 3), (3, 503, "not now", 3), (9, 503, "not now", 3)],
)
def test_a_status_is_retried_and_the_last_response_counts(
    proxy: Proxy, origin: Start, failures: int, status: int, text: str, tries: int
) -> None:
    failing = origin(Failing(failures, UNAVAILABLE))
    host = retried(proxy, failing, status=["500-504"])
    response = http.request(proxy.web, host)
    assert (response.status, response.text) == (status, text)
    assert len(failing.requests) == tries


def test_a_status_is_retried_with_another_server_first(proxy: Proxy, origin: Start) -> None:
    failing = [origin(Failing(9, UNAVAILABLE)), origin(Failing(9, UNAVAILABLE)), origin(OK)]
    host = retried(proxy, *failing, status=["503"])
    assert [proxy.status(host) for _ in range(6)] == [200] * 6
    assert max(len(each.requests) for each in failing) <= 6


@pytest.mark.parametrize(("options", "tries"), [({"status": ["404"]}, 1), ({"status": ["404-503"]}, 3)])
def test_other_statuses_are_not_retried(
    proxy: Proxy, origin: Start, options: dict[str, object], tries: int
) -> None:
    failing = origin(Failing(2, UNAVAILABLE))
    host = retried(proxy, failing, **options)
    proxy.status(host)
    assert len(failing.requests) == tries


def test_a_post_is_not_retried_for_its_status_unless_configured(proxy: Proxy, origin: Start) -> None:
    first, second = origin(Failing(2, UNAVAILABLE)), origin(Failing(2, UNAVAILABLE))
    host = retried(proxy, first, status=["503"])
    assert http.request(proxy.web, host, method="POST", body=b"x").status == 503
    host = retried(proxy, second, status=["503"], retryNonIdempotentMethod=True)
    assert http.request(proxy.web, host, method="POST", body=b"x").status == 200
    assert [request.body for request in second.requests] == [b"x"] * 3


def test_failures_and_statuses_are_counted_together(proxy: Proxy, origin: Start) -> None:
    failing = origin(Failing(9, UNAVAILABLE))
    # A server that refused connections would be ejected.
    host = retried(proxy, origin(Failing(99)), failing, attempts=2, status=["503"])
    answers = [http.request(proxy.web, host) for _ in range(6)]
    # The response of the last server tried, and never one of the proxy in place of a server's.
    assert {(each.status, each.text[:7]) for each in answers} == {(503, "not now"), (502, "502 bad")}
    assert len(failing.requests) == 6


def test_network_errors_can_be_excluded(proxy: Proxy, origin: Start) -> None:
    failing = origin(Failing(9))
    host = retried(proxy, failing, status=["503"], disableRetryOnNetworkError=True)
    assert proxy.status(host) == 502
    assert len(failing.requests) == 1
    host = retried(proxy, failing, disableRetryOnNetworkError=True)
    assert proxy.status(host) == 503, "nothing is left to retry"


def test_the_cookie_names_the_server_that_responded(proxy: Proxy, origin: Start) -> None:
    failing = origin(Failing(99, UNAVAILABLE))
    host = retried(proxy, failing, origin(OK), status=["503"])
    proxy.tune(host, sticky=StickyCookie("stay"))
    seen = {http.request(proxy.web, host).header("Set-Cookie") for _ in range(6)}
    assert len(seen) == 1
    (cookie,) = seen
    assert cookie is not None
    # The client's next request goes to this server first, and stays there.
    again = http.request(proxy.web, host, headers={"Cookie": cookie.partition(";")[0]})
    assert (again.text, again.header("Set-Cookie")) == ("served", None)


@pytest.fixture
def stubborn(short_path: Path, store: Store) -> Iterator[Proxy]:
    """A proxy that makes three attempts for every request."""
    with running_proxy(short_path, store, "--serversTransport.retryAttempts=3") as proxy:
        yield proxy
        assert "Traceback" not in proxy.process.log


def test_the_setting_applies_to_routers_without_the_middleware(stubborn: Proxy, origin: Start) -> None:
    failing = origin(Failing(2))
    assert stubborn.status(stubborn.route(failing)) == 200
    once = origin(Failing(1))
    assert stubborn.status(retried(stubborn, once, attempts=1)) == 502
    assert len(once.requests) == 1


def test_a_long_body_is_sent_again_if_it_is_buffered(proxy: Proxy, origin: Start) -> None:
    failing = origin(Failing(2))
    proxy.middlewares["buffering@x"] = Middleware("buffering@x", "buffering", {"memRequestBodyBytes": 1000})
    proxy.middlewares["retry@x"] = Middleware("retry@x", "retry", {"attempts": 3})
    host = proxy.route(failing, middlewares=("buffering@x", "retry@x"))
    body = bytes(range(256)) * 2000
    assert http.request(proxy.web, host, method="PUT", body=body).status == 200
    assert [request.body for request in failing.requests] == [body] * 3
