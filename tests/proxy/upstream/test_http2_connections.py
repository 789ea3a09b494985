"""Pools of connections of HTTP/2 to a server, over real sockets."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EINVAL

import gevent
import pytest
from h2.settings import SettingCodes

from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream
from proxy.upstream import http2_connections
from proxy.upstream.connection import DialError
from proxy.upstream.http2_connection import Http2Timeouts
from proxy.upstream.http2_connections import Http2Connections
from proxy.upstream.http2_stream import Http2Stream
from proxy.upstream.pool import Pool, close_all_idle
from tests.lab.http2.frames import settings
from tests.lab.http2_origin import Http2Session
from tests.lab.origin import Connection, Origin
from tests.lab.ports import free_port

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"


def ok(connection: Connection) -> None:
    session = Http2Session(connection)
    for call in session.requests():
        session.read_body(call)
        session.respond(call, b"ok")


def one_at_a_time(connection: Connection) -> None:
    session = Http2Session(connection, {SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    for call in session.requests():
        session.respond(call, b"ok")


@contextmanager
def pool_of(port: int, **options: float) -> Iterator[Pool]:
    """A pool whose deadlines are checked ten times a second."""
    timeouts = Http2Timeouts(options.pop("idle", 90), 0, 0)
    sweeper = Sweeper()

    def sweep() -> None:
        while True:
            gevent.sleep(0.1)
            sweeper.sweep()

    sweeping = gevent.spawn(sweep)
    options = {"dial_timeout": 30, "idle_timeout": 90, **options}
    pool = Pool(("127.0.0.1", port), sweeper, http2=timeouts, **options)  # type: ignore[arg-type]
    try:
        yield pool
    finally:
        pool.close()
        sweeping.kill()


def taken(pool: Pool, patience: float = 30.0) -> Http2Stream:
    stream: Stream = pool.take() or pool.dial(patience)
    assert isinstance(stream, Http2Stream)
    return stream


def asked(pool: Pool, stream: Http2Stream) -> bytes:
    """Send a request on this stream, and return the content of the response."""
    stream.begin(GET, b"", b"")
    response = stream.take_response()
    assert response is not None
    content = stream.take_content() or stream.recv()
    pool.give(stream)
    return content


def wait_until(condition: Callable[[], bool]) -> None:
    with gevent.Timeout(30):
        while not condition():
            gevent.sleep(0.01)


def closed(origin: Origin) -> bool:
    return not origin._open


def test_requests_that_come_at_once_wait_for_one_dial() -> None:
    with Origin(ok) as origin, pool_of(origin.port) as pool:
        greenlets = [gevent.spawn(lambda: asked(pool, taken(pool))) for _ in range(30)]
        gevent.joinall(greenlets, timeout=30, raise_error=True)
        assert [each.value for each in greenlets] == [b"ok"] * 30
        assert origin.connections == 1


def test_a_request_waits_for_the_stream_of_another_one_if_no_connection_comes() -> None:
    with Origin(one_at_a_time) as origin, pool_of(origin.port) as pool:
        first = taken(pool)
        origin.refuse()
        with pytest.raises(DialError) as error:
            pool.dial()
        assert error.value.unreachable
        assert asked(pool, first) == b"ok"
        assert asked(pool, taken(pool)) == b"ok"


def test_all_that_wait_for_a_dial_learn_why_it_failed() -> None:
    with pool_of(free_port()) as pool:
        greenlets = [gevent.spawn(pool.dial) for _ in range(3)]
        gevent.joinall(greenlets, timeout=30)
        errors = [each.exception for each in greenlets]
        assert all(isinstance(each, DialError) and each.unreachable for each in errors)
        assert len({id(each) for each in errors}) == 3


def test_those_that_wait_learn_of_a_connection_that_breaks_while_it_is_set_up() -> None:
    def dial(_patience: float) -> Stream:
        raise OSError(EINVAL, "Invalid argument")

    timeouts = Http2Timeouts(90, 0, 0)
    connections = Http2Connections(
        dial, b"http", Sweeper(), timeouts, dial_timeout=30, idle_limit=1, stall_limit=0
    )
    with pytest.raises(DialError, match="Invalid argument"):
        connections.dial(30)


def mute(connection: Connection) -> None:
    while connection.receive():
        pass


def test_a_server_without_settings_speaks_no_http_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_connections, "HANDSHAKE_TIMEOUT", 0.2)
    with Origin(mute) as origin, pool_of(origin.port) as pool:
        with pytest.raises(DialError, match="no settings of HTTP/2") as error:
            pool.dial()
        assert error.value.timed_out and not error.value.unreachable
        wait_until(lambda: closed(origin))


def changes_its_mind(connection: Connection) -> None:
    connection.send(settings((3, 5)) + settings((3, 6)))
    mute(connection)


def test_settings_may_change_while_a_connection_to_a_server_that_has_left_begins() -> None:
    with Origin(changes_its_mind) as origin, pool_of(origin.port) as pool:
        pool.close()
        taken(pool).close()


def test_patience_ends_a_wait_and_not_the_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(connection: Connection) -> None:
        assert go_on.wait(30)
        ok(connection)

    with Origin(slow) as origin, pool_of(origin.port) as pool:
        with pytest.raises(DialError, match="no stream became free") as error:
            pool.dial(0.1)
        assert error.value.timed_out and not error.value.unreachable
        go_on.set()
        wait_until(lambda: (stream := pool.take()) is not None and not stream.close())
        assert origin.connections == 1


def test_an_idle_connection_ends_with_a_goaway_after_its_time() -> None:
    goodbyes: list[bool] = []

    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        session.respond(session.next_call(), b"ok")
        session.drain()
        goodbyes.append(session.goes_away is not None)

    with Origin(handler) as origin, pool_of(origin.port, idle=0.2) as pool:
        assert asked(pool, taken(pool)) == b"ok"
        wait_until(lambda: bool(goodbyes))
        assert goodbyes == [True]
        assert pool.take() is None


@pytest.mark.parametrize(("limit", "kept"), [(0, 0), (1, 1), (5, 2)])
def test_only_so_many_connections_stay_idle(limit: int, kept: int) -> None:
    with Origin(one_at_a_time) as origin, pool_of(origin.port, idle_limit=limit) as pool:
        first, second = taken(pool), taken(pool)
        assert origin.connections == 2
        assert asked(pool, first) == asked(pool, second) == b"ok"
        wait_until(lambda: len(origin._open) == kept)


def test_idle_connections_close_to_free_descriptors() -> None:
    with Origin(ok) as origin, pool_of(origin.port) as pool:
        busy = taken(pool)
        assert close_all_idle() == 0
        assert asked(pool, busy) == b"ok"
        assert close_all_idle() == 1
        wait_until(lambda: closed(origin))


def test_a_request_may_dial_after_its_server_has_left() -> None:
    with Origin(ok) as origin, pool_of(origin.port) as pool:
        pool.close()
        assert asked(pool, taken(pool)) == b"ok"
        wait_until(lambda: closed(origin))


def no_window(connection: Connection) -> None:
    session = Http2Session(connection, gives_window=False)
    session.drain()


@pytest.mark.parametrize("at_once", [True, False], ids=["with the head", "later"])
def test_a_server_that_takes_nothing_of_a_request_is_left(at_once: bool) -> None:
    with Origin(no_window) as origin, pool_of(origin.port, stall_limit=0.3) as pool:
        stream = taken(pool)
        content = bytes(200_000)
        if at_once:
            stream.begin(POST, content, b"")
        else:
            stream.begin(POST, b"", None)
            with pytest.raises(OSError, match="takes no more"):
                stream.send_content(content, b"")
        assert stream.recv() == b""
        assert stream.expired
        stream.close()
        # Other streams of the connection go on.
        assert isinstance(pool.take(), Http2Stream)


def test_a_connection_that_has_ended_is_not_taken_for_a_request_that_cannot_be_repeated() -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        session.respond(session.next_call(), b"ok")

    with Origin(handler) as origin, pool_of(origin.port) as pool:
        assert asked(pool, taken(pool)) == b"ok"
        (connection,) = pool._http2._connections  # type: ignore[union-attr]
        # No turn of the event loop: the reading greenlet has not seen the end yet.
        while not connection.has_unread:
            time.sleep(0.01)
        assert not connection.ends
        assert pool.take_alive() is None


def test_a_stream_that_was_reserved_and_not_used_is_free_again() -> None:
    with Origin(one_at_a_time) as origin, pool_of(origin.port) as pool:
        for _ in range(3):
            taken(pool).close()
        assert asked(pool, taken(pool)) == b"ok"
        assert origin.connections == 1
