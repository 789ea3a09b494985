import logging

import pytest

from discovery.decoding.decoded import Decoded
from discovery.labels.container import Container
from discovery.providers.docker.inspection import InspectedContainer
from discovery.providers.docker.inventory import Inventory
from rondpoint.diagnostics import Diagnostic, Severity


class RecordingDecoder:
    """A decoder that records its calls; it fails for the container named `broken`."""

    def __init__(self) -> None:
        self.calls: list[Container] = []
        self.broken = ""

    def __call__(self, container: Container) -> Decoded:
        self.calls.append(container)
        if container.name == self.broken:
            raise RuntimeError("oops")
        subject = f"container {container.name}"
        return Decoded(subject, diagnostics=(Diagnostic(Severity.NOTE, "docker", subject, "seen"),))

    def last(self) -> Container:
        return self.calls[-1]


@pytest.fixture
def decoder() -> RecordingDecoder:
    return RecordingDecoder()


@pytest.fixture
def inventory(decoder: RecordingDecoder) -> Inventory:
    return Inventory(decoder, "docker")


def a_container(
    name: str, started_at: str = "t1", stop_signal: int = 15, **fields: object
) -> InspectedContainer:
    return InspectedContainer(Container(id=f"{name}-id-long", name=name, **fields), started_at, stop_signal)  # type: ignore[arg-type]


def subjects(inventory: Inventory) -> set[str]:
    return {diagnostic.subject for diagnostic in inventory.configuration().diagnostics}


def test_each_container_is_decoded_once(inventory: Inventory, decoder: RecordingDecoder) -> None:
    inventory.replace([a_container("a"), a_container("b")])
    assert inventory.refresh()
    assert len(decoder.calls) == 2
    inventory.put("b-id-long", a_container("b"))
    assert not inventory.refresh(), "the inspection found nothing new"
    inventory.put("b-id-long", a_container("b", labels={"x": "y"}))
    assert inventory.refresh()
    assert len(decoder.calls) == 3
    assert subjects(inventory) == {"container a", "container b"}


def test_a_removed_container_defines_nothing_any_more(inventory: Inventory) -> None:
    inventory.replace([a_container("a"), a_container("b")])
    inventory.refresh()
    inventory.remove("a-id-long")
    assert inventory.refresh()
    assert subjects(inventory) == {"container b"}
    inventory.remove("a-id-long")
    assert not inventory.refresh()


@pytest.mark.parametrize("found", [None, a_container("a", state="exited")])
def test_an_inspection_may_find_that_a_container_has_ended(
    inventory: Inventory, found: InspectedContainer | None
) -> None:
    inventory.replace([a_container("a")])
    inventory.refresh()
    inventory.put("a-id-long", found)
    assert inventory.refresh()
    assert subjects(inventory) == set()


def test_a_new_listing_removes_missing_containers(inventory: Inventory) -> None:
    inventory.replace([a_container("a"), a_container("b")])
    inventory.refresh()
    inventory.replace([a_container("b")])
    assert inventory.refresh()
    assert subjects(inventory) == {"container b"}


@pytest.mark.parametrize(
    ("stop_signal", "sent", "draining"),
    [
        (15, 15, True),
        (15, 9, True),
        (15, 2, True),
        (15, 3, True),
        (15, 1, False),
        (37, 37, True),
        (15, 10, False),
    ],
)
def test_a_stop_signal_makes_a_container_drain(
    inventory: Inventory, decoder: RecordingDecoder, stop_signal: int, sent: int, draining: bool
) -> None:
    inventory.replace([a_container("a", stop_signal=stop_signal)])
    inventory.refresh()
    inventory.mark_signalled("a-id-long", sent)
    assert inventory.refresh() is draining
    assert decoder.last().draining is draining


def test_draining_outlasts_a_new_listing_but_not_a_restart(
    inventory: Inventory, decoder: RecordingDecoder
) -> None:
    inventory.replace([a_container("a")])
    inventory.mark_signalled("a-id-long", 15)
    inventory.replace([a_container("a")])
    inventory.refresh()
    assert decoder.last().draining
    inventory.replace([a_container("a", started_at="t2")])
    inventory.refresh()
    assert not decoder.last().draining


def test_a_signal_to_an_unknown_container_is_ignored(inventory: Inventory) -> None:
    inventory.mark_signalled("x", 15)
    assert not inventory.refresh()


@pytest.mark.parametrize("reference", ["host-id-long", "host-id-long"[:12], "host"])
def test_a_container_in_a_shared_network_has_the_current_addresses_of_its_owner(
    inventory: Inventory, decoder: RecordingDecoder, reference: str
) -> None:
    guest = a_container("guest", network_mode=f"container:{reference}")
    inventory.replace([guest, a_container("host", networks={"n": "10.0.0.2"})])
    inventory.refresh()
    assert [each.networks for each in decoder.calls if each.name == "guest"] == [{"n": "10.0.0.2"}]
    inventory.put("host-id-long", a_container("host", networks={"n": "10.0.0.3"}))
    inventory.refresh()
    assert decoder.last().name == "guest" or decoder.calls[-2].name == "guest"
    assert [each.networks for each in decoder.calls if each.name == "guest"][-1] == {"n": "10.0.0.3"}
    inventory.remove("host-id-long")
    inventory.refresh()
    assert decoder.last().networks == {}


def test_a_container_that_shares_the_network_of_one_in_host_mode_is_in_host_mode(
    inventory: Inventory, decoder: RecordingDecoder
) -> None:
    inventory.replace(
        [a_container("guest", network_mode="container:host"), a_container("host", network_mode="host")]
    )
    inventory.refresh()
    assert {each.network_mode for each in decoder.calls} == {"host"}


def test_the_network_label_of_the_shared_networks_owner_wins(
    inventory: Inventory, decoder: RecordingDecoder
) -> None:
    label = "traefik.docker.network"
    guest = a_container("guest", network_mode="container:host", labels={label: "a", "x": "y"})
    inventory.replace([guest, a_container("host", labels={label: "b"})])
    inventory.refresh()
    assert [each.labels for each in decoder.calls if each.name == "guest"] == [{label: "b", "x": "y"}]


def test_a_bug_that_one_container_triggers_leaves_the_others(
    inventory: Inventory, decoder: RecordingDecoder, caplog: pytest.LogCaptureFixture
) -> None:
    decoder.broken = "a"
    inventory.replace([a_container("a"), a_container("b")])
    with caplog.at_level(logging.ERROR):
        inventory.refresh()
    assert subjects(inventory) == {"container a", "container b"}
    (diagnostic,) = [each for each in inventory.configuration().diagnostics if each.subject == "container a"]
    assert "oops" in diagnostic.message
    assert "container a" in caplog.text
