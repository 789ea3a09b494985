"""Three small servers that respond with their name and the request."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAMES = ("demo-1", "demo-2", "demo-3")


class Whoami(BaseHTTPRequestHandler):
    """A handler that responds with the server's name and the request's first line and headers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60.0
    server: "DemoServer"

    def respond(self) -> None:
        if not self._drop_body():
            self.close_connection = True
        lines = [f"Name: {self.server.name}", f"{self.command} {self.path} {self.request_version}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        body = "\n".join([*lines, ""]).encode("latin-1", "replace")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=iso-8859-1")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = respond  # noqa: N815 (found by these names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        """Log nothing, so that only Rondpoint's own log appears."""

    def _drop_body(self) -> bool:
        """Read the request's body; return whether another request can follow on the connection."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit():
            return False
        left = int(length)
        while left and (piece := self.rfile.read(min(left, 65536))):
            left -= len(piece)
        return not left


class DemoServer(ThreadingHTTPServer):
    """A named server on a free loopback port."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Whoami)
        self.name = name

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def run_servers() -> Iterator[list[str]]:
    """Run the servers until the context ends, and yield their URLs."""
    with ExitStack() as stack:
        servers = [stack.enter_context(DemoServer(name)) for name in NAMES]
        for server in servers:
            threading.Thread(target=server.serve_forever, name=server.name, daemon=True).start()
            stack.callback(server.shutdown)
        yield [server.url for server in servers]
