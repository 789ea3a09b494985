"""Runs blocking queries, each in a thread of its own, and collects their results."""

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
"""Seconds between a result and the next query, which limits the rate of queries to a busy source."""

Query = Callable[[Client, int], QueryResult[Any]]
Results = dict[str, QueryResult[Any]]


class BlockingQueries:
    """Blocking queries that are repeated until they are stopped, each with a thread and a client of its own.

    Only new results are passed on: the first one of each query, and those whose index differs from the one
    before. All methods except `end` must be called from one thread.
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
        """Start a query; its first result is always passed on."""
        query_thread = _QueryThread(name, query, self._make_client(), self._received)
        with self._lock:
            self._active[name] = query_thread
            if self._ended:
                query_thread.client.abort()
        query_thread.thread.start()

    def unfollow(self, name: str) -> None:
        """Stop a query; none of its results is passed on any more."""
        with self._lock:
            query_thread = self._active.pop(name)
        query_thread.client.abort()
        self._stopped = [each for each in self._stopped if each.thread.is_alive()] + [query_thread]

    def end(self) -> None:
        """Abort every query. May be called from any thread."""
        with self._lock:
            self._ended = True
            for query_thread in self._active.values():
                query_thread.client.abort()
        self._received.put((None, ClosedError("the queries were stopped")))

    def take(self, timeout: float | None = None) -> Results:
        """Wait for a result, `timeout` seconds at most; return the last result of each query that has one.

        The index of a result is 0 if any of that query's results had index 0.
        Raises the error of a query that failed, and ClosedError after `end`.
        """
        results: Results = {}
        try:
            self._collect(*self._received.get(timeout=timeout), results)
        except queue.Empty:
            return results
        while not self._received.empty():
            self._collect(*self._received.get(), results)
        return results

    def take_first(self) -> Results:
        """Wait for a result of every query, and return the last of each."""
        results: Results = {}
        while results.keys() != self._active.keys():
            results |= self.take()
        return results

    def _collect(
        self, query_thread: _QueryThread | None, result: QueryResult[Any] | Exception, results: Results
    ) -> None:
        if query_thread is not None and self._active.get(query_thread.name) is not query_thread:
            return
        if isinstance(result, Exception):
            raise result
        assert query_thread is not None  # noqa: S101 - only errors come without a thread
        before = results.get(query_thread.name)
        # Index 0 says that Consul was reset. A later result in the same batch must not hide it.
        results[query_thread.name] = (
            replace(result, index=0) if before is not None and before.index == 0 else result
        )


class _QueryThread:
    """A thread that repeats one query until its client is closed."""

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
        """Abort the query, and wait for the thread to end."""
        self.client.abort()
        self.thread.join()
        self.client.close()

    def _run(self) -> None:
        index, first = 0, True
        try:
            while True:
                result = self._query(self.client, index)
                if first or result.index != index:
                    self._received.put((self, result))
                index, first = result.index, False
                self.client.pause(PAUSE)
        except Exception as error:  # noqa: BLE001 - `take` raises it in the thread that waits for results
            self._received.put((self, error))
