"""Sends and receives large bodies without keeping them in memory."""

import socket

from tests.lab.namespace import connect
from tests.lab.origin import Connection, Handler, http_response

PIECE = bytes(1 << 20)


def send_zeros(connection: socket.socket, size: int) -> None:
    """Send `size` zero bytes."""
    piece = memoryview(PIECE)
    while size > 0:
        size -= connection.send(piece[:size])


def discard(connection: socket.socket, size: int) -> int:
    """Receive up to `size` bytes, fewer if the other side closes; return how many were received."""
    buffer = bytearray(len(PIECE))
    left = size
    while left > 0:
        count = connection.recv_into(buffer, min(left, len(buffer)))
        if not count:
            break
        left -= count
    return size - left


def send_large_bodies(size: int) -> Handler:
    """Return an origin's handler that sends `size` bytes in each response."""

    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            if request.method != "HEAD":
                send_zeros(connection.socket, size)

    return handler


def count_upload(connection: Connection) -> None:
    """Handle an origin's connection: read each body by its length, and respond with the number of bytes."""
    while (request := connection.read_head()) is not None:
        if request.method == "HEAD":
            connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            continue
        size = int(request.header("Content-Length") or 0)
        received = 0
        while received < min(size, 1):
            received += len(connection.receive())
        connection.send(http_response(b"%d" % (received + discard(connection.socket, size - received))))


def download(port: int, host: str) -> int:
    """Return the size of the body of a GET. Raises AssertionError unless it is a 200 with a length."""
    with connect("127.0.0.1", port, timeout=60) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        assert head.startswith(b"HTTP/1.1 200 "), head
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        return discard(connection, size)


def upload(port: int, host: str, size: int) -> int:
    """Send a body of this size; return how many bytes the server received."""
    with connect("127.0.0.1", port, timeout=60) as connection:
        connection.sendall(f"PUT / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n\r\n".encode())
        send_zeros(connection, size)
        data = b""
        while not data.partition(b"\r\n\r\n")[2]:
            piece = connection.recv(65536)
            assert piece, data
            data += piece
        return int(data.partition(b"\r\n\r\n")[2])
