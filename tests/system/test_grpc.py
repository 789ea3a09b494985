"""gRPC's own client and server with the proxy between them, over h2c and TLS."""

from __future__ import annotations

import itertools
import json
import queue
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import grpc
import msgspec
import pytest

from rondpoint.model import Middleware, Server
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.grpc_server import GrpcClient, GrpcServer
from tests.lab.http2.client import Client
from tests.lab.http2_origin import Http2Session
from tests.lab.namespace import connect
from tests.lab.origin import Connection, Origin
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.log_lines import json_lines
from tests.proxy.running import Proxy, lone_proxy, running_proxy

HOST = "localhost"
BIG = bytes(range(256)) * 12_000
LIMITS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
TIMEOUT = 60
"""Seconds for a call that is to succeed."""


class Way(NamedTuple):
    """How a client reaches the proxy, and the proxy the server."""

    client_tls: bool
    server_tls: bool


WAYS = {"h2c-h2c": Way(False, False), "tls-h2c": Way(True, False), "tls-tls": Way(True, True)}


class Scene:
    """A proxy with one router, whose server the tests choose, and its servers."""

    def __init__(self, proxy: Proxy, secure: int, certificate: Path, log: Path) -> None:
        self.proxy = proxy
        self.secure = secure
        self.certificate = certificate
        self.log = log
        proxy.route(1, rule=f"Host(`{HOST}`)")
        (self.name,) = proxy.services

    def serve(self, *servers: GrpcServer | Server, middlewares: tuple[Middleware, ...] = ()) -> None:
        """Send requests to these servers, after these middlewares."""
        proxy = self.proxy
        found = [
            each
            if isinstance(each, Server)
            else Server(each.address, "127.0.0.1", each.port, "https" if each.secure else "h2c")
            for each in servers
        ]
        proxy.middlewares = {each.name: each for each in middlewares}
        names = tuple(proxy.middlewares)
        proxy.routers[self.name] = msgspec.structs.replace(proxy.routers[self.name], middlewares=names)
        proxy.tune(f"{self.name}.test", servers=tuple(found))

    def client(self, *, tls: bool = False, **options: Any) -> GrpcClient:
        if tls:
            return GrpcClient(f"{HOST}:{self.secure}", certificate=self.certificate, **options)
        return GrpcClient(f"127.0.0.1:{self.proxy.web}", authority=HOST, **options)

    def last_line(self, path: str, number: int) -> dict[str, object]:
        """Return the newest line of the access log with this path, once there are `number` of them."""

        def found() -> list[dict[str, object]]:
            lines = [each for each in json_lines(self.log) if each["RequestPath"] == path]
            return lines if len(lines) >= number else []

        lines: list[dict[str, object]] = until(found, f"{number} lines for {path}")
        return lines[-1]

    def logged(self, path: str) -> int:
        return sum(each["RequestPath"] == path for each in json_lines(self.log))


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with TemporaryDirectory(prefix="rp-") as name, ExitStack() as stack:
        directory = Path(name)
        certificate = write_certificate(directory / "both.pem")
        secure, log = free_port(), directory / "access.log"
        log.touch()
        proxy = stack.enter_context(
            running_proxy(
                directory,
                stack.enter_context(Store(directory)),
                f"--entryPoints.secure.address=127.0.0.1:{secure}",
                "--entryPoints.secure.http.tls=true",
                f"--entryPoints.secure.tls.certificates={certificate},{certificate}",
                f"--serversTransport.rootCAs={certificate}",
                f"--accessLog.filePath={log}",
                "--accessLog.format=json",
                "--metrics.prometheus=true",
                "--metrics.prometheus.addRoutersLabels=true",
            )
        )
        yield Scene(proxy, secure, certificate, log)


@pytest.fixture(scope="module")
def servers(scene: Scene) -> Iterator[dict[bool, GrpcServer]]:
    """A server over h2c, and one over TLS."""
    with (
        GrpcServer(options=LIMITS) as plain,
        GrpcServer(options=LIMITS, certificate=scene.certificate) as secure,
    ):
        yield {False: plain, True: secure}


@pytest.fixture
def server(scene: Scene, servers: dict[bool, GrpcServer]) -> Iterator[GrpcServer]:
    """The server over h2c, as it was at first."""
    found = servers[False]
    found.reset()
    scene.serve(found)
    yield found
    found.hold.set()


