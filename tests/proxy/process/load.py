"""A steady load from several threads; half reuse connections, and half open new ones."""

import http.client
import threading
import time
from types import TracebackType
from typing import Self

from tests.lab.waiting import until

SLOWEST = 10.0
"""Seconds that an undelayed request may take on a busy machine."""

PAUSE = 0.002  # seconds between two requests of a thread: the load is steady, not heavy


class Load:
    """A load that runs inside `with` and records failures.

    A reused connection is closed only if a response asks for it (RFC 9112).
    """

    def __init__(self, port: int, host: str, path: str = "/", threads: int = 8) -> None:
        self.served = 0
        self.slowest = 0.0  # seconds
        self.failures: list[str] = []
        self._port = port
        self._path = path
        self._headers = {"Host": host}
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(number % 2 == 0,), name=f"load {number}", daemon=True)
            for number in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for(self, count: int) -> None:
        """Wait until `count` more requests have been served."""
        before = self.served
        until(lambda: self.served >= before + count, f"{count} more requests served")

    def _run(self, reuse: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._end.wait(PAUSE):
            began = time.monotonic()
            try:
                connection.request("GET", self._path, headers=self._headers)
                response = connection.getresponse()
                response.read()
                failure = "" if response.status == 200 else f"status {response.status}"
            except (OSError, http.client.HTTPException) as fault:
                connection.close()
                failure = repr(fault)
            if not reuse:
                connection.close()
            with self._lock:
                self.slowest = max(self.slowest, time.monotonic() - began)
                if failure:
                    self.failures.append(failure)
                else:
                    self.served += 1
        connection.close()
