"""Connections of HTTP/2 to servers: how many there are, which requests survive their end, and TLS."""

import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from h2.settings import SettingCodes

from rondpoint.model import Middleware, ServersTransport
from tests.lab.certificate import write_certificate
from tests.lab.http2_origin import Http2Session, frame
from tests.lab.origin import Connection, Handler, Start, http_response
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Answer, Client
from tests.proxy.wire.http2_servers import route_http2

REFUSED_STREAM, HTTP_1_1_REQUIRED = 7, 13


def send(proxy: Proxy, host: str, method: str = "GET", target: str = "/", body: bytes = b"") -> Answer:
    """Send a request over a connection of its own."""
    with Client(proxy.web) as client:
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
        client.send(head.encode() + body)
        return client.answer()


@pytest.fixture
def many() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as executor:
        yield executor


def test_many_requests_share_a_connection(proxy: Proxy, origin: Start, many: ThreadPoolExecutor) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        for call in reversed(session.whole_calls(20)):
            session.respond(call, (call.path or "").encode())
        session.drain()

    started = origin(handler)
    host = route_http2(proxy, started)
    targets = [f"/{number}" for number in range(20)]
    answers = many.map(lambda target: send(proxy, host, target=target), targets)
    assert [answer.body.decode() for answer in answers] == targets
    assert started.connections == 1


def test_a_server_with_few_streams_gets_more_connections(
    proxy: Proxy, origin: Start, many: ThreadPoolExecutor
) -> None:
    everyone = threading.Barrier(3)

    def handler(connection: Connection) -> None:
        session = Http2Session(connection, {SettingCodes.MAX_CONCURRENT_STREAMS: 2})
        calls = session.whole_calls(2)
        everyone.wait(30)
        for call in calls:
            session.respond(call, b"ok")
        session.drain()

    started = origin(handler)
    host = route_http2(proxy, started)
    answers = many.map(lambda _: send(proxy, host), range(6))
    assert [answer.body for answer in answers] == [b"ok"] * 6
    assert started.connections == 3


def test_a_server_may_allow_no_streams_for_a_while(proxy: Proxy, origin: Start) -> None:
    allows = threading.Event()

    def handler(connection: Connection) -> None:
        session = Http2Session(connection, {SettingCodes.MAX_CONCURRENT_STREAMS: 0})
        # The client's preface and settings have come; what follows is its acknowledgement.
        while session.h2.remote_settings.enable_push != 0:
            assert session.receive()
        assert allows.wait(30)
        session.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        session.flush()
        for call in session.requests():
            session.respond(call, b"ok")

    started = origin(handler)
    host = route_http2(proxy, started)
    timer = threading.Timer(0.3, allows.set)
    timer.start()
    assert send(proxy, host).body == b"ok"
    assert started.connections == 1


def refuse(session: Http2Session) -> None:
    session.reset(session.next_call(), REFUSED_STREAM)
    session.receive()


def go_away_before(session: Http2Session) -> None:
    session.go_away(session.next_call().stream - 2)


UNPROCESSED = {"refused": refuse, "not among the last": go_away_before}


@pytest.mark.parametrize("case", UNPROCESSED)
@pytest.mark.parametrize("body", [b"", b"content"], ids=["empty", "content"])
def test_a_request_that_was_not_processed_goes_to_another_connection(
    proxy: Proxy, origin: Start, case: str, body: bytes
) -> None:
    """Whatever its method: the server has certainly not run it (RFC 9113 §8.7)."""

    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        if connection.number == 1:
            session.respond(session.next_call(), b"first")
            UNPROCESSED[case](session)
            return
        for call in session.requests():
            session.respond(call, session.read_body(call) or b"second")

    started = origin(handler)
    host = route_http2(proxy, started)
    assert send(proxy, host, "POST").body == b"first"
    assert send(proxy, host, "POST", body=body).body == (body or b"second")
    assert started.connections == 2


