"""Opens WebSocket clients, many at once."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import websocket


def connect_websocket(port: int, host: str) -> websocket.WebSocket:
    """Return a client after its handshake."""
    client = websocket.WebSocket(sockopt=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])
    client.connect(f"ws://127.0.0.1:{port}/chat", host=host, timeout=30)  # type: ignore[no-untyped-call]
    return client


@contextmanager
def connect_websockets(port: int, host: str, count: int) -> Iterator[list[websocket.WebSocket]]:
    """Open `count` clients; cut their connections at the end."""
    clients = []
    try:
        for _ in range(count):
            clients.append(connect_websocket(port, host))
        yield clients
    finally:
        for client in clients:
            client.shutdown()  # type: ignore[no-untyped-call]


def send_and_compare(clients: list[websocket.WebSocket], message: str) -> list[bool]:
    """Send a message from each client, then receive; return for each whether its echo is equal."""
    for number, client in enumerate(clients):
        client.send(f"{message} {number}")
    return [client.recv() == f"{message} {number}" for number, client in enumerate(clients)]
