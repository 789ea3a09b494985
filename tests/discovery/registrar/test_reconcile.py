"""What is registered and deregistered, and what is left alone."""

from typing import Any

import pytest

from discovery.registrar.reconcile import Actions, is_registered_by_host, reconcile
from discovery.registrar.registration import Registration

WEB = Registration("box:web:80", "web", "10.0.0.2", 80, ("a",), {"k": "v"})


def standing(registration: Registration, **other: Any) -> dict[str, Any]:
    body = registration.body()
    return {
        "Service": body["Name"],
        **{key: body[key] for key in ("Address", "Port", "Tags", "Meta")},
        **other,
    }


def test_what_is_missing_is_registered() -> None:
    assert reconcile([WEB], {}, "box") == Actions((WEB,), ())


def test_what_stands_is_left() -> None:
    assert reconcile([WEB], {WEB.id: standing(WEB)}, "box", cleanup=True) == Actions((), ())


@pytest.mark.parametrize(
    "other", [{"Port": 81}, {"Tags": None}, {"Address": ""}, {"Meta": {}}, {"Service": "x"}]
)
def test_what_differs_is_registered_again(other: dict[str, Any]) -> None:
    assert reconcile([WEB], {WEB.id: standing(WEB, **other)}, "box").register == (WEB,)


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


def test_cleanup_takes_what_dangles_and_never_what_is_foreign() -> None:
    present: dict[str, dict[str, Any]] = {key: {} for key in [*FOREIGN, "box:old:80", "box:dns:53:udp"]}
    assert reconcile([], present, "box", cleanup=True).deregister == ("box:dns:53:udp", "box:old:80")


def test_without_cleanup_only_what_it_registered_itself_goes() -> None:
    present: dict[str, dict[str, Any]] = {"box:old:80": {}, "mine": {}}
    assert reconcile([], present, "box", removed=["mine", "away"]).deregister == ("mine",)


def test_what_is_wanted_again_stays() -> None:
    assert reconcile([WEB], {WEB.id: standing(WEB)}, "box", removed=[WEB.id], cleanup=True) == Actions((), ())


def test_without_a_hostname_nothing_is_our_own() -> None:
    assert not is_registered_by_host("box:web:80", {}, "")
    assert not is_registered_by_host("mine", {"Meta": {"registrator": ""}}, "box")


def test_an_id_that_a_user_gave_is_known_by_its_mark() -> None:
    assert is_registered_by_host("mine", {"Meta": {"registrator": "box"}}, "box")
    assert not is_registered_by_host("mine", {"Meta": {"registrator": "other"}}, "box")
    assert not is_registered_by_host("mine", {"Meta": None}, "box")