def test_a_server_that_refuses_once_and_then_ends_every_connection_gets_few_attempts(
    proxy: Proxy, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        call = session.next_call()
        if connection.number == 1:
            session.reset(call, REFUSED_STREAM)
            session.drain()

    started = origin(handler)
    host = route_http2(proxy, started)
    assert send(proxy, host).status == 502
    assert started.connections <= 5


@pytest.mark.parametrize(("size", "status"), [(60_000, 200), (1_000_000, 502)])
def test_an_upload_that_was_refused_begins_anew_unless_much_of_it_has_gone(
    proxy: Proxy, client: Client, origin: Start, size: int, status: int
) -> None:
    body = bytes(size)

    def handler(connection: Connection) -> None:
        session = Http2Session(connection, {SettingCodes.INITIAL_WINDOW_SIZE: 500_000})
        if connection.number == 1:
            call = session.next_call()
            while len(call.body) < min(size, 400_000):
                assert session.receive()
            session.reset(call, REFUSED_STREAM)
            session.drain()
            return
        for call in session.requests():
            assert session.read_body(call) == body + b"end"
            session.respond(call, b"whole")

    host = route_http2(proxy, origin(handler))
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    client.send(b"%x\r\n%b\r\n" % (size, body))
    client.send(b"3\r\nend\r\n0\r\n\r\n")
    assert client.answer().status == status


def test_content_that_a_middleware_makes_is_not_sent_again_after_it_has_begun(
    proxy: Proxy, origin: Start
) -> None:
    """Its pieces are gone, so another attempt would look like a whole request without them."""
    contents: list[bytes] = []

    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        call = session.next_call()
        contents.append(session.read_body(call))
        if connection.number == 1:
            session.reset(call, REFUSED_STREAM)
        else:
            session.respond(call, b"")
        session.drain()

    proxy.middlewares["web@x"] = Middleware("web@x", "grpcWeb", {})
    host = route_http2(proxy, origin(handler), middlewares=("web@x",))
    message = bytes(5)
    text = b64encode(message)
    with Client(proxy.web) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(text)}\r\n".encode())
        client.send(b"Content-Type: application/grpc-web-text\r\n\r\n" + text)
        client.answer()
    assert contents == [message]


def test_a_graceful_goaway_loses_nothing(proxy: Proxy, origin: Start, many: ThreadPoolExecutor) -> None:
    """Requests that the server has announced to finish are finished; others use the next connection."""
    ending = threading.Event()

    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        if connection.number == 1:
            call = session.next_call()
            session.go_away(0x7FFFFFFF)
            session.go_away(call.stream)
            ending.set()
            # Another request must come over another connection before this one is done.
            assert done.wait(30)
            session.respond(call, b"old")
            session.drain()
            return
        for call in session.requests():
            session.respond(call, b"new")

    done = threading.Event()
    started = origin(handler)
    host = route_http2(proxy, started)
    old = many.submit(send, proxy, host, "POST", "/old", b"x")
    assert ending.wait(30)
    assert send(proxy, host, "POST", "/new", b"x").body == b"new"
    done.set()
    assert old.result(30).body == b"old"
    assert started.connections == 2


def test_a_request_that_waited_for_a_stream_is_repeated_after_a_dead_connection(
    proxy: Proxy, origin: Start, many: ThreadPoolExecutor
) -> None:
    """The connection had served another request; its end is no failure of a new one."""
    dialled, ended = threading.Event(), threading.Event()

    def handler(connection: Connection) -> None:
        if connection.number > 1:
            dialled.set()
            # Without settings the connection is not ready, so the request gets the stream of the other one.
            assert ended.wait(30)
            for call in (session := Http2Session(connection)).requests():
                session.respond(call, b"again")
            return
        session = Http2Session(connection, {SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        first = session.next_call()
        assert dialled.wait(30)
        session.respond(first, b"first")
        session.next_call()
        connection.reset()
        ended.set()

    started = origin(handler)
    host = route_http2(proxy, started)
    answers = {answer.body for answer in many.map(lambda _: send(proxy, host), range(2))}
    assert answers == {b"first", b"again"}
    assert f":{started.port} is ejected" not in proxy.process.log


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("PUT", 200), ("POST", 502)])
def test_only_an_idempotent_request_is_repeated_after_a_dead_connection(
    proxy: Proxy, origin: Start, method: str, status: int
) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        if connection.number == 1:
            session.respond(session.next_call(), b"first")
            session.next_call()
            return
        for call in session.requests():
            session.respond(call, b"second")

    host = route_http2(proxy, origin(handler))
    assert send(proxy, host).body == b"first"
    answer = send(proxy, host, method, body=b"x" if method != "GET" else b"")
    assert answer.status == status
    assert proxy.status(host) == 200


