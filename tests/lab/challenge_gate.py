"""Stands between a CA and the proxy that responds to HTTP-01 challenges, and holds responses back."""

import threading

from tests.lab import http
from tests.lab.http_server import Handler, HttpServer
from tests.lab.ports import free_port

VALIDATIONS = 3
"""Pebble sends so many requests for each name, as if from several places."""


class ChallengeGate(HttpServer):
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

        class Relay(Handler):
            def do_GET(self) -> None:  # noqa: N802
                response = http.request(gate.target, self.headers["Host"], self.path)
                if response.status == 200:
                    gate._hold()
                self.reply(response.status, response.body)

        super().__init__(Relay, self.port)

    def stop(self) -> None:
        self.open()
        super().stop()

    def _hold(self) -> None:
        with self._lock:
            self._responses += 1
            if self._responses >= VALIDATIONS:
                self.held.set()
        self._open.wait()

    def open(self) -> None:
        """Let the responses pass, those held back and later ones."""
        self._open.set()
