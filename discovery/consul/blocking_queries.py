"""Following what blocking queries tell, each in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from msgspec.structs import replace

from discovery.consul.client import Client, QueryResult
from discovery.consul.errors import ClosedError

PAUSE = 0.05
"""Seconds between an answer and the next question, so that a busy source is not asked for ever."""

Query = Callable[[Client, int], QueryResult[Any]]
Results = dict[str, QueryResult[Any]]


class BlockingQueries:
    """Asks questions again and again, each from a thread and a client of its own.

    Only what is new comes out: the first answers, and those with another index than the one before.
    All but `end` is called from one thread.
    """

    def __init__(self, queries: Mapping[str, Query], client: Callable[[], Client]) -> None:
        self._make_client = client
        self._active: dict[str, _QueryThread] = {}
        self._stopped: list[_QueryThread] = []
        self._lock = threading.Lock()
        self._ended = False
        self._received: queue.SimpleQueue[tuple[_QueryThread | None, QueryResult[Any] | Exception]]
        self._received = queue.SimpleQueue()
        for name, query in queries.items():
            self.follow(name, query)

    def __enter__(self) -> BlockingQueries:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for query_thread in [*self._active.values(), *self._stopped]:
            query_thread.close()

    def follow(self, name: str, query: Query) -> None:
        """Ask one question more; its first answer comes in any case."""
        query_thread = _QueryThread(name, query, self._make_client(), self._received)
        with self._lock:
            self._active[name] = query_thread
            if self._ended:
                query_thread.client.abort()
        query_thread.thread.start()

    def unfollow(self, name: str) -> None:
        """Ask this question no more; nothing of it comes out any more."""
        with self._lock:
            query_thread = self._active.pop(name)
        query_thread.client.abort()
        self._stopped = [each for each in self._stopped if each.thread.is_alive()] + [query_thread]

    def end(self) -> None:
        """Break off every question; may be called from any thread."""
        with self._lock:
            self._ended = True
            for query_thread in self._active.values():
                query_thread.client.abort()
        self._received.put((None, ClosedError("it is no longer followed")))

    def take(self, timeout: float | None = None) -> Results:
        """What has come, the last of each question; waits for the first, empty after `timeout` seconds.

        An index of 0 stands where any of a question's answers had it.
        Raises the error of a question that failed, ClosedError after `end`.
        """
        results: Results = {}
        try:
            self._note(*self._received.get(timeout=timeout), results)
        except queue.Empty:
            return results
        while not self._received.empty():
            self._note(*self._received.get(), results)
        return results

    def take_first(self) -> Results:
        """The first answer of every question, or a later one."""
        results: Results = {}
        while results.keys() != self._active.keys():
            results |= self.take()
        return results

    def _note(
        self, query_thread: _QueryThread | None, result: QueryResult[Any] | Exception, results: Results
    ) -> None:
        if query_thread is not None and self._active.get(query_thread.name) is not query_thread:
            return
        if isinstance(result, Exception):
            raise result
        assert query_thread is not None  # noqa: S101 - only an error comes from nobody
        before = results.get(query_thread.name)
        # That Consul began anew must not be lost behind the answer that followed.
        results[query_thread.name] = (
            replace(result, index=0) if before is not None and before.index == 0 else result
        )


class _QueryThread:
    """One question, asked until its client is closed."""

    def __init__(
        self,
        name: str,
        query: Query,
        client: Client,
        received: queue.SimpleQueue[tuple[_QueryThread | None, QueryResult[Any] | Exception]],
    ) -> None:
        self.name = name
        self.client = client
        self.thread = threading.Thread(target=self._run, name=f"consul-{name}", daemon=True)
        self._query = query
        self._received = received

    def close(self) -> None:
        self.client.abort()
        self.thread.join()
        self.client.close()

    def _run(self) -> None:
        index, first = 0, True
        try:
            while True:
                answer = self._query(self.client, index)
                if first or answer.index != index:
                    self._received.put((self, answer))
                index, first = answer.index, False
                self.client.pause(PAUSE)
        except Exception as error:  # noqa: BLE001 - raised by `take`, in the thread that waits for news
            self._received.put((self, error))
