"""Attacks over HTTP/2: the worker ends the connection, stays small, and serves others meanwhile."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

import pytest

from tests.lab import http
from tests.lab.http2 import frames, hpack
from tests.lab.http2.client import Client, head
from tests.lab.http2.frames import (
    INITIAL_WINDOW_SIZE,
    PREFACE,
    data,
    headers,
    ping,
    settings,
    window_update,
)
from tests.lab.origin import Origin
from tests.lab.waiting import until
from tests.lab.worker_usage import WorkerUsage
from tests.proxy.http2.conftest import Server
from tests.proxy.http2.floods import FLOODS, ended, repeat
from tests.proxy.running import Proxy, lone_proxy

PATIENCE = 10.0
"""Seconds that a request of another client may take meanwhile; the machine may be busy."""

MEMORY = 48 << 20
"""Bytes by which the worker may grow during an attack."""

CPU = 5.0
"""CPU seconds that an attack may cost the worker."""


class Bystander:
    """Another client, which sends requests over HTTP/1.1 and HTTP/2 during an attack."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bystander")
        self.served = 0
        self.slowest = 0.0
        self.failures: list[str] = []

    def __enter__(self) -> "Bystander":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        with Client(self._port) as client:
            client.start()
            while not self._stopped.is_set() or not self.served:
                begin = monotonic()
                try:
                    statuses = http.request(self._port, "any.test").status, client.get().status
                except (OSError, AssertionError) as error:
                    self.failures.append(repr(error))
                    return
                self.slowest = max(self.slowest, monotonic() - begin)
                self.served += 1
                if statuses != (200, 200):
                    self.failures.append(str(statuses))
                # The attack shall have the machine to itself most of the time.
                self._stopped.wait(0.01)


@contextmanager
def bounded(proxy: Proxy, *, memory: int = MEMORY, cpu: float = CPU) -> Iterator[WorkerUsage]:
    """Assert that the worker stays within bounds and serves others during this context."""
    usage = WorkerUsage(proxy.process)
    with Bystander(proxy.web) as bystander:
        yield usage
    assert bystander.failures == []
    assert bystander.served
    assert bystander.slowest < PATIENCE
    assert usage.memory < memory
    assert usage.cpu < cpu
    assert "Traceback" not in proxy.process.log, proxy.process.log[-2000:]


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_its_connection(lone: Proxy, served: Origin, name: str) -> None:
    flood = FLOODS[name]
    with bounded(lone), Client(lone.web, timeout=5) as client:
        client.start()
        client.send(flood.begin)
        assert repeat(client, flood.piece, flood.count), client.told()


@pytest.mark.parametrize("name", ["PING", "SETTINGS", "rapid reset", "malformed requests"])
def test_a_flood_by_a_client_that_reads_nothing_ends_its_connection(
    lone: Proxy, served: Origin, name: str
) -> None:
    flood = FLOODS[name]
    with bounded(lone), Client(lone.web, timeout=5) as client:
        client.start()
        assert repeat(client, flood.piece, flood.count, reads=False), client.told()


def test_heads_above_the_limit_are_refused_and_the_connection_goes_on(lone: Proxy, served: Origin) -> None:
    seen = len(served.requests)
    with bounded(lone), Client(lone.web) as client:
        client.start()
        for name, fields in {
            "many fields": [(b"x-%d" % number, b"") for number in range(200)],
            "a long value": [(b"x-a", bytes([97]) * 80_000)],
        }.items():
            block = head(b"/refused", fields=fields)
            number = client.next_stream()
            client.send(
                headers(number, block[:16_000], flags=0),
                *(
                    frames.continuation(
                        number, block[start : start + 16_000], last=start + 16_000 >= len(block)
                    )
                    for start in range(16_000, max(len(block), 16_001), 16_000)
                ),
            )
            stream = client.stream(number)
            assert client.wait(lambda stream=stream: stream.over), name
            assert stream.status == 431, name
        assert client.get().status == 200
    assert "/refused" not in {request.target for request in served.requests[seen:]}


def test_responses_that_nobody_takes_stay_small(lone: Proxy, served: Origin) -> None:
    """200 responses of 300,000 bytes each, at windows of zero."""
    with bounded(lone) as usage, ExitStack() as stack:
        clients = [stack.enter_context(Client(lone.web, grants=False)) for _ in range(2)]
        for client in clients:
            client.start((INITIAL_WINDOW_SIZE, 0))
            for _ in range(100):
                client.request(b"/large")
            assert client.wait(lambda client=client: client.count(frames.HEADERS) == 100)
        assert usage.memory < MEMORY
        # They are not lost: the first one goes on.
        clients[0].send(window_update(0, 1 << 20), window_update(1, 1 << 20))
        assert len(clients[0].wait_for(1).content) == 300_000


def test_a_client_that_reads_nothing_fills_no_memory(lone: Proxy, served: Origin) -> None:
    """Its windows allow 2 GiB, and it asks for 60 MB."""
    seen = len(served.requests)
    with bounded(lone), Client(lone.web) as client:
        client.start((INITIAL_WINDOW_SIZE, frames.LARGEST))
        client.send(window_update(0, frames.LARGEST - frames.FIRST_WINDOW))
        for _ in range(200):
            client.request(b"/large")
        until(lambda: len(served.requests) >= seen + 200, "all requests at the server")
        # In each turn in which the worker serves these, it could also read the other responses.
        with Client(lone.web) as other:
            other.start()
            for _ in range(300):
                assert other.get().status == 200


