"""Ends the connections that wait longest for their clients, so that others can be accepted."""

from __future__ import annotations

import _socket
from collections.abc import Collection
from heapq import nlargest

from proxy.downstream.http2_request_stream import RequestStream
from proxy.net.deadlines import NEVER, Sweeper
from proxy.net.stall_detection import quiet_seconds
from proxy.net.stream import Stream

AT_ONCE = 8
"""Waits that end at once, because all streams of the worker are looked at each time."""


def end_longest_waits(sweeper: Sweeper, sockets: Collection[_socket.socket]) -> None:
    """End waits for those clients that have sent nothing for longest, as their deadlines would.

    Idle connections close, and incomplete requests get a 408. A stream that waits for nothing has no
    deadline, such as one that sends events.
    """
    waiting = [
        each
        for each in sweeper.streams
        if each.deadline < NEVER and isinstance(each, (Stream, RequestStream)) and each.sock in sockets
    ]
    for stream in nlargest(AT_ONCE, waiting, key=lambda each: quiet_seconds(each.sock)):
        stream.expire()
