"""What a server sends on a stream that nobody takes from: it stays small."""

import pytest

from proxy.http1.response import Response
from proxy.http2.errors import ENHANCE_YOUR_CALM, StreamFault
from proxy.http2.stream import Stream as CoreStream
from proxy.net.deadlines import Sweeper
from proxy.upstream.http2_stream import Http2Stream
from tests.proxy.http2.test_connection import Client


class Carrier(Client):
    """A connection that begins streams."""

    has_served = False

    def begin(self, stream: Http2Stream, head: bytes, *, ended: bool, is_head: bool) -> CoreStream | None:
        return self.connection.open_stream(stream, head, ended=ended, is_head=is_head)

    def release(self, *, begun: bool) -> None: ...

    def stream_refused(self) -> None: ...

    def http1_required(self) -> bool:
        return False

    def failure(self) -> OSError | None: ...


@pytest.fixture
def stream() -> Http2Stream:
    stream = Http2Stream(Carrier(), Sweeper(), 0.0)
    stream.begin(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"", b"")
    return stream


def test_small_pieces_of_content_are_joined(stream: Http2Stream) -> None:
    pieces = [b"%d," % number for number in range(5000)]
    for piece in pieces:
        stream.content_received(piece)
        assert len(stream._pieces) <= 513
    assert stream.recv() == b"".join(pieces)


def test_interim_responses_that_nobody_takes_are_bounded(stream: Http2Stream) -> None:
    response = Response()
    response.status = 103
    with pytest.raises(StreamFault) as fault:
        for _ in range(1000):
            stream.head_received(response, ended=False)
    assert fault.value.code == ENHANCE_YOUR_CALM
