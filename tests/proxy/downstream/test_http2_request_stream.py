"""A client's stream of HTTP/2: what waits in it, and for how long."""

from typing import cast

import gevent
import pytest

from proxy.downstream.http2_request_stream import RequestStream
from proxy.http2.frames import DATA, END_HEADERS, END_STREAM, HEADERS, frame, settings_frame, window_frame
from proxy.http2.output import OUTPUT_LIMIT
from proxy.http2.settings import INITIAL_WINDOW_SIZE
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


def test_content_counts_until_it_was_passed_on() -> None:
    server = raw()
    server.server.receive(frame(HEADERS, END_HEADERS, 1, POST))
    framed = server.requests[0][1]
    stream = RequestStream(cast(Stream, None), Sweeper(), 0.0)
    stream.begin(framed, ended=False)
    server.server.receive(frame(DATA, 0, 1, bytes(100)))
    assert len(stream.recv()) == framed.unread == 100
    server.server.receive(frame(DATA, END_STREAM, 1, bytes(10)))
    assert framed.unread == 110
    assert len(stream.recv()) == framed.unread == 10
    stream.release_taken()
    assert framed.unread == server.server.receive_window.unread == 0


@pytest.mark.parametrize("window", [1 << 20, OUTPUT_LIMIT], ids=["no turn", "no window"])
def test_a_stream_that_waits_for_its_turn_has_not_stalled(window: int) -> None:
    server = raw()
    core = server.server
    core.receive(settings_frame([(INITIAL_WINDOW_SIZE, window)]) + window_frame(0, 1 << 20))
    core.receive(frame(HEADERS, END_HEADERS, 1, POST))
    core.take_output()
    sweeper = Sweeper()
    stream = RequestStream(cast(Stream, None), sweeper, 0.001)
    stream.begin(server.requests[0][1], ended=True)
    sending = gevent.spawn(stream.send, bytes(OUTPUT_LIMIT + 1))
    gevent.sleep(0.01)
    sweeper.sweep()
    core.take_output()
    core.resume()
    sending.join(10)
    assert sending.successful() is (window > OUTPUT_LIMIT)
