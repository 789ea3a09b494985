"""Random fields make one clean request at a server of HTTP/1.1, or an error at the client."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.http2 import hpack
from tests.lab.http2.client import HOST, Client
from tests.lab.http2.frames import data, headers
from tests.lab.http2.hpack import Field
from tests.lab.origin import Origin
from tests.proxy.http2.clean_server import CleanServer, decoded
from tests.proxy.running import Proxy

ODD = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b"/",
        b"\x7f",
        b"\xff",
        b"A",
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
    ]
)
NAMES = st.sampled_from(
    [
        b":method",
        b":path",
        b":scheme",
        b":authority",
        b":status",
        b":protocol",
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"te",
        b"cookie",
        b"expect",
        b"trailer",
        b"upgrade",
        b"x-a",
    ]
)
VALUES = st.sampled_from(
    [
        b"",
        b"0",
        b"3",
        b"5",
        b"5, 5",
        b"-1",
        b"+5",
        b"chunked",
        b"trailers",
        b"close",
        b"GET",
        b"CONNECT",
        b"OPTIONS",
        b"/",
        b"/odd/../%2e%2e/b",
        b"*",
        b"http",
        b"https",
        b"websocket",
        b"100-continue",
        HOST,
        b"other.test",
        b"a=b",
    ]
)


def _mixed(text: bytes, odd: bytes, place: int) -> bytes:
    place %= len(text) + 1
    return text[:place] + odd + text[place:]


def _some(plain: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return plain | st.builds(_mixed, plain, ODD, st.integers(0, 20))


PLAIN = [(b":method", b"POST"), (b":scheme", b"http"), (b":authority", HOST), (b":path", b"/odd")]
EXTRA = st.lists(st.tuples(_some(NAMES), _some(VALUES)), max_size=3)
# Most random heads would be refused for their lack of pseudo-header fields alone.
HEADS = st.one_of(
    EXTRA.map(lambda extra: PLAIN + extra),
    st.builds(
        lambda place, field: [field if number == place else each for number, each in enumerate(PLAIN)],
        st.integers(0, 3),
        st.tuples(_some(NAMES), _some(VALUES)),
    ),
    st.builds(
        lambda fields, order: [fields[each] for each in order], st.just(PLAIN), st.permutations(range(4))
    ),
    st.lists(st.tuples(_some(NAMES), _some(VALUES)), max_size=6),
)
CONTENTS = st.lists(
    st.sampled_from([b"", b"abc", b"0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]), max_size=3
)
TRAILERS = st.none() | EXTRA


@pytest.fixture(scope="module")
def server(lone: Proxy) -> Iterator[CleanServer]:
    server = CleanServer()
    with Origin(server) as origin:
        lone.route(origin, rule="PathPrefix(`/`)")
        yield server


class Connections:
    """The connection for random requests, a new one after each that was ended, and one for valid requests."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._random = self._open()
        self.valid = self._open()

    def take(self) -> Client:
        if not self._random.ping():
            self._random.socket.close()
            self._random = self._open()
        return self._random

    def close(self) -> None:
        self._random.socket.close()
        self.valid.socket.close()

    def _open(self) -> Client:
        client = Client(self._port)
        client.start()
        return client


@pytest.fixture(scope="module")
def connections(lone: Proxy, server: CleanServer) -> Iterator[Connections]:
    made = Connections(lone.web)
    yield made
    made.close()


@settings(max_examples=400)
@given(HEADS, CONTENTS, TRAILERS)
def test_a_random_request_is_one_clean_request_or_an_error(
    server: CleanServer,
    connections: Connections,
    fields: list[Field],
    content: list[bytes],
    trailers: list[Field] | None,
) -> None:
    server.whole.clear()
    client = connections.take()
    number = client.next_stream()
    client.send(headers(number, hpack.block(fields), ended=not content and trailers is None))
    for position, piece in enumerate(content, 1):
        client.send(data(number, piece, ended=position == len(content) and trailers is None))
    if trailers is not None:
        client.send(headers(number, hpack.block(trailers)))
    stream = client.stream(number)
    assert client.wait(lambda: stream.over or client.goaway or client.closed)
    assert connections.valid.get(b"/well").status == 200
    assert server.unclean == []
    *before, well = server.whole
    assert well.target == "/well"
    assert len(before) <= 1
    assert bool(before) == (stream.status == 200)
    if before:
        assert decoded(before[0])[0] == b"".join(content)
        assert before[0].method == dict(fields)[b":method"].decode()
