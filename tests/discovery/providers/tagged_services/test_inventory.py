"""Which services are decoded again, and which missing ones are kept."""

import time
from collections.abc import Sequence

from discovery.decoding.decoded import Decoded
from discovery.providers.consul_catalog.health import health_of
from discovery.providers.tagged_services.instance import Instance, Member
from discovery.providers.tagged_services.inventory import Inventory
from rondpoint.model import Server, ServerState, Service

UP, DRAINING = ServerState.UP, ServerState.DRAINING


class TrackedInventory:
    """An inventory that records which services were decoded."""

    def __init__(self) -> None:
        self.decoded: list[str] = []
        self.inventory = Inventory(self._decode, "consulcatalog", "Consul")

    def _decode(self, service: str, members: Sequence[Member]) -> Sequence[Decoded]:
        self.decoded.append(service)
        return [_decoded(service, member) for member in members]

    def seen(self) -> dict[str, dict[str, ServerState]]:
        """Return the services with their servers' names and states."""
        self.inventory.refresh()
        found = self.inventory.configuration().services
        return {name: {each.name: each.state for each in one.servers} for name, one in found.items()}

    def decoded_anew(self) -> list[str]:
        self.inventory.refresh()
        found, self.decoded = sorted(self.decoded), []
        return found


def _decoded(service: str, member: Member) -> Decoded:
    state = UP if member.status == "passing" else DRAINING
    server = Server(member.instance.id, member.instance.address, 80, state=state)
    return Decoded(f"instance {member.instance.id}", services=(Service(service, (server,)),))


def instance(own: str, service: str = "web", node: str = "n", address: str = "10.0.0.1") -> Instance:
    return Instance(node, own, service, address, 80)


def known(*instances: Instance) -> TrackedInventory:
    made = TrackedInventory()
    made.inventory.replace(instances)
    made.decoded_anew()
    return made


def test_only_changed_services_are_decoded_again() -> None:
    tracked = known(instance("a"), instance("b", "shop"))
    tracked.inventory.replace([instance("a"), instance("b", "shop"), instance("c", "shop")])
    assert tracked.decoded_anew() == ["shop"]
    tracked.inventory.put(instance("a"))
    assert not tracked.inventory.refresh()
    tracked.inventory.put(instance("a", address="10.0.0.2"))
    assert tracked.inventory.refresh()
    assert tracked.decoded_anew() == ["web"]


def test_a_check_affects_its_instance_or_all_instances_of_its_node() -> None:
    tracked = known(instance("a"), instance("b", "shop"), instance("c", "far", node="m"))
    failing = {"Node": "n", "CheckID": "x", "Status": "critical"}
    tracked.inventory.set_health(health_of([{**failing, "ServiceID": "a"}]))
    assert tracked.decoded_anew() == ["web"]
    assert tracked.seen() == {"web": {"a": DRAINING}, "shop": {"b": UP}, "far": {"c": UP}}
    tracked.inventory.set_health(health_of([failing]))
    assert tracked.decoded_anew() == ["shop"]
    assert tracked.seen() == {"web": {"a": DRAINING}, "shop": {"b": DRAINING}, "far": {"c": UP}}
    tracked.inventory.set_health(health_of([]))
    assert tracked.decoded_anew() == ["shop", "web"]


def test_an_id_that_is_registered_for_another_service_moves() -> None:
    tracked = known(instance("a"), instance("b"))
    tracked.inventory.put(instance("a", "shop"))
    assert tracked.seen() == {"web": {"b": UP}, "shop": {"a": UP}}
    for own in ("a", "b"):
        tracked.inventory.remove(("n", own))
    tracked.inventory.put(instance("c"))
    assert tracked.seen() == {"web": {"c": UP}}


def test_a_missing_service_is_kept_until_it_expires_or_returns() -> None:
    tracked = known(instance("a"), instance("b"), instance("c", "shop"), instance("d", "far"))
    later = time.monotonic() + 60
    assert tracked.inventory.replace([instance("d", "far")], keep_until=later) == {"web", "shop"}
    assert tracked.seen() == {"web": {"a": UP, "b": UP}, "shop": {"c": UP}, "far": {"d": UP}}
    assert tracked.inventory.next_expiry == later
    tracked.inventory.put(instance("b"))
    assert tracked.seen() == {"web": {"b": UP}, "shop": {"c": UP}, "far": {"d": UP}}
    assert tracked.inventory.replace([instance("b")]) == set()
    assert tracked.seen() == {"web": {"b": UP}, "shop": {"c": UP}}


def test_a_missing_service_is_removed_when_it_expires() -> None:
    tracked = known(instance("a"), instance("b", "shop"))
    tracked.inventory.remove(("n", "a"), keep_until=time.monotonic() - 1)
    assert tracked.seen() == {"shop": {"b": UP}}
    assert tracked.inventory.next_expiry is None


def test_one_instance_of_several_is_removed_at_once() -> None:
    tracked = known(instance("a"), instance("b"))
    tracked.inventory.remove(("n", "a"), keep_until=time.monotonic() + 60)
    assert tracked.seen() == {"web": {"b": UP}}
    tracked.inventory.remove(("n", "b"))
    assert tracked.seen() == {}
    tracked.inventory.remove(("n", "nobody"))
    assert len(tracked.inventory) == 0


def test_a_bug_that_one_service_triggers_leaves_the_others() -> None:
    def decode(service: str, members: Sequence[Member]) -> Sequence[Decoded]:
        if service == "bad":
            raise RuntimeError("boom")
        return [_decoded(service, member) for member in members]

    inventory = Inventory(decode, "consulcatalog", "Consul")
    inventory.replace([instance("a"), instance("b", "bad")])
    assert inventory.refresh()
    found = inventory.configuration()
    assert found.services.keys() == {"web"}
    assert "boom" in str(found.diagnostics[0])
