"""Agents that run in this process, with providers that a test controls."""

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import redis

from discovery.process.agent import Agent
from discovery.providers.contract import Emit, Provider
from rondpoint.configuration import Configuration
from rondpoint.model import Router, Server, Service
from rondpoint.rules.expression import Match, Rule
from rondpoint.settings import Settings
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.read import load
from tests.lab.store import Store
from tests.lab.waiting import until

KEYS = Keys()


def a_configuration(provider: str, *names: str, port: int = 80) -> Configuration:
    routers, services = {}, {}
    for name in names:
        qualified = f"{name}@{provider}"
        rule = Rule(f"Host(`{name}.test`)", Match("Host", (f"{name}.test",)))
        routers[qualified] = Router(qualified, rule, qualified, 5)
        services[qualified] = Service(qualified, (Server("s", "10.0.0.1", port),))
    return Configuration(routers, services)


class ScriptedProvider(Provider):
    """A provider that emits the configurations, and raises the exceptions, that a test sends."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next: queue.SimpleQueue[Configuration | Exception | None] = queue.SimpleQueue()
        self.watched = 0

    @property
    def name(self) -> str:
        return self._name

    def send(self, what: Configuration | Exception) -> None:
        self._next.put(what)

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        self.watched += 1
        while not stop.is_set():
            what = self._next.get()
            if isinstance(what, Exception):
                raise what
            if what is not None:
                emit(what)

    def release(self) -> None:
        self._next.put(None)


@contextmanager
def running_agent(
    store: Store, *providers: Provider, settings: Settings | None = None, ends_within: float = 60.0
) -> Iterator[None]:
    """Run an agent with these providers, or with those of the settings and the API if there are none.

    Raises AssertionError if it does not end within `ends_within` seconds.
    """
    stop = threading.Event()
    by_name: Mapping[str, Provider] | None = {provider.name: provider for provider in providers} or None
    with connect(store.url) as client:
        agent = Agent(settings or Settings(), client, by_name)
        thread = threading.Thread(target=agent.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            for provider in providers:
                if isinstance(provider, ScriptedProvider):
                    provider.release()
            thread.join(ends_within)
            assert not thread.is_alive()


def routers(client: redis.Redis) -> set[str]:
    loaded = load(client, KEYS)
    return set(loaded.state.routers) if loaded else set()


def wait_for_routers(client: redis.Redis, *names: str) -> None:
    until(lambda: routers(client) == set(names), f"the routers {names}")
