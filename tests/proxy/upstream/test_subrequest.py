"""Subrequests over real sockets."""

from collections.abc import Iterator
from contextlib import closing

import gevent
import pytest

from proxy.net.deadlines import Sweeper
from proxy.upstream.auxiliary_pools import AuxiliaryPools, ServerAddress
from proxy.upstream.pool import Pool
from proxy.upstream.subrequest import ContentTooLargeError, SubrequestError, WholeResponse, send_subrequest
from proxy.upstream.timeouts import UpstreamTimeouts
from tests.lab.origin import Connection, Origin, Start, http_response

LIMIT = 10


@pytest.fixture
def sweeper() -> Iterator[Sweeper]:
    sweeper = Sweeper()
    task = gevent.spawn(sweeper.run)
    yield sweeper
    task.kill()


@pytest.fixture
def pools(sweeper: Sweeper) -> AuxiliaryPools:
    return AuxiliaryPools(sweeper, UpstreamTimeouts())


def pool_of(pools: AuxiliaryPools, server: Origin) -> Pool:
    return pools.open("m", ServerAddress("127.0.0.1", server.port), None)


def get(pool: Pool, method: bytes = b"GET", timeout: float = 30.0) -> WholeResponse:
    return send_subrequest(pool, method, method + b" / HTTP/1.1\r\nHost: a\r\n\r\n", timeout, LIMIT)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CONTENT = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789": b"0123456789",
    CHUNKED + b"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n": b"0123456789",
    b"HTTP/1.1 200 OK\r\n\r\n0123456789": b"0123456789",
    b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789a": None,
    CHUNKED + b"5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n": None,
    b"HTTP/1.1 200 OK\r\n\r\n0123456789a": None,
}


@pytest.mark.parametrize("response", CONTENT)
def test_content_up_to_the_limit_is_read(pools: AuxiliaryPools, origin: Start, response: bytes) -> None:
    def in_pieces(connection: Connection) -> None:
        if connection.read() is not None:
            for position in range(0, len(response), 7):
                connection.send(response[position : position + 7])

    pool = pool_of(pools, origin(in_pieces))
    wanted = CONTENT[response]
    if wanted is None:
        with pytest.raises(ContentTooLargeError):
            get(pool)
    else:
        assert get(pool).content == wanted


@pytest.mark.parametrize("response", CONTENT)
@pytest.mark.parametrize("excess", [b"", b"excess"])
def test_content_of_any_length_can_be_dropped(
    pools: AuxiliaryPools, origin: Start, response: bytes, excess: bytes
) -> None:
    def in_pieces(connection: Connection) -> None:
        while connection.read() is not None:
            for position in range(0, len(response) - 1, 7):
                connection.send(response[position : min(position + 7, len(response) - 1)])
            # In one segment: what comes later than the content may meet the next request.
            connection.send(response[-1:] + excess)
            if b"\r\nContent-Length" not in response and not response.startswith(CHUNKED):
                return

    server = origin(in_pieces)
    for _ in range(2):
        found = send_subrequest(
            pool_of(pools, server), b"GET", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 30.0, 0, discard=True
        )
        assert (found.status, found.content) == (200, b"")
    framed = b"Length" in response or response.startswith(CHUNKED)
    assert server.connections == (1 if framed and not excess else 2)


@pytest.mark.parametrize("response", [CHUNKED + b"5\r\n01", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n0"])
def test_a_response_that_is_cut_is_an_error_also_if_its_content_is_dropped(
    pools: AuxiliaryPools, origin: Start, response: bytes
) -> None:
    def cuts(connection: Connection) -> None:
        connection.read()
        connection.send(response)

    pool = pool_of(pools, origin(cuts))
    with pytest.raises(SubrequestError, match="ended before"):
        send_subrequest(pool, b"GET", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 30.0, 0, discard=True)


def test_hop_by_hop_lines_are_left_out(pools: AuxiliaryPools, origin: Start) -> None:
    lines = ("Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5", "X-A: b")
    server = origin(http_response(b"", "418 Teapot", lines))
    assert get(pool_of(pools, server)) == (
        418,
        b"\r\nContent-Type: text/plain\r\nX-A: b\r\nContent-Length: 0",
        b"",
    )


def test_a_silent_server_is_given_up(pools: AuxiliaryPools, origin: Start) -> None:
    pool = pool_of(pools, origin(lambda connection: connection.read() and connection.read()))
    with pytest.raises(SubrequestError, match="in time"):
        get(pool, timeout=0.1)


def test_a_server_that_trickles_is_given_up(pools: AuxiliaryPools, origin: Start) -> None:
    def trickle(connection: Connection) -> None:
        connection.read()
        while True:
            connection.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            connection.socket.settimeout(0.05)
            try:
                if not connection.socket.recv(1):
                    return
            except TimeoutError:
                continue

    with pytest.raises(SubrequestError, match="in time"):
        get(pool_of(pools, origin(trickle)), timeout=0.5)


def test_bytes_after_the_response_end_the_connection(pools: AuxiliaryPools, origin: Start) -> None:
    server = origin(http_response(b"one") + http_response(b"two"))
    pool = pool_of(pools, server)
    assert [get(pool).content for _ in range(2)] == [b"one", b"one"]
    assert server.connections == 2


def test_a_request_that_is_not_idempotent_is_sent_once(pools: AuxiliaryPools, origin: Start) -> None:
    def answer_once(connection: Connection) -> None:
        if connection.read() is not None:
            connection.send(http_response(b""))
            connection.read()

    server = origin(answer_once)
    pool = pool_of(pools, server)
    assert get(pool, b"POST").status == 200
    with pytest.raises(SubrequestError, match="ended"):
        get(pool, b"POST")
    assert len(server.requests) == 2


def test_nobody_listens(pools: AuxiliaryPools) -> None:
    with closing(Origin(b"")) as server:
        pool = pool_of(pools, server)
    with pytest.raises(SubrequestError, match="refused"):
        get(pool)


def test_pools_are_shared_by_the_compilations_of_a_middleware_and_closed_with_it(
    pools: AuxiliaryPools,
) -> None:
    address = ServerAddress("127.0.0.1", 80)
    first = pools.open("m", address, None)
    other = pools.open("n", address, None)
    assert pools.open("m", address, None) is first
    assert other is not first
    pools.close("m")
    assert (first.closed, other.closed) == (True, False)
    assert pools.open("m", address, None) is not first
    pools.close("nobody")
