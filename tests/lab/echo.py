"""A WebSocket server (RFC 6455) that sends each message back; one thread serves many connections."""

import base64
import hashlib
import selectors
import socket
from contextlib import suppress

from tests.lab.background import Background

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY, _CLOSE = 1, 2, 8


class _Peer:
    """A connection with its unread bytes; `open` is true after the handshake."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.buffer = bytearray()
        self.open = False

    def feed(self, data: bytes) -> bytes:
        """Return the response to these bytes."""
        self.buffer += data
        if not self.open:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return b""
            head = bytes(self.buffer[:end])
            del self.buffer[: end + 4]
            self.open = True
            return _handshake_response(head) + self._frames()
        return self._frames()

    def _frames(self) -> bytes:
        responses = b""
        while len(self.buffer) >= 6:
            size = self.buffer[1] & 0x7F
            # A client masks its frames; the tests send short, unfragmented ones.
            assert self.buffer[0] & 0x80
            assert self.buffer[1] & 0x80
            assert size < 126
            if len(self.buffer) < 6 + size:
                break
            mask = bytes(self.buffer[2:6]) * (size // 4 + 1)
            payload = bytes(a ^ b for a, b in zip(self.buffer[6 : 6 + size], mask, strict=False))
            kind = self.buffer[0] & 0x0F
            assert kind in {_TEXT, _BINARY, _CLOSE}, kind
            responses += bytes((0x80 | kind, size)) + payload
            del self.buffer[: 6 + size]
        return responses


class EchoServer(Background):
    """A server on the free loopback port `port`; it runs inside `with`."""

    def __init__(self) -> None:
        super().__init__("echo")
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._stop, self._stopped = socket.socketpair()

    def stop(self) -> None:
        self._stop.close()

    def run(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._stopped, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._stopped:
                    self._close()
                    return
                if key.fileobj is self._listener:
                    self._accept_all()
                else:
                    self._respond(key.data)

    def _accept_all(self) -> None:
        with suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._selector.register(connection, selectors.EVENT_READ, _Peer(connection))

    def _respond(self, peer: _Peer) -> None:
        try:
            data = peer.socket.recv(65536)
            if data:
                peer.socket.sendall(peer.feed(data))
                return
        except OSError:
            # A client may end its connection at any time.
            pass
        self._selector.unregister(peer.socket)
        peer.socket.close()

    def _close(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()


def _handshake_response(head: bytes) -> bytes:
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    key = next(value for name, value in fields.items() if name.lower() == b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
    )
