"""WebSocket clients, many at once."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import websocket


def connected(port: int, host: str) -> websocket.WebSocket:
    """A client whose handshake is behind it."""
    client = websocket.WebSocket(sockopt=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])
    client.connect(f"ws://127.0.0.1:{port}/chat", host=host, timeout=30)  # type: ignore[no-untyped-call]
    return client


@contextmanager
def many(port: int, host: str, count: int) -> Iterator[list[websocket.WebSocket]]:
    """So many clients; cut off at the end."""
    clients = []
    try:
        for _ in range(count):
            clients.append(connected(port, host))
        yield clients
    finally:
        for client in clients:
            client.shutdown()  # type: ignore[no-untyped-call]


def echoed(clients: list[websocket.WebSocket], message: str) -> list[bool]:
    """Whether each gets back what it says; all speak before anybody listens."""
    for number, client in enumerate(clients):
        client.send(f"{message} {number}")
    return [client.recv() == f"{message} {number}" for number, client in enumerate(clients)]
