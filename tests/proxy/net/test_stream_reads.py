"""Reads of plain streams."""

import socket

import gevent

from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream


def test_bytes_that_are_here_are_received_without_a_turn_of_the_event_loop() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = Stream(ours, Sweeper())
    turns: list[str] = []
    with theirs:
        theirs.sendall(b"first")
        gevent.spawn(turns.append, "one")
        assert stream.recv_eagerly() == b"first"
        assert turns == []
        gevent.spawn(theirs.sendall, b"second")
        assert stream.recv_eagerly() == b"second"
        assert turns == ["one"]
    stream.close()
