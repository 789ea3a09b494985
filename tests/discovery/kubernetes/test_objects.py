"""Which objects are known, and which of them changed."""

from typing import Any

import pytest

from discovery.kubernetes import objects as objects_module
from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import ENDPOINT_SLICES, SECRETS, SERVICES
from discovery.kubernetes.selection import Selection
from tests.lab.kubernetes.manifests import endpoint_slice, service

WEB = (SERVICES, "default", "web")
SLICES_OF_WEB = (ENDPOINT_SLICES, "default", "web")


def at(given: dict[str, Any], version: int) -> dict[str, Any]:
    given["metadata"]["resourceVersion"] = str(version)
    return given


def test_a_new_changed_or_removed_object_is_changed_once() -> None:
    known = Objects()
    known.put(SERVICES, at(service("web"), 1))
    assert known.take_changed() == {WEB}
    assert known.take_changed() == set()
    known.put(SERVICES, at(service("web", ports=(("", 81),)), 2))
    assert known.take_changed() == {WEB}
    known.remove(*WEB)
    assert known.take_changed() == {WEB}
    assert known.get(*WEB) is None
    known.remove(*WEB)
    assert known.take_changed() == set()


def test_a_new_version_with_the_same_contents_is_no_change() -> None:
    known = Objects()
    known.put(SERVICES, at(service("web"), 1))
    known.take_changed()
    known.put(SERVICES, at(service("web"), 2))
    assert known.take_changed() == set()
    found = known.get(*WEB)
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "2"


def test_slices_are_found_by_their_service() -> None:
    known = Objects()
    known.put(ENDPOINT_SLICES, endpoint_slice("web", name="b"))
    known.put(ENDPOINT_SLICES, endpoint_slice("web", name="a"))
    assert [each["metadata"]["name"] for each in known.slices("default", "web")] == ["a", "b"]
    assert known.take_changed() == {SLICES_OF_WEB}
    known.remove(ENDPOINT_SLICES, "default", "a")
    assert known.take_changed() == {SLICES_OF_WEB}
    assert [each["metadata"]["name"] for each in known.slices("default", "web")] == ["b"]


def test_a_slice_that_moves_to_another_service_changes_both() -> None:
    known = Objects()
    known.put(ENDPOINT_SLICES, endpoint_slice("web", name="a"))
    known.take_changed()
    known.put(ENDPOINT_SLICES, endpoint_slice("api", name="a"))
    assert known.take_changed() == {SLICES_OF_WEB, (ENDPOINT_SLICES, "default", "api")}
    assert known.slices("default", "web") == ()


def test_a_list_replaces_the_objects_of_its_namespace_only() -> None:
    known = Objects()
    known.replace(
        Selection(SERVICES), [service("web"), service("api"), service("web", namespace="shop")], "10"
    )
    known.take_changed()
    known.replace(Selection(SERVICES, "default"), [service("api")], "11")
    assert known.take_changed() == {WEB}
    assert set(known.all(SERVICES)) == {("default", "api"), ("shop", "web")}


def test_a_cluster_that_was_reset_keeps_its_objects_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(objects_module.time, "monotonic", lambda: now)
    known = Objects()
    selection = Selection(SERVICES)
    known.replace(selection, [service("web"), service("api")], "500")
    known.note_version(selection, "700")
    known.take_changed()
    known.replace(selection, [], "600")
    assert known.take_changed() == set()
    assert known.next_expiry == now + objects_module.RETENTION
    known.put(SERVICES, service("api"))
    now += objects_module.RETENTION - 1
    known.drop_expired()
    assert set(known.all(SERVICES)) == {("default", "web"), ("default", "api")}
    now += 1
    known.drop_expired()
    assert known.take_changed() == {WEB}
    assert known.next_expiry is None


def test_a_deleted_object_is_not_retained() -> None:
    known = Objects()
    known.replace(Selection(SERVICES), [service("web")], "500")
    known.replace(Selection(SECRETS), [], "100")
    known.replace(Selection(SERVICES), [], "501")
    assert known.get(*WEB) is None
