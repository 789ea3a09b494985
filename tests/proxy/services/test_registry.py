"""The service registry of the data path."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from proxy.net.deadlines import Sweeper
from proxy.services.registry import ServiceRegistry
from proxy.upstream.endpoint import address_of
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.model import Server, ServerState, Service

A, B, C = (Server(name, "127.0.0.1", port) for name, port in (("a", 1), ("b", 2), ("c", 3)))


@pytest.fixture
def services() -> Iterator[ServiceRegistry]:
    registry = ServiceRegistry(Sweeper(), UpstreamTimeouts())
    yield registry
    for name in list(registry.by_name):
        registry.remove(name)
    assert not registry._endpoints


def names(services: ServiceRegistry, name: str) -> list[str] | None:
    served = services.get(name)
    return None if served is None else [target.server.name for target in served.rotation]


def test_a_service_is_found_from_its_addition_to_its_removal(services: ServiceRegistry) -> None:
    assert names(services, "s") is None
    services.put(Service("s", (A, B)))
    assert names(services, "s") == ["a", "b"]
    assert services.get("s") is services.get("s")
    services.put(Service("s", (B,)))
    assert names(services, "s") == ["b"]
    services.remove("s")
    services.remove("s")
    assert names(services, "s") is None


def test_a_service_that_is_replaced_before_its_first_request(services: ServiceRegistry) -> None:
    services.put(Service("s", (A,)))
    services.put(Service("s", (B,)))
    assert services.by_name == {"s": Service("s", (B,))}
    assert names(services, "s") == ["b"]


def test_a_slot_follows_its_service_and_is_empty_after_its_removal(services: ServiceRegistry) -> None:
    services.put(Service("s", (A,)))
    slot = services.get_slot("s")
    services.put(Service("s", (B,)))
    assert slot.served is services.get("s")
    assert [target.server.name for target in slot.served.rotation] == ["b"]  # type: ignore[union-attr]
    services.remove("s")
    assert slot.served is None
    services.put(Service("s", (C,)))
    assert slot.served is None
    assert services.get_slot("s").served is services.get("s")


def test_servers_that_stay_keep_their_pools(services: ServiceRegistry) -> None:
    services.put(Service("s", (A, B)))
    services.put(Service("other", (A, C)))
    before = {target.server.name: target.pool for target in services.get("s").rotation}  # type: ignore[union-attr]
    assert services.get("other").rotation[0].pool is before["a"]  # type: ignore[union-attr]
    services.put(Service("s", (B, C)))
    after = {target.server.name: target.pool for target in services.get("s").rotation}  # type: ignore[union-attr]
    assert after["b"] is before["b"]
    assert not before["a"].closed
    services.remove("other")
    assert before["a"].closed
    assert not after["c"].closed


def unavailable(services: ServiceRegistry, name: str) -> dict[str, bool]:
    served = services.get(name)
    assert served is not None
    return {target.server.name: target.unavailable for target in served.targets}


def test_an_ejected_address_is_ejected_for_every_present_and_later_service(services: ServiceRegistry) -> None:
    services.put(Service("s", (A, B)))
    services.put(Service("later", (A, C)))
    assert unavailable(services, "s") == {"a": False, "b": False}
    services.set_ejected(address_of(A), ejected=True)
    assert unavailable(services, "s") == {"a": True, "b": False}
    assert unavailable(services, "later") == {"a": True, "c": False}
    services.put(Service("s", (A, C)))
    assert unavailable(services, "s") == {"a": True, "c": False}
    services.set_ejected(address_of(A), ejected=False)
    assert unavailable(services, "s") == {"a": False, "c": False}
    assert unavailable(services, "later") == {"a": False, "c": False}


def test_if_no_server_takes_new_requests_all_are_used(services: ServiceRegistry) -> None:
    services.put(Service("s", (A, replace(B, state=ServerState.DRAINING))))
    served = services.get("s")
    assert served is not None
    assert unavailable(services, "s") == {"a": False, "b": True}
    assert not served.all_unavailable
    services.set_ejected(address_of(A), ejected=True)
    assert served.all_unavailable
    services.set_ejected(address_of(A), ejected=False)
    assert unavailable(services, "s") == {"a": False, "b": True}
    assert not served.all_unavailable


def test_a_server_that_is_down_gets_no_requests(services: ServiceRegistry) -> None:
    services.put(Service("s", (A, replace(B, state=ServerState.DOWN))))
    assert names(services, "s") == ["a"]
    assert unavailable(services, "s") == {"a": False}
    services.put(Service("s", (replace(A, state=ServerState.DOWN),)))
    assert names(services, "s") == []
    services.put(Service("s", (A, B)))
    assert names(services, "s") == ["a", "b"]
