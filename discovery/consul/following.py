"""Following what blocking queries tell, each in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from discovery.consul.client import Answer, Client
from discovery.consul.errors import ClosedError, ConsulError

PAUSE = 0.05
"""Seconds between an answer and the next question, so that a busy source is not asked for ever."""

Ask = Callable[[Client, int], Answer[Any]]
News = dict[str, Answer[Any]]


class Following:
    """Asks each of `questions` again and again, from a thread and a client of its own.

    Only what is new comes out: the first answers, and those with another index than the one before.
    """

    def __init__(self, questions: dict[str, Ask], client: Callable[[], Client]) -> None:
        self._clients = {name: client() for name in questions}
        self._questions = questions
        self._ended = threading.Event()
        self._pending: queue.SimpleQueue[tuple[str, Answer[Any]] | ConsulError] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._ask, args=(name,), name=f"consul-{name}", daemon=True)
            for name in questions
        ]

    def __enter__(self) -> Following:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for thread in self._threads:
            thread.join()
        for client in self._clients.values():
            client.close()

    def end(self) -> None:
        """Break off every question; may be called from any thread."""
        self._ended.set()
        for client in self._clients.values():
            client.abort()
        self._pending.put(ClosedError("it is no longer followed"))

    def take(self, timeout: float | None = None) -> News:
        """What has come, the last of each question; waits for the first, empty after `timeout` seconds.

        Raises the ConsulError of a question that failed, ClosedError after `end`.
        """
        news: News = {}
        try:
            first = self._pending.get(timeout=timeout)
        except queue.Empty:
            return news
        self._note(first, news)
        while not self._pending.empty():
            self._note(self._pending.get(), news)
        return news

    def take_all(self) -> News:
        """The first answer of every question."""
        news: News = {}
        while news.keys() != self._questions.keys():
            news |= self.take()
        return news

    def _note(self, come: tuple[str, Answer[Any]] | ConsulError, news: News) -> None:
        if isinstance(come, ConsulError):
            raise come
        name, answer = come
        news[name] = answer

    def _ask(self, name: str) -> None:
        ask, client = self._questions[name], self._clients[name]
        index, first = 0, True
        try:
            while not self._ended.is_set():
                answer = ask(client, index)
                if first or answer.index != index:
                    self._pending.put((name, answer))
                index, first = answer.index, False
                self._ended.wait(PAUSE)
        except ConsulError as error:
            self._pending.put(error)
