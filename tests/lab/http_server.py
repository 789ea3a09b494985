"""HTTP servers of tests, on the loopback address and in threads of their own."""

import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from weakref import WeakSet

from tests.lab.background import Background
from tests.lab.sockets import shut

ADDRESS = "127.0.0.1"


class Handler(BaseHTTPRequestHandler):
    """Handles requests without a log."""

    def reply(self, status: int, body: bytes = b"") -> None:
        """Send a response with this body."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""


class _Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._connections: WeakSet[socket.socket] = WeakSet()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        self._connections.add(connection)
        return connection, peer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write a traceback, unless the client has gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def cut_connections(self) -> None:
        for connection in self._connections:
            shut(connection)


class HttpServer(Background):
    """Serves inside `with`; its port is a free one by default. With a certificate, it speaks TLS."""

    def __init__(
        self, handler: type[BaseHTTPRequestHandler], port: int = 0, certificate: Path | None = None
    ) -> None:
        super().__init__("HTTP server")
        self._server = _Server((ADDRESS, port), handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://{ADDRESS}:{self._server.server_port}"

    def run(self) -> None:
        self._server.serve_forever(0.01)

    def cut_connections(self) -> None:
        """End all connections."""
        self._server.cut_connections()

    def stop_listening(self) -> None:
        """Close the socket of a server that has not been started, so that connections to it are refused."""
        self._server.server_close()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.cut_connections()
