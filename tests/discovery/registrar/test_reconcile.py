"""Which services are registered and deregistered, and which stay untouched."""

from typing import Any

import pytest

from discovery.registrar.reconcile import Actions, is_registered_by_host, reconcile
from discovery.registrar.registration import Registration

WEB = Registration("box:web:80", "web", "10.0.0.2", 80, ("a",), {"k": "v"})


def agent_service(registration: Registration, **other: Any) -> dict[str, Any]:
    body = registration.body()
    return {
        "Service": body["Name"],
        **{key: body[key] for key in ("Address", "Port", "Tags", "Meta")},
        **other,
    }


def test_a_missing_service_is_registered() -> None:
    assert reconcile([WEB], {}, "box") == Actions((WEB,), ())


def test_a_current_service_stays_untouched() -> None:
    assert reconcile([WEB], {WEB.id: agent_service(WEB)}, "box", cleanup=True) == Actions((), ())


@pytest.mark.parametrize(
    "other", [{"Port": 81}, {"Tags": None}, {"Address": ""}, {"Meta": {}}, {"Service": "x"}]
)
def test_a_service_that_differs_is_registered_again(other: dict[str, Any]) -> None:
    assert reconcile([WEB], {WEB.id: agent_service(WEB, **other)}, "box").register == (WEB,)


FOREIGN = [
    "web",
    "other:web:80",
    "box:web",
    "box:web:http",
    "box:web:80:tcp",
    "boxy:web:80",
    "box:x:y:80",
    "box2:w1:1",
]


def test_cleanup_deregisters_unwanted_services_of_this_host_and_no_foreign_ones() -> None:
    present: dict[str, dict[str, Any]] = {key: {} for key in [*FOREIGN, "box:old:80", "box:dns:53:udp"]}
    assert reconcile([], present, "box", cleanup=True).deregister == ("box:dns:53:udp", "box:old:80")


def test_without_cleanup_only_its_own_registrations_are_deregistered() -> None:
    present: dict[str, dict[str, Any]] = {"box:old:80": {}, "mine": {}}
    assert reconcile([], present, "box", removed=["mine", "away"]).deregister == ("mine",)


def test_a_service_that_is_wanted_again_stays() -> None:
    assert reconcile([WEB], {WEB.id: agent_service(WEB)}, "box", removed=[WEB.id], cleanup=True) == Actions(
        (), ()
    )


def test_without_a_hostname_no_service_is_our_own() -> None:
    assert not is_registered_by_host("box:web:80", {}, "")
    assert not is_registered_by_host("mine", {"Meta": {"registrator": ""}}, "box")


def test_a_service_with_a_user_id_is_recognised_by_its_host_attribute() -> None:
    assert is_registered_by_host("mine", {"Meta": {"registrator": "box"}}, "box")
    assert not is_registered_by_host("mine", {"Meta": {"registrator": "other"}}, "box")
    assert not is_registered_by_host("mine", {"Meta": None}, "box")
