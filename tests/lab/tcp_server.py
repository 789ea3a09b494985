"""A TCP server with a handler for each connection, and no protocol of its own."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.lab.background import Background
from tests.lab.sockets import shut

Handler = Callable[[socket.socket], None]


def echo(connection: socket.socket) -> None:
    """Send everything back; end once the client has ended."""
    while data := connection.recv(65536):
        connection.sendall(data)


def announce(name: bytes) -> Handler:
    """Return a handler that sends a name at once, as servers of SMTP do, and echoes then."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(name)
        echo(connection)

    return handle


class TcpServer(Background):
    """Serves on the free loopback port `port`, inside `with`; with a `context` over TLS.

    `accepted` counts connections, `failures` are handshakes that did not succeed.
    """

    def __init__(self, handler: Handler, context: ssl.SSLContext | None = None, port: int = 0) -> None:
        super().__init__("tcp server")
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._handler = handler
        self._context = context
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.accepted = 0
        self.failures: list[OSError] = []

    def run(self) -> None:
        with self._listener, suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                self._open.add(connection)
                thread = threading.Thread(target=self._handle, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        shut(self._listener)
        for connection in list(self._open):
            shut(connection)

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def _handle(self, connection: socket.socket) -> None:
        served = connection
        try:
            if self._context is not None:
                try:
                    served = self._context.wrap_socket(connection, server_side=True)
                except OSError as error:
                    self.failures.append(error)
                    return
                self._open.add(served)
            with suppress(OSError):
                # The other side may end the connection at any time.
                self._handler(served)
        finally:
            served.close()
            self._open -= {connection, served}
            connection.close()
