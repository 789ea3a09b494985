"""A provider kept at work as the agent keeps it, and what stands of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from discovery.providers.contract import Provider
from discovery.supervision.provider_states import ProviderStates
from discovery.supervision.supervisor import supervise
from rondpoint.model import Configuration
from tests.lab.waiting import until


class _Remembering(ProviderStates):
    """Keeps what a provider has said of its faults, which may be over before anybody looks."""

    def __init__(self, name: str) -> None:
        super().__init__([name])
        self.faults: list[str] = []

    def failed(self, provider: str, message: str) -> None:
        super().failed(provider, message)
        self.faults.append(message)


class Supervised:
    def __init__(self, provider: Provider) -> None:
        self.name = provider.name
        self.states = _Remembering(provider.name)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=supervise, args=(provider, self.states, self.stop), daemon=True)

    @property
    def standing(self) -> Configuration:
        """What the provider said last."""
        return self.states.snapshot().configurations.get(self.name, Configuration())

    @property
    def state(self) -> str:
        return self.states.snapshot().statuses[self.name].state

    def until(self, holds: Callable[[Configuration], bool], timeout: float = 60.0) -> Configuration:
        """The standing configuration as soon as `holds` is true of it."""
        return until(
            lambda: found if holds(found := self.standing) else None, "a configuration", timeout=timeout
        )

    def until_failing(self, words: str, timeout: float = 60.0) -> None:
        """Returns once the provider's state says these words, or has said them."""
        until(
            lambda: any(words in fault for fault in self.states.faults),
            f"{words!r} in the provider's state",
            timeout=timeout,
        )

    def until_well(self) -> None:
        """Returns once the provider's state is that it works."""
        until(lambda: self.state == "ok", "the provider at work")


@contextmanager
def supervised(provider: Provider) -> Iterator[Supervised]:
    running = Supervised(provider)
    running.thread.start()
    try:
        yield running
    finally:
        running.stop.set()
        running.thread.join(60)
        assert not running.thread.is_alive(), "the provider did not stop"
