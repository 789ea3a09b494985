"""The end of a client's connection of HTTP/2."""

import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.context import ClientTimeouts, WorkerContext
from proxy.downstream.http2_connection import Http2Connection
from proxy.http1.limits import Limits
from proxy.http2.settings import LocalSettings
from proxy.http2.unread_content import UnreadContent
from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream


def test_an_error_of_ours_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    sweeper = Sweeper()
    context = cast(
        WorkerContext, SimpleNamespace(sweeper=sweeper, draining=False, unread_content=UnreadContent())
    )
    never: Any = None
    connection = Http2Connection(
        Stream(ours, sweeper),
        context,
        ClientTimeouts(0, 0, 0, 0),
        LocalSettings(),
        Limits(),
        never,
        never,
    )

    def fail(data: bytes) -> None:
        raise LookupError(data)

    monkeypatch.setattr(connection._core, "receive", fail)
    with peer, pytest.raises(LookupError):
        connection.run(b"PRI")
    assert not sweeper.streams
    assert ours.fileno() == -1