def test_a_late_response_ends_its_stream_and_no_other(hasty: Proxy, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        late = session.next_call()
        assert session.wait_for_reset(late) == 8
        for call in session.requests():
            session.respond(call, b"ok")

    started = origin(handler)
    host = route_http2(hasty, started)
    assert send(hasty, host).status == 504
    assert send(hasty, host).body == b"ok"
    assert started.connections == 1


def test_connections_to_a_server_that_leaves_end_after_their_streams(
    proxy: Proxy, origin: Start, many: ThreadPoolExecutor
) -> None:
    begun, removed, goodbye = threading.Event(), threading.Event(), threading.Event()

    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        call = session.next_call()
        begun.set()
        assert removed.wait(30)
        session.respond(call, b"late")
        session.drain()
        assert session.goes_away is not None
        goodbye.set()

    host = route_http2(proxy, origin(handler))
    answer = many.submit(send, proxy, host)
    assert begun.wait(30)
    proxy.tune(host, servers=())
    removed.set()
    assert answer.result(30).body == b"late"
    assert goodbye.wait(30)


@pytest.fixture(scope="module")
def certificate(directory: Path) -> Path:
    return write_certificate(directory / "http2.pem")


def echo(session: Http2Session) -> None:
    for call in session.requests():
        session.respond(call, b"h2 " + session.read_body(call))


def over_tls(
    certificate: Path, protocols: list[str], handler: Handler, http2: Callable[[Http2Session], None] = echo
) -> Handler:
    """Return a handler for connections with TLS that agree on one of these protocols."""

    def secured(connection: Connection) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if protocols:
            context.set_alpn_protocols(protocols)
        connection.socket = wrapped = context.wrap_socket(connection.socket, server_side=True)
        if wrapped.selected_alpn_protocol() == "h2":
            http2(Http2Session(connection))
            return
        handler(connection)

    return secured


def http1(connection: Connection) -> None:
    while request := connection.read():
        if request.header("Upgrade"):
            connection.send(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            )
            connection.send(connection.receive())
            return
        connection.send(http_response(b"http/1.1 " + request.body))


def transport(certificate: Path, **options: object) -> dict[str, object]:
    found = ServersTransport("t@file", root_cas=(str(certificate),), **options)  # type: ignore[arg-type]
    return {"servers_transport": "t@file", "transport": found}


@pytest.mark.parametrize(
    ("protocols", "disabled", "spoken"),
    [
        (["h2", "http/1.1"], False, b"h2"),
        (["h2", "http/1.1"], True, b"http/1.1"),
        (["http/1.1"], False, b"http/1.1"),
        ([], False, b"http/1.1"),
    ],
    ids=["both", "disabled", "http-1 only", "no-alpn"],
)
def test_alpn_decides_the_protocol(
    proxy: Proxy, origin: Start, certificate: Path, protocols: list[str], disabled: bool, spoken: bytes
) -> None:
    started = origin(over_tls(certificate, protocols, http1))
    host = route_http2(proxy, started, "https", **transport(certificate, disable_http2=disabled))
    for body in (b"one", b"two"):
        assert send(proxy, host, "POST", body=body).body == spoken + b" " + body
    assert started.connections == 1


def test_a_server_may_change_its_protocol(
    proxy: Proxy, origin: Start, certificate: Path, many: ThreadPoolExecutor
) -> None:
    protocols = ["http/1.1"]

    def handler(connection: Connection) -> None:
        # One request for each connection.
        request = connection.read()
        assert request is not None
        connection.send(http_response(b"http/1.1", headers=("Connection: close",)))

    def changing(connection: Connection) -> None:
        over_tls(certificate, list(protocols), handler)(connection)

    host = route_http2(proxy, origin(changing), "https", **transport(certificate))
    assert send(proxy, host).body == b"http/1.1"
    protocols[:] = ["h2"]
    assert send(proxy, host).body == b"h2 "
    assert {answer.body for answer in many.map(lambda _: send(proxy, host), range(5))} == {b"h2 "}


def test_an_upgrade_gets_a_connection_of_http_1(
    proxy: Proxy, client: Client, origin: Start, certificate: Path
) -> None:
    host = route_http2(
        proxy, origin(over_tls(certificate, ["h2", "http/1.1"], http1)), "https", **transport(certificate)
    )
    assert send(proxy, host).body == b"h2 "
    client.send(
        f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
    )
    assert client.answer().status == 101
    client.send(b"frames")
    assert client.exactly(6) == b"frames"


def require_http1(session: Http2Session) -> None:
    session.reset(session.next_call(), HTTP_1_1_REQUIRED)
    session.drain()


def go_away_to_http1(session: Http2Session) -> None:
    session.next_call()
    session.go_away(0, HTTP_1_1_REQUIRED)
    session.drain()


@pytest.mark.parametrize("http2", [require_http1, go_away_to_http1], ids=["reset", "GOAWAY"])
def test_a_server_that_requires_http_1_gets_it_from_then_on(
    proxy: Proxy, origin: Start, certificate: Path, http2: Callable[[Http2Session], None]
) -> None:
    """The server has not run the request, so its method does not matter (RFC 9113 §7)."""
    started = origin(over_tls(certificate, ["h2", "http/1.1"], http1, http2))
    host = route_http2(proxy, started, "https", **transport(certificate))
    for body in (b"one", b"two"):
        assert send(proxy, host, "POST", body=body).body == b"http/1.1 " + body
    assert started.connections == 2


def test_a_server_without_tls_cannot_require_http_1(proxy: Proxy, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        require_http1(Http2Session(connection))

    started = origin(handler)
    assert send(proxy, route_http2(proxy, started)).status == 502
    assert started.connections == 1


def test_an_upgrade_is_not_asked_of_a_server_that_has_none(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        for call in session.requests():
            assert call.header("upgrade") is None and call.header("connection") is None
            session.respond(call, b"plain")

    host = route_http2(proxy, origin(handler))
    client.send(
        f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
    )
    assert client.answer().body == b"plain"


def test_a_dead_server_is_found_by_a_ping(proxy: Proxy, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        session.next_call()
        # Reads, but never responds, to a PING either.
        kinds = set()
        data = b""
        while piece := connection.receive():
            data += piece
            while len(data) >= 9:
                kinds.add(data[3])
                data = data[9 + int.from_bytes(data[:3], "big") :]
        assert 6 in kinds

    tuned = ServersTransport("t@file", read_idle_timeout=0.5, ping_timeout=0.5)
    host = route_http2(proxy, origin(handler), servers_transport="t@file", transport=tuned)
    assert send(proxy, host, "POST").status == 502


def test_a_ping_keeps_a_slow_server(proxy: Proxy, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        call = session.next_call()
        while not session.pings:
            assert session.receive()
        session.respond(call, b"slow")

    tuned = ServersTransport("t@file", read_idle_timeout=0.5, ping_timeout=30)
    host = route_http2(proxy, origin(handler), servers_transport="t@file", transport=tuned)
    assert send(proxy, host, "POST").body == b"slow"


def test_an_unknown_frame_before_the_settings_is_an_error(proxy: Proxy, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        connection.send(frame(0xBB, 0, 0) + frame(4, 0, 0))
        while connection.receive():
            pass

    host = route_http2(proxy, origin(handler))
    assert send(proxy, host).status == 502
