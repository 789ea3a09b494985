"""Runs a provider in a thread, and collects the configurations that it emits."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from discovery.providers.contract import Provider
from discovery.providers.errors import ProviderError
from rondpoint.configuration import Configuration

RETRY = 0.05
"""Seconds until `watch` is called again after a ProviderError."""


class Watched:
    """A provider that runs in a thread, and its emitted configurations."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.last: Configuration | None = None
        self._emitted: queue.SimpleQueue[Configuration] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self.stop.is_set():
            try:
                self.provider.watch(self._emitted.put, self.stop)
            except ProviderError as error:
                # The agent, too, calls `watch` again after a delay.
                self.error = error
                self.stop.wait(RETRY)
            except BaseException as failure:  # noqa: BLE001 (the test looks at it)
                self.error = failure
                return

    def next(self, timeout: float = 60.0) -> Configuration:
        """Wait for the next configuration, and return it."""
        try:
            self.last = self._emitted.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"nothing was emitted in {timeout} s; {self.error=}") from self.error
        return self.last

    def until(self, holds: Callable[[Configuration], bool], timeout: float = 60.0) -> Configuration:
        """Wait for a configuration for which `holds` is true, and return it."""
        while True:
            configuration = self.next(timeout)
            if holds(configuration):
                return configuration

    def quiet(self, seconds: float = 0.3) -> bool:
        """Return whether the provider emits nothing for `seconds`."""
        try:
            self.last = self._emitted.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def end(self) -> None:
        """Stop the provider, and wait for its thread."""
        self.stop.set()
        self.thread.join(60)
        assert not self.thread.is_alive(), "the provider did not stop"


@contextmanager
def watched(provider: Provider) -> Iterator[Watched]:
    """Run a provider until the end of the block."""
    running = Watched(provider)
    running.thread.start()
    try:
        yield running
    finally:
        running.end()