def test_uploads_that_no_server_takes_stay_small(lone: Proxy, served: Origin) -> None:
    """20 streams, each of which sends until its window is used up."""
    server = Server()
    with (
        Origin(server) as origin,
        bounded(lone, memory=24 << 20),
        Client(lone.web, timeout=5) as client,
    ):
        # Otherwise the kernel would take most.
        origin._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        host = lone.route(origin, priority=20).encode()
        client.start()
        numbers = [client.next_stream() for _ in range(20)]
        for number in numbers:
            client.send(headers(number, head(b"/unread", b"POST", host), ended=False))
        sent = 0
        while sent < 1 << 30:
            free = [number for number in numbers if client.window(number) >= 16_384]
            if not free and not client.wait(
                lambda: any(client.window(number) >= 16_384 for number in numbers), 1.0
            ):
                break
            for number in free:
                if client.window(number) >= 16_384:
                    client.windows[0] -= 16_384
                    client.windows[number] -= 16_384
                    client.send(data(number, bytes(16_384)))
                    sent += 16_384
        else:
            pytest.fail(f"{sent} bytes were taken")
        assert client.get().status == 200
        server.ended.set()


def test_a_client_that_gives_windows_in_small_steps_is_no_attacker(lone: Proxy, served: Origin) -> None:
    """Two WINDOW_UPDATE frames for each frame of 90 MB."""
    with bounded(lone), Client(lone.web) as client:
        client.start()
        for _ in range(300):
            assert len(client.get(b"/large").content) == 300_000, client.told()


SILENCES = {
    "nothing": b"",
    "half a preface": PREFACE[:10],
    "a preface alone": PREFACE,
    "no frame behind SETTINGS": PREFACE + settings(),
    "half a frame": PREFACE + settings() + ping()[:5],
    "half a head": PREFACE + settings() + headers(1, head()[:5], flags=0),
    "half a block in half a frame": PREFACE + settings() + headers(1, head())[:12],
    "a head and no content": PREFACE + settings() + headers(1, head(method=b"POST"), ended=False),
    "half the content": PREFACE + settings() + headers(1, head(method=b"POST"), ended=False) + data(1, b"x"),
}


@pytest.fixture(scope="module")
def hasty() -> Iterator[Proxy]:
    """A proxy that waits a second for clients."""
    with lone_proxy(
        "--entryPoints.web.transport.respondingTimeouts.readTimeout=1s",
        "--entryPoints.web.transport.respondingTimeouts.idleTimeout=1s",
        "--entryPoints.web.transport.respondingTimeouts.writeTimeout=1s",
    ) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def hasty_server(hasty: Proxy) -> Iterator[Origin]:
    with Origin(Server()) as origin:
        hasty.route(origin, rule="PathPrefix(`/`)")
        yield origin


def test_silent_clients_are_disconnected(hasty: Proxy, hasty_server: Origin) -> None:
    with ExitStack() as stack:
        clients = {
            f"{name} {number}": stack.enter_context(Client(hasty.web, timeout=15))
            for name in SILENCES
            for number in range(10)
        }
        for name, client in clients.items():
            client.acknowledges = False
            client.send(SILENCES[name.rpartition(" ")[0]])
        left = {name for name, client in clients.items() if not _is_over(client)}
    assert left == set()


def _is_over(client: Client) -> bool:
    """Return whether the connection ends, or its stream does: the connection may wait for another."""
    return client.wait(lambda: client.closed or client.stream(1).over, 15) and client.wait_for_end(15)


def test_a_stream_without_window_is_reset_in_time(hasty: Proxy, hasty_server: Origin) -> None:
    with Client(hasty.web, grants=False) as client:
        client.start((INITIAL_WINDOW_SIZE, 0))
        stream = client.stream(client.request(b"/large"))
        deadline = monotonic() + 15
        # Its connection is as lively as can be.
        while not stream.over and not ended(client) and monotonic() < deadline:
            client.ping()
            client.wait(lambda: stream.over or ended(client), 0.1)
        assert stream.reset is not None or ended(client)


def test_a_client_that_drips_is_disconnected(hasty: Proxy, hasty_server: Origin) -> None:
    """Bytes that never make a head, one each 100 ms."""
    with Client(hasty.web, timeout=15) as client:
        client.start()
        block = head(fields=[(b"x-a", bytes([97]) * 1000)])
        drip = b"".join(
            frames.continuation(1, block[place : place + 1], last=False) for place in range(5, len(block))
        )
        client.send(headers(1, block[:5], flags=0))
        for octet in drip[:300]:
            client.send(bytes((octet,)))
            if client.wait(lambda: ended(client), 0.1):
                break
        assert ended(client)


def test_hpack_entries_are_bounded_by_the_table(lone: Proxy, served: Origin) -> None:
    with bounded(lone), Client(lone.web) as client:
        client.start()
        for number in range(500):
            stream = client.next_stream()
            block = head() + hpack.added(b"x-%d" % number, bytes([97]) * 4000)
            client.send(headers(stream, block))
            assert client.wait_for(stream).status == 200