@pytest.fixture
def client(scene: Scene, server: GrpcServer) -> Iterator[GrpcClient]:
    with scene.client(options=LIMITS) as made:
        yield made


@pytest.fixture(params=WAYS)
def way(
    request: pytest.FixtureRequest, scene: Scene, servers: dict[bool, GrpcServer]
) -> Iterator[GrpcClient]:
    """A client on each way."""
    chosen = WAYS[request.param]
    servers[chosen.server_tls].reset()
    scene.serve(servers[chosen.server_tls])
    with scene.client(tls=chosen.client_tls, options=LIMITS) as made:
        yield made


class Sent:
    """The messages of a stream to the server: an iterator that ends after `end`."""

    def __init__(self) -> None:
        self._queue: queue.Queue[bytes | None] = queue.Queue()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._queue.get, None)

    def send(self, message: bytes) -> None:
        self._queue.put(message)

    def end(self) -> None:
        self._queue.put(None)


def code_of(call: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as raised:
        call()
    found: grpc.StatusCode = raised.value.code()  # type: ignore[attr-defined]
    return found


def test_all_four_kinds_of_calls(way: GrpcClient) -> None:
    assert way.unary(b"hello", timeout=TIMEOUT) == b"hello"
    assert way.collect(iter([b"a", b"b", b"c"]), timeout=TIMEOUT) == b"abc"
    assert list(way.repeat(b"3 x", timeout=TIMEOUT)) == [b"x"] * 3
    assert list(way.chat(iter([b"1", b"2"]), timeout=TIMEOUT)) == [b"1", b"2"]


def test_each_message_is_passed_on_at_once(way: GrpcClient) -> None:
    sent = Sent()
    received = way.chat(iter(sent), timeout=TIMEOUT)
    for number in range(20):
        message = b"%d" % number
        sent.send(message)
        assert next(received) == message
    sent.end()
    assert list(received) == []
    assert received.code() is grpc.StatusCode.OK


def test_big_messages_pass_in_both_directions(way: GrpcClient) -> None:
    assert way.unary(BIG, timeout=TIMEOUT) == BIG
    assert b"".join(way.chat(iter([BIG, BIG]), timeout=TIMEOUT)) == BIG * 2


def test_an_empty_message_is_a_message(client: GrpcClient) -> None:
    assert client.unary(b"", timeout=TIMEOUT) == b""


def test_metadata_passes_repeated_and_binary(client: GrpcClient, server: GrpcServer) -> None:
    metadata = (("a", "1"), ("a", "2"), ("b-bin", b"\x00\xff"), ("b-bin", b"x"))
    server.initial = (("c", "3"), ("c", "4"), ("d-bin", b"\xfe"))
    server.trailing = (("e", "5"), ("e", "6"), ("f-bin", b"\x00"))
    _, call = client.unary.with_call(b"x", metadata=metadata, timeout=TIMEOUT)
    (seen,) = server.metadata
    assert (seen["a"], seen["b-bin"]) == (["1", "2"], [b"\x00\xff", b"x"])
    assert set(server.initial) <= {(str(key), value) for key, value in call.initial_metadata()}
    assert tuple((str(key), value) for key, value in call.trailing_metadata()) == server.trailing


def test_an_error_without_messages_keeps_its_status_and_message(
    client: GrpcClient, server: GrpcServer, scene: Scene
) -> None:
    server.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "not yet: é 50 %")
    before = scene.logged("/test.Echo/Unary")
    with pytest.raises(grpc.RpcError) as raised:
        client.unary(b"x", timeout=TIMEOUT)
    assert raised.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert raised.value.details() == "not yet: é 50 %"
    line = scene.last_line("/test.Echo/Unary", before + 1)
    assert (line["GrpcStatus"], line["DownstreamStatus"], line["OriginStatus"]) == (9, 200, 200)


def test_logs_and_metrics_have_the_status_of_calls(client: GrpcClient, scene: Scene) -> None:
    before = scene.logged("/test.Echo/Repeat")
    list(client.repeat(b"1 x", timeout=TIMEOUT))
    line = scene.last_line("/test.Echo/Repeat", before + 1)
    assert (line["GrpcStatus"], line["RequestProtocol"]) == (0, "HTTP/2.0")
    wanted = ('code="0"', 'protocol="grpc"', f'router="{scene.name}"')

    def counted() -> bool:
        lines = http.request(scene.proxy.admin, "localhost", "/metrics").text.splitlines()
        found = [line for line in lines if line.startswith("traefik_router_requests_total")]
        return any(all(label in line for label in wanted) for line in found)

    until(counted, "the calls in the metrics")


