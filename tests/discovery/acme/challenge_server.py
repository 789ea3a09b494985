"""Responds to HTTP-01 challenges from the store, as a proxy does, on the port where the CA asks."""

import threading
import time
from collections.abc import Callable
from typing import Self

from rondpoint.store.acme import http_challenge
from rondpoint.store.keys import Keys
from rondpoint.store.workers import WorkerStatus, write_worker
from tests.discovery.acme.responders import WELL_KNOWN
from tests.lab.http_server import Handler, HttpServer
from tests.lab.store import Store


class ChallengeServer(HttpServer):
    """Reads each response from the store when the CA asks; `before` is called once, before it responds."""

    def __init__(self, port: int, store: Store, before: Callable[[], None] | None = None) -> None:
        self.asked = threading.Event()
        self._lock = threading.Lock()
        server = self

        class Respond(Handler):
            def do_GET(self) -> None:  # noqa: N802
                body = server.respond(self.path.removeprefix(WELL_KNOWN))
                self.reply(200 if body else 404, body)

        self._store = store
        self._before = before
        self._responses: dict[str, bytes] = {}
        super().__init__(Respond, port)

    def __enter__(self) -> Self:
        super().__enter__()
        self._report()
        return self

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
