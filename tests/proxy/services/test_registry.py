"""The service registry of the data path."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from proxy.net.deadlines import Sweeper
from proxy.services.registry import ServiceRegistry
from proxy.upstream.endpoint import Address, address_of
from proxy.upstream.pool import Pool
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.model import Server, ServerState, ServersTransport, Service
from rondpoint.servers_transports.contexts import ClientContexts

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


def pool_of(services: ServiceRegistry, name: str) -> Pool:
    served = services.get(name)
    assert served is not None
    return served.targets[0].pool


def test_services_share_a_pool_only_under_one_transport(services: ServiceRegistry) -> None:
    lax, strict = ServersTransport("t@file", insecure_skip_verify=True), ServersTransport("t@file")
    services.put(Service("default", (A,)))
    services.put(Service("lax", (A,), transport=lax))
    services.put(Service("lax too", (A,), transport=lax))
    services.put(Service("strict", (A,), transport=strict))
    before = pool_of(services, "lax")
    assert pool_of(services, "lax too") is before
    assert len({id(pool_of(services, name)) for name in ("default", "lax", "strict")}) == 3
    services.put(Service("lax", (A,), transport=strict))
    assert pool_of(services, "lax") is pool_of(services, "strict")
    assert not before.closed
    services.remove("lax too")
    assert before.closed


def test_an_address_leaves_with_its_last_transport(services: ServiceRegistry) -> None:
    removed: list[Address] = []
    services.on_address_removed = removed.append
    services.put(Service("default", (A,)))
    services.put(Service("other", (A,), transport=ServersTransport("t@file")))
    assert pool_of(services, "default") is not pool_of(services, "other")
    services.remove("default")
    assert removed == []
    services.remove("other")
    assert removed == [address_of(A)]


def test_an_ejection_applies_to_a_server_under_all_transports(services: ServiceRegistry) -> None:
    services.put(Service("default", (A, B)))
    services.put(Service("other", (A, B), transport=ServersTransport("t@file")))
    for name in ("default", "other"):
        assert unavailable(services, name) == {"a": False, "b": False}
    services.set_ejected(address_of(A), ejected=True)
    for name in ("default", "other"):
        assert unavailable(services, name) == {"a": True, "b": False}


def test_a_transport_that_cannot_be_used_leaves_its_services_without_targets(
    services: ServiceRegistry,
) -> None:
    services.put(Service("s", (A,), transport=ServersTransport("t@file", root_cas=("/nowhere/ca.pem",))))
    assert names(services, "s") == []
    assert "/nowhere/ca.pem cannot be used" in services.faults["s"]
    services.put(Service("s", (A,), transport=ServersTransport("t@file")))
    assert names(services, "s") == ["a"]
    assert services.faults == {}


def test_a_bad_default_transport_closes_only_services_with_tls() -> None:
    bad = ClientContexts(ServersTransport("default@internal", root_cas=("/nowhere/ca.pem",)))
    services = ServiceRegistry(Sweeper(), UpstreamTimeouts(), bad)
    services.put(Service("plain", (A,)))
    services.put(Service("tls", (replace(A, scheme="https"),)))
    assert names(services, "plain") == ["a"]
    assert names(services, "tls") == []
    services.remove("tls")
    assert services.faults == {}
