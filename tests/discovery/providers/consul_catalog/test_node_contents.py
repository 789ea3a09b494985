"""The changes that query results cause do not depend on the pieces in which the catalogue was read."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.consul import UNKNOWN, CatalogueEntry, NodeServices
from discovery.consul.catalogue_entries import decode_node_services
from discovery.labels.constraints import parse
from discovery.providers.consul_catalog.node_contents import Change, NodeContents
from discovery.providers.consul_catalog.tag_options import tag_options
from discovery.providers.tagged_services.decode import decode
from discovery.providers.tagged_services.inventory import Inventory
from rondpoint.configuration import Configuration
from rondpoint.settings import ConsulCatalogOptions

OPTIONS = tag_options(ConsulCatalogOptions(domain="consul.local"))
CONSTRAINT = parse("")
NODES = ("n0", "n1", "n2")
SERVICES = ("web", "shop")

Catalogue = dict[str, dict[str, CatalogueEntry]]


def written(entries: dict[str, CatalogueEntry]) -> dict[str, msgspec.Raw]:
    """Return the entries as Consul's JSON."""
    return {own: msgspec.Raw(msgspec.json.encode(entry)) for own, entry in entries.items()}


def an_inventory() -> Inventory:
    return Inventory(
        lambda service, members: decode(service, members, OPTIONS, CONSTRAINT), "consulcatalog", "Consul"
    )


def bring_in(inventory: Inventory, change: Change) -> None:
    for key in change.removed:
        inventory.remove(key)
    for each in change.updated:
        inventory.put(each)


def configuration(inventory: Inventory) -> Configuration:
    inventory.refresh()
    return inventory.configuration()


def from_nothing(catalogue: Catalogue, addresses: dict[str, str]) -> Configuration:
    contents, inventory = NodeContents(), an_inventory()
    contents.put_nodes(addresses)
    for node in addresses:
        contents.put(node, decode_node_services(written(catalogue[node]), UNKNOWN))
    inventory.replace(contents.instances())
    return configuration(inventory)


entries = st.builds(
    CatalogueEntry,
    id=st.sampled_from(["a", "b", "c"]),
    service=st.sampled_from(SERVICES),
    address=st.sampled_from(["", "10.0.0.8"]),
    port=st.sampled_from([80, 81]),
    tags=st.sampled_from([None, ("traefik.enable=false",), ("traefik.frontend.rule=Host:a",)]),
    modify_index=st.integers(1, 3),
)
node_names = st.sampled_from(NODES)
steps = st.one_of(
    st.tuples(st.just("set"), node_names, entries),
    st.tuples(st.just("delete"), node_names, st.sampled_from(["a", "b", "c"])),
    st.tuples(st.just("nodes"), st.dictionaries(node_names, st.sampled_from(["10.0.0.1", "10.0.0.2"]))),
    st.tuples(st.just("read node"), node_names),
    st.tuples(st.just("read service"), st.sampled_from(SERVICES), st.sets(node_names)),
    st.tuples(st.just("refresh")),
)


@given(st.lists(steps, max_size=40))
def test_the_pieces_in_which_the_catalogue_was_read_make_no_difference(taken: list[tuple[Any, ...]]) -> None:
    catalogue: Catalogue = {node: {} for node in NODES}
    addresses = dict.fromkeys(NODES, "10.0.0.1")
    contents, inventory = NodeContents(), an_inventory()
    contents.put_nodes(addresses)
    for step in taken:
        match step:
            case ("set", node, entry):
                catalogue[node][entry.id] = entry
            case ("delete", node, own):
                catalogue[node].pop(own, None)
            case ("nodes", found):
                addresses = found
                bring_in(inventory, contents.put_nodes(addresses))
            case ("read node", node) if node in addresses:
                found = decode_node_services(written(catalogue[node]), contents.services_on(node))
                bring_in(inventory, contents.put(node, found))
            case ("read service", service, nodes):
                instances = [
                    (node, entry)
                    for node, own in catalogue.items()
                    for entry in own.values()
                    if entry.service == service
                ]
                bring_in(inventory, contents.put_service(service, instances, nodes & addresses.keys()))
            case ("refresh",):
                configuration(inventory)
    for node in addresses:
        bring_in(
            inventory,
            contents.put(node, decode_node_services(written(catalogue[node]), contents.services_on(node))),
        )
    assert configuration(inventory) == from_nothing(catalogue, addresses)


def test_an_unchanged_entry_stays_the_same_object_and_is_no_change() -> None:
    web, shop = CatalogueEntry("a", "web", port=80), CatalogueEntry("b", "shop", port=80)
    contents = NodeContents()
    contents.put_nodes({"n": "10.0.0.1"})
    first = decode_node_services(written({"a": web, "b": shop}), UNKNOWN)
    assert [each.id for each in contents.put("n", first).updated] == ["a", "b"]
    moved = msgspec.structs.replace(shop, port=81)
    second = decode_node_services(written({"a": web, "b": moved}), first)
    assert second.entries["a"] is first.entries["a"]
    assert second == decode_node_services(second.written, UNKNOWN)
    change = contents.put("n", second)
    assert [(each.id, each.port) for each in change.updated] == [("b", 81)]
    assert contents.put("n", decode_node_services(written({"b": moved}), second)).removed == [("n", "a")]


def test_an_entry_that_changed_back_since_another_reading_is_a_change() -> None:
    contents = NodeContents()
    contents.put_nodes({"n": "10.0.0.1"})
    one, other = CatalogueEntry("a", "web", port=80), CatalogueEntry("a", "web", port=81)
    for entry in (one, other, one):
        if entry is other:
            change = contents.put_service("web", [("n", entry)], {"n"})
        else:
            change = contents.put("n", decode_node_services(written({"a": entry}), contents.services_on("n")))
        assert [each.port for each in change.updated] == [entry.port]


def test_a_service_is_replaced_only_on_the_given_nodes() -> None:
    contents = NodeContents()
    contents.put_nodes(dict.fromkeys(NODES, "10.0.0.1"))
    web, shop = CatalogueEntry("a", "web"), CatalogueEntry("b", "shop")
    for node in NODES:
        contents.put(node, NodeServices(entries={"a": web, "b": shop}))
    other = CatalogueEntry("c", "web")
    change = contents.put_service("web", [("n0", other), ("n1", other), ("nobody", other)], {"n0", "n2"})
    assert sorted(change.removed) == [("n0", "a"), ("n2", "a")]
    assert [each.key for each in change.updated] == [("n0", "c")]


def test_an_invalid_entry_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_node_services({"a": msgspec.Raw(b'{"ID": 1}')}, UNKNOWN)
