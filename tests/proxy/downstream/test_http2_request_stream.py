"""Content of a client's stream that no server takes: it stays small."""

from typing import cast

from proxy.downstream.http2_request_stream import RequestStream
from proxy.http2.frames import DATA, END_HEADERS, HEADERS, frame
from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream
from tests.proxy.http2.test_connection import raw

# :method POST, :scheme http, :path /, :authority a
POST = b"\x83\x86\x84\x01\x01a"


def test_small_pieces_of_content_are_joined() -> None:
    server = raw()
    server.server.receive(frame(HEADERS, END_HEADERS, 1, POST))
    framed = server.requests[0][1]
    stream = RequestStream(cast(Stream, None), Sweeper(), 0.0)
    stream.begin(framed, ended=False)
    pieces = [b"%d," % number for number in range(5000)]
    for piece in pieces:
        server.server.receive(frame(DATA, 0, 1, piece))
        assert len(stream._pieces) <= 513
    assert stream.recv() == b"".join(pieces)
