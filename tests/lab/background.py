"""Runs work in a thread beside a test."""

import threading
from types import TracebackType
from typing import Self


class Background:
    """A thread that calls `run` inside `with`; leaving `with` stops it and waits for its end."""

    def __init__(self, name: str) -> None:
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._thread.join()

    def run(self) -> None:
        """Work until `stop` is called."""
        raise NotImplementedError

    def stop(self) -> None:
        """Make `run` return; called from another thread."""
        raise NotImplementedError
