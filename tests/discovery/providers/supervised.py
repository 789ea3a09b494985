"""Runs a provider under the agent's supervisor, and waits for its configurations and states."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from discovery.providers.contract import Provider
from discovery.supervision.provider_states import ProviderStates
from discovery.supervision.supervisor import supervise
from rondpoint.configuration import Configuration
from tests.lab.waiting import until


class _RecordingStates(ProviderStates):
    """Provider states that record every failure, since a failure may be over before the test looks."""

    def __init__(self, name: str) -> None:
        super().__init__([name])
        self.faults: list[str] = []

    def set_failure(self, provider: str, message: str) -> None:
        super().set_failure(provider, message)
        self.faults.append(message)


class Supervised:
    """A provider that runs under the supervisor in a thread."""

    def __init__(self, provider: Provider) -> None:
        self.name = provider.name
        self.states = _RecordingStates(provider.name)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=supervise, args=(provider, self.states, self.stop), daemon=True)

    @property
    def configuration(self) -> Configuration:
        """The last configuration that the provider emitted."""
        return self.states.snapshot().configurations.get(self.name, Configuration())

    @property
    def state(self) -> str:
        """The provider's state: `starting`, `ok` or `retrying`."""
        return self.states.snapshot().statuses[self.name].state

    def until(self, holds: Callable[[Configuration], bool], timeout: float = 60.0) -> Configuration:
        """Wait until `holds` is true of the configuration, and return it."""
        return until(
            lambda: found if holds(found := self.configuration) else None, "a configuration", timeout=timeout
        )

    def until_failing(self, words: str, timeout: float = 60.0) -> None:
        """Wait until a failure of the provider contains `words`."""
        until(
            lambda: any(words in fault for fault in self.states.faults),
            f"{words!r} in the provider's state",
            timeout=timeout,
        )

    def until_ok(self) -> None:
        """Wait until the provider's state is `ok`."""
        until(lambda: self.state == "ok", "the provider's state ok")


@contextmanager
def supervised(provider: Provider) -> Iterator[Supervised]:
    """Run a provider under the supervisor until the end of the block."""
    running = Supervised(provider)
    running.thread.start()
    try:
        yield running
    finally:
        running.stop.set()
        running.thread.join(60)
        assert not running.thread.is_alive(), "the provider did not stop"
