"""Following what blocking queries tell, each in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from msgspec.structs import replace

from discovery.consul.client import Answer, Client
from discovery.consul.errors import ClosedError

PAUSE = 0.05
"""Seconds between an answer and the next question, so that a busy source is not asked for ever."""

Ask = Callable[[Client, int], Answer[Any]]
News = dict[str, Answer[Any]]


class Following:
    """Asks questions again and again, each from a thread and a client of its own.

    Only what is new comes out: the first answers, and those with another index than the one before.
    All but `end` is called from one thread.
    """

    def __init__(self, questions: Mapping[str, Ask], client: Callable[[], Client]) -> None:
        self._make_client = client
        self._asked: dict[str, _Question] = {}
        self._gone: list[_Question] = []
        self._lock = threading.Lock()
        self._ended = False
        self._pending: queue.SimpleQueue[tuple[_Question | None, Answer[Any] | Exception]]
        self._pending = queue.SimpleQueue()
        for name, ask in questions.items():
            self.follow(name, ask)

    def __enter__(self) -> Following:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for question in [*self._asked.values(), *self._gone]:
            question.close()

    def follow(self, name: str, ask: Ask) -> None:
        """Ask one question more; its first answer comes in any case."""
        question = _Question(name, ask, self._make_client(), self._pending)
        with self._lock:
            self._asked[name] = question
            if self._ended:
                question.client.abort()
        question.thread.start()

    def forget(self, name: str) -> None:
        """Ask this question no more; nothing of it comes out any more."""
        with self._lock:
            question = self._asked.pop(name)
        question.client.abort()
        self._gone = [each for each in self._gone if each.thread.is_alive()] + [question]

    def end(self) -> None:
        """Break off every question; may be called from any thread."""
        with self._lock:
            self._ended = True
            for question in self._asked.values():
                question.client.abort()
        self._pending.put((None, ClosedError("it is no longer followed")))

    def take(self, timeout: float | None = None) -> News:
        """What has come, the last of each question; waits for the first, empty after `timeout` seconds.

        An index of 0 stands where any of a question's answers had it.
        Raises the error of a question that failed, ClosedError after `end`.
        """
        news: News = {}
        try:
            self._note(*self._pending.get(timeout=timeout), news)
        except queue.Empty:
            return news
        while not self._pending.empty():
            self._note(*self._pending.get(), news)
        return news

    def take_first(self) -> News:
        """The first answer of every question, or a later one."""
        news: News = {}
        while news.keys() != self._asked.keys():
            news |= self.take()
        return news

    def _note(self, question: _Question | None, come: Answer[Any] | Exception, news: News) -> None:
        if question is not None and self._asked.get(question.name) is not question:
            return
        if isinstance(come, Exception):
            raise come
        assert question is not None  # noqa: S101 - only an error comes from nobody
        before = news.get(question.name)
        # That Consul began anew must not be lost behind the answer that followed.
        news[question.name] = replace(come, index=0) if before is not None and before.index == 0 else come


class _Question:
    """One question, asked until its client is closed."""

    def __init__(
        self,
        name: str,
        ask: Ask,
        client: Client,
        pending: queue.SimpleQueue[tuple[_Question | None, Answer[Any] | Exception]],
    ) -> None:
        self.name = name
        self.client = client
        self.thread = threading.Thread(target=self._run, name=f"consul-{name}", daemon=True)
        self._ask = ask
        self._pending = pending

    def close(self) -> None:
        self.client.abort()
        self.thread.join()
        self.client.close()

    def _run(self) -> None:
        index, first = 0, True
        try:
            while True:
                answer = self._ask(self.client, index)
                if first or answer.index != index:
                    self._pending.put((self, answer))
                index, first = answer.index, False
                self.client.pause(PAUSE)
        except Exception as error:  # noqa: BLE001 - raised by `take`, in the thread that waits for news
            self._pending.put((self, error))
