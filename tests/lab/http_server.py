"""HTTP servers of tests, on the loopback address and in threads of their own."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.lab.background import Background

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


class HttpServer(Background):
    """Serves inside `with`; its port is a free one by default."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        super().__init__("HTTP server")
        self._server = _Server((ADDRESS, port), handler)
        self.url = f"http://{ADDRESS}:{self._server.server_port}"

    def run(self) -> None:
        self._server.serve_forever(0.01)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