def test_a_server_that_hangs_ends_in_deadline_exceeded(client: GrpcClient, server: GrpcServer) -> None:
    assert code_of(lambda: client.hang(b"x", timeout=0.3)) is grpc.StatusCode.DEADLINE_EXCEEDED
    until(lambda: server.ended == ["Hang"], "the end of the server's call")


@pytest.mark.parametrize("begins", [False, True], ids=["before its response", "within it"])
def test_the_proxy_ends_a_call_of_which_neither_side_sees_the_deadline(scene: Scene, begins: bool) -> None:
    resets = []

    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        (call,) = itertools.islice(session.requests(), 1)
        assert call.header("grpc-timeout") == "200m"
        if begins:
            session.begin(call, ("content-type", "application/grpc"))
        resets.append(session.wait_for_reset(call))

    fields = [(b"content-type", b"application/grpc"), (b"te", b"trailers"), (b"grpc-timeout", b"200m")]
    with Origin(handler) as hung, Client(scene.proxy.web) as client:
        scene.serve(Server("hung", "127.0.0.1", hung.port, "h2c"))
        client.start()
        call = client.request(
            b"/test.Echo/Hang", method=b"POST", authority=HOST.encode(), fields=fields, content=bytes(5)
        )
        reply = client.wait_for(call)
        until(lambda: resets == [8], "the server's stream to be cancelled")
    assert (reply.status, reply.ended) == (200, True)
    if begins:
        assert b"grpc-status" not in reply.final
        assert dict(reply.trailers)[b"grpc-status"] == b"4"
    else:
        assert reply.final[b"grpc-status"] == b"4"
        assert reply.final[b"grpc-message"] == b"504 gateway timeout: the deadline of the call has passed"
        assert len(reply.heads) == 1


def test_a_cancelled_call_ends_at_the_server_and_others_go_on(
    client: GrpcClient, server: GrpcServer, scene: Scene
) -> None:
    other = client.events(b"y", timeout=TIMEOUT)
    call = client.events(b"x", timeout=TIMEOUT)
    assert (next(call), next(other)) == (b"x", b"y")
    before = scene.logged("/test.Echo/Events")
    call.cancel()
    until(lambda: server.ended == ["Events"], "the end of the server's call")
    assert scene.last_line("/test.Echo/Events", before + 1)["GrpcStatus"] == 1
    server.hold.set()
    assert list(other) == [b"y"]


def test_a_response_that_ends_early_leaves_the_connection_open(
    client: GrpcClient, server: GrpcServer
) -> None:
    server.refusal = (grpc.StatusCode.RESOURCE_EXHAUSTED, "enough")
    sent = Sent()
    sent.send(b"a")
    received = client.chat(iter(sent), timeout=TIMEOUT)
    assert code_of(lambda: next(received)) is grpc.StatusCode.RESOURCE_EXHAUSTED
    sent.end()
    server.refusal = None
    assert client.unary(b"x", timeout=TIMEOUT) == b"x"


@pytest.mark.parametrize("tls", [False, True], ids=["h2c", "tls"])
def test_errors_of_the_proxy_are_grpc_errors(scene: Scene, server: GrpcServer, tls: bool) -> None:
    deny = Middleware("deny@x", "ipAllowList", {"sourceRange": ["192.0.2.1"]})
    unreachable = Server("gone", "127.0.0.1", free_port(), "h2c")
    with scene.client(tls=tls) as client:
        for servers, middlewares, code in (
            ((server,), (deny,), grpc.StatusCode.PERMISSION_DENIED),
            ((), (), grpc.StatusCode.UNAVAILABLE),
            ((unreachable,), (), grpc.StatusCode.UNAVAILABLE),
        ):
            scene.serve(*servers, middlewares=middlewares)
            with pytest.raises(grpc.RpcError) as raised:
                client.unary(b"x", timeout=TIMEOUT)
            assert raised.value.code() is code
            assert raised.value.details()[:3] in ("403", "502", "503")
    scene.serve(server)


