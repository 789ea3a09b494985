"""The results of health checks are published to the store."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import redis

from discovery.health.server_states import NOT_PROBED_YET
from rondpoint.configuration import Configuration
from rondpoint.model import HealthCheck, Server, Service
from rondpoint.store import change as messages
from rondpoint.store.agents import read_agents
from rondpoint.store.keys import Keys
from rondpoint.store.read import load, read_diagnostics
from tests.discovery.health.test_check_loop import SwitchableServer
from tests.discovery.running import ScriptedProvider, running_agent
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.store import Store
from tests.lab.waiting import until

KEYS = Keys()
CHECK = HealthCheck("/up", interval=0.05)


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with store.client() as client:
        yield client


def two(origin: Origin, check: HealthCheck = CHECK) -> Configuration:
    checked = Service("c@one", (Server("s", "127.0.0.1", origin.port),), health_check=check)
    plain = Service("p@one", (Server("s", "127.0.0.1", origin.port),))
    return Configuration(services={"c@one": checked, "p@one": plain})


def states(client: redis.Redis) -> dict[str, str]:
    loaded = load(client, KEYS)
    services = loaded.state.services.values() if loaded else ()
    return {service.name: server.state.value for service in services for server in service.servers}


def comes_to(client: redis.Redis, **expected: str) -> None:
    wanted = {f"{name}@one": state for name, state in expected.items()}
    until(lambda: states(client) == wanted, f"the states {wanted}")


def test_a_servers_state_is_published_with_its_reason_and_so_is_its_recovery(
    store: Store, client: redis.Redis
) -> None:
    switchable, one = SwitchableServer(), ScriptedProvider("one")
    with Origin(switchable) as origin, running_agent(store, one):
        one.send(two(origin))
        comes_to(client, c="up", p="up")
        origin.wait_for_requests(1)
        with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe(KEYS.changes)
            pubsub.get_message(timeout=5)
            switchable.status = "500 Oh"
            message = until(lambda: pubsub.get_message(timeout=1), "a change to be published")
            change = messages.decode(message["data"])
        assert set(change.services) == {"c@one"}
        comes_to(client, c="down", p="up")
        (diagnostic,) = read_diagnostics(client, KEYS)
        assert diagnostic.source == "one"
        assert diagnostic.message == f"server http://127.0.0.1:{origin.port} is down: status 500"
        switchable.status = "200 OK"
        comes_to(client, c="up", p="up")
        until(lambda: read_diagnostics(client, KEYS) == (), "the diagnostic to be removed")


def test_a_server_that_an_agent_left_down_stays_down_until_the_next_has_probed_it(
    store: Store, client: redis.Redis
) -> None:
    held = threading.Event()
    held.set()
    switchable = SwitchableServer("500 Oh")

    def handler(connection: Connection) -> None:
        connection.read()
        held.wait(120)
        connection.send(http_response(b"", switchable.status))

    with Origin(handler) as origin:
        first, second = ScriptedProvider("one"), ScriptedProvider("one")
        with running_agent(store, first):
            first.send(two(origin))
            comes_to(client, c="down", p="up")
        held.clear()
        switchable.status = "200 OK"
        with running_agent(store, second):
            seen = len(origin.requests)
            second.send(two(origin, HealthCheck("/up", interval=0.05, timeout=100)))
            origin.wait_for_requests(seen + 1)
            until(
                lambda: (
                    [each.message for each in read_diagnostics(client, KEYS)]
                    == [f"server http://127.0.0.1:{origin.port} is down: {NOT_PROBED_YET}"]
                ),
                "the stored fault to be published",
            )
            assert states(client) == {"c@one": "down", "p@one": "up"}
            held.set()
            comes_to(client, c="up", p="up")


def test_retained_services_of_a_silent_provider_are_checked_too(
    store: Store, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("discovery.process.publication.PROVIDER_TIMEOUT", 0.2)
    switchable = SwitchableServer("500 Oh")
    with Origin(switchable) as origin:
        one = ScriptedProvider("one")
        with running_agent(store, one):
            one.send(two(origin))
            comes_to(client, c="down", p="up")
        switchable.status = "200 OK"
        with running_agent(store, ScriptedProvider("one")):
            comes_to(client, c="up", p="up")


def test_only_the_leader_probes_and_a_new_leader_starts_to(store: Store, client: redis.Redis) -> None:
    once = HealthCheck("/up", interval=1000)

    def roles() -> list[str]:
        return sorted(agent.role for agent in read_agents(client, KEYS).values())

    first, second = ScriptedProvider("one"), ScriptedProvider("one")
    with Origin(SwitchableServer()) as origin, ExitStack() as stack:
        with running_agent(store, first):
            first.send(two(origin, once))
            origin.wait_for_requests(1)
            stack.enter_context(running_agent(store, second))
            second.send(two(origin, once))
            until(lambda: roles() == ["leader", "standby"], "the second to stand by")
            # A standby that probed at all would do so at once.
            time.sleep(1)
            assert len(origin.requests) == 1
        origin.wait_for_requests(2, timeout=60)
        until(lambda: roles() == ["leader"], "the second to lead")
        comes_to(client, c="up", p="up")
