"""Which objects are decoded again after a change."""

from collections.abc import Callable

import pytest

from discovery.decoding.decoded import Decoded
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import (
    ENDPOINT_SLICES,
    INGRESSES,
    NODES,
    SECRETS,
    SERVICES,
)
from discovery.providers.kubernetes.definitions import Definitions
from discovery.providers.kubernetes.lookup import Cluster
from tests.lab.kubernetes.manifests import Manifest, endpoint_slice, ingress, node, secret, service

RESOURCES = {
    "Ingress": INGRESSES,
    "Service": SERVICES,
    "EndpointSlice": ENDPOINT_SLICES,
    "Secret": SECRETS,
    "Node": NODES,
}


class Decoding:
    """Definitions whose decoder looks up what a test says, and records what it decoded."""

    def __init__(self, look_up: Callable[[Cluster, str], object]) -> None:
        self.objects = Objects()
        self.decoded: list[str] = []
        self._look_up = look_up
        self.definitions = Definitions(
            "kubernetes", self.objects, [INGRESSES], [SERVICES, SECRETS, NODES], self._decode, str
        )

    def put(self, *manifests: Manifest) -> list[str]:
        """Put objects and refresh; return the names of the decoded ones."""
        for each in manifests:
            self.objects.put(RESOURCES[each["kind"]], each)
        return self.refresh()

    def refresh(self) -> list[str]:
        self.decoded.clear()
        self.definitions.refresh(self.objects.take_changed())
        return sorted(self.decoded)

    def _decode(self, kind: str, item: Object, cluster: Cluster) -> Decoded:
        name = item["metadata"]["name"]
        self.decoded.append(name)
        self._look_up(cluster, name)
        return Decoded(f"{kind} {name}")


LOOK_UPS: dict[str, tuple[Callable[[Cluster, str], object], Manifest]] = {
    "service": (lambda cluster, name: cluster.find("Service", "default", name), service("a")),
    "slices": (lambda cluster, name: cluster.endpoint_slices("default", name), endpoint_slice("a")),
    "secret": (lambda cluster, name: cluster.find("Secret", "default", name), secret("a", {"b": "c"})),
}


@pytest.mark.parametrize("case", LOOK_UPS)
def test_an_object_is_decoded_again_if_what_it_looked_up_changes(case: str) -> None:
    look_up, changed = LOOK_UPS[case]
    decoding = Decoding(look_up)
    assert decoding.put(ingress("a"), ingress("b")) == ["a", "b"]
    # It was looked up in vain, and comes only now.
    assert decoding.put(changed) == ["a"]
    decoding.objects.remove(RESOURCES[changed["kind"]], "default", changed["metadata"]["name"])
    assert decoding.refresh() == ["a"]


def test_an_object_that_looked_up_nodes_depends_on_all_of_them() -> None:
    decoding = Decoding(lambda cluster, name: cluster.nodes() if name == "a" else None)
    decoding.put(ingress("a"), ingress("b"))
    assert decoding.put(node("n1")) == ["a"]
    assert decoding.put(node("n2")) == ["a"]


def test_an_object_of_another_namespace_does_not_count() -> None:
    decoding = Decoding(lambda cluster, name: cluster.find("Service", "default", name))
    decoding.put(ingress("a"))
    assert decoding.put(service("a", namespace="shop")) == []


def test_only_the_last_look_ups_count() -> None:
    wanted = "first"
    decoding = Decoding(lambda cluster, name: cluster.find("Service", "default", wanted))
    decoding.put(ingress("a"))
    wanted = "second"
    assert decoding.put(ingress("a", host="other.test")) == ["a"]
    assert decoding.put(service("first")) == []
    assert decoding.put(service("second")) == ["a"]


def test_a_removed_object_depends_on_nothing() -> None:
    decoding = Decoding(lambda cluster, name: cluster.find("Service", "default", name))
    decoding.put(ingress("a"))
    decoding.objects.remove(INGRESSES, "default", "a")
    assert decoding.refresh() == []
    assert decoding.put(service("a")) == []


def test_a_bug_that_one_object_triggers_does_not_harm_the_others() -> None:
    def fail(cluster: Cluster, name: str) -> None:
        if name == "a":
            raise RuntimeError("no such case")

    decoding = Decoding(fail)
    assert decoding.put(ingress("a"), ingress("b")) == ["a", "b"]
    (found,) = decoding.definitions.configuration().diagnostics
    assert found.subject == "Ingress default/a"
    assert "bug in Rondpoint" in found.message


def test_a_written_status_changes_no_definitions() -> None:
    decoding = Decoding(lambda cluster, name: None)
    decoding.put(ingress("a"))
    before = decoding.definitions.configuration()
    decoding.objects.put(INGRESSES, {**ingress("a"), "status": {"loadBalancer": {}}})
    assert not decoding.definitions.refresh(decoding.objects.take_changed())
    assert decoding.decoded[-1] == "a"
    assert decoding.definitions.configuration().diagnostics is before.diagnostics
