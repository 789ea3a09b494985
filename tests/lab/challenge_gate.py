"""Stands between a CA and the proxy that responds to HTTP-01 challenges, and holds responses back."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests.lab import http
from tests.lab.ports import free_port

ADDRESS = "127.0.0.1"
VALIDATIONS = 3
"""Pebble sends so many requests for each name, as if from several places."""


class ChallengeGate:
    """Relays challenge requests to the proxy at `target`, and its responses to the CA after `open`.

    So a test can do something in the middle of an order: after the proxy has responded, and before the CA
    knows it. The CA waits for a few seconds only.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.target = 0
        self.held = threading.Event()
        """Set once all responses for one name are held back."""
        self._responses = 0
        self._lock = threading.Lock()
        self._open = threading.Event()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                response = http.request(gate.target, self.headers["Host"], self.path)
                if response.status == 200:
                    gate._hold()
                self.send_response(response.status)
                self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                self.wfile.write(response.body)

            def log_message(self, *arguments: object) -> None:
                """Write nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 100

        self._server = Server((ADDRESS, self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.open()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _hold(self) -> None:
        with self._lock:
            self._responses += 1
            if self._responses >= VALIDATIONS:
                self.held.set()
        self._open.wait()

    def open(self) -> None:
        """Let the responses pass, those held back and later ones."""
        self._open.set()
