"""What is decoded anew, and what is kept although it is missing."""

import time
from collections.abc import Sequence

from discovery.decoding.decoded import Decoded
from discovery.providers.consul_catalog.decode import Member
from discovery.providers.consul_catalog.health import Health
from discovery.providers.consul_catalog.instance import Instance
from discovery.providers.consul_catalog.inventory import Inventory
from rondpoint.model import Server, ServerState, Service

UP, DRAINING = ServerState.UP, ServerState.DRAINING


class Known:
    """An inventory, and which services were decoded."""

    def __init__(self) -> None:
        self.decoded: list[str] = []
        self.inventory = Inventory(self._decode)

    def _decode(self, service: str, members: Sequence[Member]) -> Sequence[Decoded]:
        self.decoded.append(service)
        return [_decoded(service, member) for member in members]

    def seen(self) -> dict[str, dict[str, ServerState]]:
        """Services, with the servers' names and states, and whether they are new is of no interest."""
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


def known(*instances: Instance) -> Known:
    made = Known()
    made.inventory.replace(instances)
    made.decoded_anew()
    return made


def test_only_what_changed_is_decoded_anew() -> None:
    at_hand = known(instance("a"), instance("b", "shop"))
    at_hand.inventory.replace([instance("a"), instance("b", "shop"), instance("c", "shop")])
    assert at_hand.decoded_anew() == ["shop"]
    at_hand.inventory.put(instance("a"))
    assert not at_hand.inventory.refresh()
    at_hand.inventory.put(instance("a", address="10.0.0.2"))
    assert at_hand.inventory.refresh()
    assert at_hand.decoded_anew() == ["web"]


def test_health_touches_its_instance_or_all_of_its_node() -> None:
    at_hand = known(instance("a"), instance("b", "shop"), instance("c", "far", node="m"))
    failing = {"Node": "n", "CheckID": "x", "Status": "critical"}
    at_hand.inventory.set_health(Health([{**failing, "ServiceID": "a"}]))
    assert at_hand.decoded_anew() == ["web"]
    assert at_hand.seen() == {"web": {"a": DRAINING}, "shop": {"b": UP}, "far": {"c": UP}}
    at_hand.inventory.set_health(Health([failing]))
    assert at_hand.decoded_anew() == ["shop"]
    assert at_hand.seen() == {"web": {"a": DRAINING}, "shop": {"b": DRAINING}, "far": {"c": UP}}
    at_hand.inventory.set_health(Health())
    assert at_hand.decoded_anew() == ["shop", "web"]


def test_an_id_that_is_registered_under_another_name_moves() -> None:
    at_hand = known(instance("a"), instance("b"))
    at_hand.inventory.put(instance("a", "shop"))
    assert at_hand.seen() == {"web": {"b": UP}, "shop": {"a": UP}}
    for own in ("a", "b"):
        at_hand.inventory.remove(("n", own))
    at_hand.inventory.put(instance("c"))
    assert at_hand.seen() == {"web": {"c": UP}}


def test_a_service_that_is_missing_is_kept_until_its_time_or_its_return() -> None:
    at_hand = known(instance("a"), instance("b"), instance("c", "shop"), instance("d", "far"))
    later = time.monotonic() + 60
    assert at_hand.inventory.replace([instance("d", "far")], keep_until=later) == {"web", "shop"}
    assert at_hand.seen() == {"web": {"a": UP, "b": UP}, "shop": {"c": UP}, "far": {"d": UP}}
    assert at_hand.inventory.next_expiry == later
    at_hand.inventory.put(instance("b"))
    assert at_hand.seen() == {"web": {"b": UP}, "shop": {"c": UP}, "far": {"d": UP}}
    assert at_hand.inventory.replace([instance("b")]) == set()
    assert at_hand.seen() == {"web": {"b": UP}, "shop": {"c": UP}}


def test_what_is_kept_goes_when_its_time_is_over() -> None:
    at_hand = known(instance("a"), instance("b", "shop"))
    at_hand.inventory.remove(("n", "a"), keep_until=time.monotonic() - 1)
    assert at_hand.seen() == {"shop": {"b": UP}}
    assert at_hand.inventory.next_expiry is None


def test_a_service_that_loses_one_instance_of_several_loses_it_at_once() -> None:
    at_hand = known(instance("a"), instance("b"))
    at_hand.inventory.remove(("n", "a"), keep_until=time.monotonic() + 60)
    assert at_hand.seen() == {"web": {"b": UP}}
    at_hand.inventory.remove(("n", "b"))
    assert at_hand.seen() == {}
    at_hand.inventory.remove(("n", "nobody"))
    assert len(at_hand.inventory) == 0


def test_a_fault_with_one_service_takes_no_other_with_it() -> None:
    def decode(service: str, members: Sequence[Member]) -> Sequence[Decoded]:
        if service == "bad":
            raise RuntimeError("boom")
        return [_decoded(service, member) for member in members]

    inventory = Inventory(decode)
    inventory.replace([instance("a"), instance("b", "bad")])
    assert inventory.refresh()
    found = inventory.configuration()
    assert found.services.keys() == {"web"}
    assert "boom" in str(found.diagnostics[0])
