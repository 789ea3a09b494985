"""Bodies too large to keep: made and counted as they go."""

import socket

from tests.lab.namespace import connect
from tests.lab.origin import Connection, Handler, answer

PIECE = bytes(1 << 20)


def pour(connection: socket.socket, size: int) -> None:
    """Send `size` bytes."""
    piece = memoryview(PIECE)
    while size > 0:
        size -= connection.send(piece[:size])


def swallow(connection: socket.socket, size: int) -> int:
    """Receive up to `size` bytes, fewer when the other side ends; how many came."""
    buffer = bytearray(len(PIECE))
    left = size
    while left > 0:
        count = connection.recv_into(buffer, min(left, len(buffer)))
        if not count:
            break
        left -= count
    return size - left


def pouring(size: int) -> Handler:
    """An origin's handler: each answer is so long."""

    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            if request.method != "HEAD":
                pour(connection.socket, size)

    return handler


def swallowing(connection: Connection) -> None:
    """An origin's handler: reads a body with a length, and answers how many bytes came."""
    while (request := connection.read_head()) is not None:
        if request.method == "HEAD":
            connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            continue
        size = int(request.header("Content-Length") or 0)
        began = 0
        while began < min(size, 1):
            began += len(connection.receive())
        connection.send(answer(b"%d" % (began + swallow(connection.socket, size - began))))


def download(port: int, host: str) -> int:
    """The size of the body of a GET; raises AssertionError for anything but a 200 with a length."""
    with connect("127.0.0.1", port, timeout=60) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        assert head.startswith(b"HTTP/1.1 200 "), head
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        return swallow(connection, size)


def upload(port: int, host: str, size: int) -> int:
    """What the server says that it got of a body of this size."""
    with connect("127.0.0.1", port, timeout=60) as connection:
        connection.sendall(f"PUT / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n\r\n".encode())
        pour(connection, size)
        data = b""
        while not data.partition(b"\r\n\r\n")[2]:
            piece = connection.recv(65536)
            assert piece, data
            data += piece
        return int(data.partition(b"\r\n\r\n")[2])
