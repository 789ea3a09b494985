"""Responds to HTTP-01 challenges from the store, as a proxy does, on the port where the CA asks."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from rondpoint.store.acme import http_challenge
from rondpoint.store.keys import Keys
from rondpoint.store.workers import WorkerStatus, write_worker
from tests.discovery.acme.responders import WELL_KNOWN
from tests.lab.pebble import ADDRESS
from tests.lab.store import Store


class ChallengeServer:
    """Reads each response from the store when the CA asks; `before` is called once, before it responds."""

    def __init__(self, port: int, store: Store, before: Callable[[], None] | None = None) -> None:
        self.asked = threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = server.respond(self.path.removeprefix(WELL_KNOWN))
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Write nothing."""

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            request_queue_size = 100

        self._store = store
        self._before = before
        self._responses: dict[str, bytes] = {}
        self._server = Server((ADDRESS, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._report()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _report(self) -> None:
        """Report itself as a worker for the duration of a test; orders wait for the first one."""
        later = time.time() + 3600
        with self._store.client() as client:
            write_worker(client, Keys(), WorkerStatus("w", "i", "h", 1, later, later))

    def respond(self, token: str) -> bytes:
        """Return the stored response, and keep it: the CA asks several times, also after `before`."""
        with self._lock:
            if token not in self._responses:
                with self._store.client() as client:
                    self._responses[token] = client.get(Keys().acme_challenge(http_challenge(token))) or b""
            if self._before is not None:
                before, self._before = self._before, None
                before()
                self._report()
            self.asked.set()
            return self._responses[token]