def test_a_server_that_dies_ends_its_calls_and_others_are_served(scene: Scene, server: GrpcServer) -> None:
    with scene.client() as client:
        with GrpcServer() as doomed:
            scene.serve(doomed)
            call = client.events(b"x", timeout=TIMEOUT)
            assert next(call) == b"x"
            doomed.stop()
            assert code_of(lambda: list(call)) in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        scene.serve(server)
        assert client.unary(b"y", timeout=TIMEOUT) == b"y"


@pytest.mark.parametrize("sends", [b"", b"\0\0\0\0\5he"], ids=["after the head", "within a message"])
def test_a_response_that_ends_early_is_unavailable(scene: Scene, server: GrpcServer, sends: bytes) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        (call,) = itertools.islice(session.requests(), 1)
        session.begin(call, ("content-type", "application/grpc"))
        if sends:
            session.send(call, sends)

    with Origin(handler) as dying, scene.client() as client:
        scene.serve(Server("dying", "127.0.0.1", dying.port, "h2c"))
        with pytest.raises(grpc.RpcError) as raised:
            client.unary(b"x", timeout=TIMEOUT)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        assert raised.value.details() == "the response of the server ended early"
    scene.serve(server)


def test_a_server_that_ends_connections_gracefully_loses_no_call(scene: Scene, server: GrpcServer) -> None:
    ageing = (("grpc.max_connection_age_ms", 100), ("grpc.max_connection_age_grace_ms", 60_000))
    with GrpcServer(options=ageing) as short_lived, scene.client() as client:
        scene.serve(short_lived)
        for number in range(300):
            message = b"%d" % number
            assert client.unary(message, timeout=TIMEOUT) == message
    scene.serve(server)


def test_a_replaced_worker_finishes_its_calls(scene: Scene, server: GrpcServer) -> None:
    with scene.client() as client:
        call = client.events(b"x", timeout=TIMEOUT)
        assert next(call) == b"x"
        log = scene.proxy.process.log
        scene.proxy.process.signal(signal.SIGHUP)
        scene.proxy.process.wait_for_line("Booting worker", count=log.count("Booting worker") + 1)
        for number in range(50):
            message = b"%d" % number
            assert client.unary(message, timeout=TIMEOUT) == message
        server.hold.set()
        assert list(call) == [b"x"]


def test_a_proxy_that_ends_finishes_its_calls(server: GrpcServer) -> None:
    with lone_proxy() as proxy:
        proxy.route(1, rule=f"Host(`{HOST}`)")
        (name,) = proxy.services
        proxy.tune(f"{name}.test", servers=(Server("s", "127.0.0.1", server.port, "h2c"),))
        with GrpcClient(f"127.0.0.1:{proxy.web}", authority=HOST) as client:
            call = client.events(b"x", timeout=TIMEOUT)
            assert next(call) == b"x"
            proxy.process.signal(signal.SIGTERM)
            until(lambda: refuses(proxy.web), "the proxy to accept no more")
            server.hold.set()
            assert list(call) == [b"x"]
        until(lambda: not proxy.process.running, "the end of the proxy")


def refuses(port: int) -> bool:
    """Return whether nobody accepts connections at a port."""
    try:
        connect("127.0.0.1", port).close()
    except ConnectionRefusedError:
        return True
    return False


def test_browsers_call_the_server_by_grpc_web(scene: Scene, server: GrpcServer) -> None:
    web = Middleware("web@x", "grpcWeb", {"allowOrigins": ["*"]})
    scene.serve(server, middlewares=(web,))
    server.trailing = (("a", "b"),)
    headers = [("Content-Type", "application/grpc-web+proto"), ("Origin", "https://a.test")]
    message = b"\0\0\0\0\x05hello"
    response = http.request(
        scene.proxy.web, HOST, "/test.Echo/Unary", method="POST", headers=headers, body=message
    )
    assert response.body.startswith(message + b"\x80")
    trailers = dict(line.split(": ", 1) for line in response.body[len(message) + 5 :].decode().splitlines())
    assert (trailers["grpc-status"], trailers["a"]) == ("0", "b")
    missing = http.request(
        scene.proxy.web, HOST, "/test.Echo/None", method="POST", headers=headers, body=message
    )
    assert (missing.header("Grpc-Status"), missing.body) == ("12", b"")
    assert json.dumps(missing.header("Content-Type")) == '"application/grpc-web"'
