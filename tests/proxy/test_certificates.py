"""`/api/certificates` of a running proxy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from rondpoint.store.acme import AcmeState, certificate_id
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.tls.model import TlsDomain
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.tls.certificates import make_certificate

DAY = 86_400.0


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A certificate in the settings, two in the configuration, and the states of three of a resolver."""
    directory: Path = tmp_path_factory.mktemp("p")
    own = write_certificate(directory / "own.pem", "DNS:own.test")
    flags = (
        f"--entryPoints.secure.address=127.0.0.1:{free_port()}",
        f"--entryPoints.secure.tls.certificates={own},{own}",
    )
    now = time.time()
    with Store(directory) as store, running_proxy(directory, store, *flags) as running:
        life = {"not_before": now - 60 * DAY, "not_after": now + 60 * DAY}
        shop = make_certificate("1@file", "shop.test", "*.shop.test", source="shop.pem", **life)
        old = replace(shop, name="2@file", names=("old.test",), subject="old", not_after=now - 9)
        obtained = make_certificate("3@acme", "got.test", issuer="CA", resolver="le", **life)
        running.certificates.update((each.name, each) for each in (shop, old, obtained))
        states = {
            "got.test": AcmeState("le", TlsDomain("got.test"), renew_at=now + 30 * DAY),
            "wanted.test": AcmeState("le", TlsDomain("wanted.test"), ordering=True),
            "bad.test": AcmeState(
                "le", TlsDomain("bad.test"), failures=3, error="no address", hint="add one"
            ),
        }
        with connect(store.url) as client:
            for name, state in states.items():
                field = certificate_id("le", TlsDomain(name))
                client.hset(Keys().acme_states, field, msgspec.json.encode(state))
        running.route(1, rule="Host(`www.shop.test`) || Host(`got.test`)", tls=True)
        running.route(1, rule="Host(`shop.test`)", entry_points=("web",))
        yield running


def ask(proxy: Proxy, path: str) -> Any:
    return json.loads(http.request(proxy.admin, "localhost", path).body)


def test_certificates_are_listed_with_status_and_users(proxy: Proxy) -> None:
    found = {each["id"]: each for each in ask(proxy, "/api/certificates")}
    own = next(name for name in found if name.endswith("@settings"))
    names = {name: certificate_id("le", TlsDomain(f"{name}.test")) for name in ("wanted", "bad")}
    assert {name: each["status"] for name, each in found.items()} == {
        "1@file": "enabled",
        "2@file": "expired",
        "3@acme": "enabled",
        own: "enabled",
        names["wanted"]: "pending",
        names["bad"]: "failed",
    }
    assert found["1@file"]["usedBy"] == found["3@acme"]["usedBy"] == ["t1"]
    assert found[own]["entryPoints"] == ["secure"]
    assert found["2@file"]["error"][0].startswith("it expired ")
    assert found["3@acme"]["renewal"]["renewAt"] > found["1@file"]["notBefore"]
    assert found[names["wanted"]]["renewal"] == {"ordering": True}
    assert found[names["bad"]]["error"] == ["resolver le could not obtain it: no address; add one"]
    assert "PRIVATE" not in json.dumps(found)
    assert ask(proxy, "/api/overview")["certificates"] == {"total": 6, "warnings": 0, "errors": 2}


def test_one_certificate_is_found_by_fingerprint_and_by_id(proxy: Proxy) -> None:
    fingerprint = sha256(PEM_cert_to_DER_cert(proxy.certificates["3@acme"].chain)).hexdigest()
    view = ask(proxy, "/api/certificates/3@acme")
    assert (view["name"], view["resolver"], view["keyType"]) == (fingerprint, "le", "ECDSA")
    assert ask(proxy, f"/api/certificates/{fingerprint}") == view
    assert http.request(proxy.admin, "localhost", "/api/certificates/none").status == 404
    (own,) = ask(proxy, "/api/certificates?search=own.test")
    assert ask(proxy, f"/api/certificates/{own['id'].lstrip('/')}") == own
    wanted = certificate_id("le", TlsDomain("wanted.test"))
    assert ask(proxy, f"/api/certificates/{wanted}")["name"] == wanted


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("search=GOT", ["3@acme"]),
        ("search=ca&sortBy=cn", ["3@acme"]),
        ("status=expired", ["2@file"]),
        ("sortBy=status&per_page=2", ["2@file", certificate_id("le", TlsDomain("bad.test"))]),
        ("search=@file&sortBy=validUntil&direction=desc", ["1@file", "2@file"]),
        ("search=@file&sortBy=validUntil&page=2&per_page=1", ["1@file"]),
    ],
)
def test_the_list_is_searched_and_sorted(proxy: Proxy, query: str, ids: list[str]) -> None:
    assert [each["id"] for each in ask(proxy, f"/api/certificates?{query}")] == ids
