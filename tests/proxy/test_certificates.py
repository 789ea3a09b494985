"""`/api/certificates` of a running proxy."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from msgspec.structs import replace

from rondpoint.store.acme import AcmeState, certificate_id
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.tls.model import TlsDomain, TlsOptions
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.ports import free_port
from tests.lab.processes import installed
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.scraping import Scrape, scrape, wait_for_scrape
from tests.proxy.tls.certificates import make_certificate

DAY = 86_400.0
SECURE = free_port()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A certificate in the settings, three in the configuration, and the states of three of a resolver."""
    directory: Path = tmp_path_factory.mktemp("p")
    own = write_certificate(directory / "own.pem", "DNS:own.test")
    flags = (
        "--metrics.prometheus",
        f"--entryPoints.secure.address=127.0.0.1:{SECURE}",
        f"--entryPoints.secure.tls.certificates={own},{own}",
    )
    now = time.time()
    with Store(directory) as store, running_proxy(directory, store, *flags) as running:
        life = {"not_before": now - 60 * DAY, "not_after": now + 60 * DAY}
        shop = make_certificate("1@file", "shop.test", "*.shop.test", source="shop.pem", **life)
        ended = replace(
            shop, name="2@file", names=("old.test", "ended.test"), subject="old", not_after=now - 9
        )
        obtained = make_certificate("3@acme", "got.test", issuer="CA", resolver="le", **life)
        running.certificates.update((each.name, each) for each in (shop, ended, obtained))
        states = {
            "got.test": AcmeState("le", TlsDomain("got.test"), renew_at=now + 7 * DAY),
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
        strict = TlsOptions("strict@file", client_auth="RequireAnyClientCert")
        picky = TlsOptions("picky@file", sni_strict=True)
        old = TlsOptions("old@file", max_version="VersionTLS12")
        running.tls_options.update({each.name: each for each in (strict, picky, old)})
        running.route(1, rule="Host(`a.shop.test`)", tls=True, tls_options="strict@file")
        running.route(1, rule="Host(`picky.test`)", tls=True, tls_options="picky@file")
        running.route(1, rule="Host(`old.test`)", tls=True, tls_options="old@file")
        running.route(1, rule="Host(`closed.test`)", tls=True, tls_options="gone@file")
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
    assert (found["1@file"]["usedBy"], found["3@acme"]["usedBy"]) == (["t1", "t5"], ["t1"])
    assert {name for name, each in found.items() if "entryPoints" in each} == {own}
    assert found[own]["entryPoints"] == ["secure"]
    assert found["2@file"]["error"][0].startswith("it expired ")
    seven_days = datetime.fromisoformat(found["3@acme"]["renewal"]["renewAt"]).timestamp() - time.time()
    assert 6.9 * DAY < seven_days < 7 * DAY
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


def handshake(proxy: Proxy, url: str, header: str = "") -> dict[str, Any]:
    query = urlencode({"url": url, **({"header": header} if header else {})})
    found: dict[str, Any] = ask(proxy, f"/api/explain?{query}")
    return {**found["handshake"], "status": found["status"]}


def presented(port: int, name: str) -> str:
    """Return the certificate that a client gets, as PEM text."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port)) as sock,
        context.wrap_socket(sock, server_hostname=name or None) as client,
    ):
        return ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True) or b"")


OWN = "own.pem@settings"


@pytest.mark.parametrize(
    ("name", "certificate", "problem"),
    [
        ("own.test", OWN, ""),
        ("www.shop.test", "1@file", ""),
        ("SHOP.test", "1@file", ""),
        ("got.test", "3@acme", ""),
        ("ended.test", "2@file", "it expired"),
        ("x.www.shop.test", OWN, "it is not for x.www.shop.test, so browsers warn of it"),
        ("bad.test", OWN, "resolver le could not obtain it: no address; add one"),
        ("wanted.test", OWN, "resolver le is obtaining it"),
        ("127.0.0.1", OWN, "it is not for 127.0.0.1"),
    ],
)
def test_the_certificate_of_a_handshake_is_explained(
    proxy: Proxy, name: str, certificate: str, problem: str
) -> None:
    found = handshake(proxy, f"https://{name}:{SECURE}/")
    (told,) = found["certificates"]
    assert told["id"].endswith(certificate)
    assert (problem in " ".join(told["problems"])) if problem else told["problems"] == []
    assert (found["options"], found["clientAuth"], found["refusal"]) == ("default", "NoClientCert", "")
    sent = "" if name == "127.0.0.1" else name.lower()
    assert found["serverName"] == sent
    fingerprint = sha256(PEM_cert_to_DER_cert(presented(SECURE, sent))).hexdigest()
    assert ask(proxy, f"/api/certificates/{told['id'].lstrip('/')}")["certFingerprint"] == fingerprint


def test_an_entry_point_without_a_certificate_has_a_generated_one(proxy: Proxy) -> None:
    found = handshake(proxy, f"https://none.test:{proxy.web}/")
    assert (found["certificates"], found["refusal"]) == ([], "")
    assert "self-signed" in found["problems"][0]
    assert presented(proxy.web, "none.test") not in [each.chain for each in proxy.certificates.values()]


def test_options_of_a_handshake_are_explained(proxy: Proxy) -> None:
    base = f":{SECURE}/"
    found = handshake(proxy, f"https://a.shop.test{base}")
    assert (found["options"], found["clientAuth"]) == ("strict@file", "RequireAnyClientCert")
    assert found["status"] == 0
    with pytest.raises(ssl.SSLError):
        presented(SECURE, "picky.test")
    assert "sniStrict" in handshake(proxy, f"https://picky.test{base}")["refusal"]
    assert "gone@file do not exist" in handshake(proxy, f"https://closed.test{base}")["refusal"]
    other = handshake(proxy, f"https://www.shop.test{base}", "Host: a.shop.test")
    assert (other["serverName"], other["status"]) == ("www.shop.test", 421)


def test_the_command_shows_the_handshake(proxy: Proxy) -> None:
    def told(url: str) -> tuple[int, str]:
        arguments = [installed("rondpoint"), "explain", url, f"--api=http://127.0.0.1:{proxy.admin}"]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    code, text = told(f"https://a.shop.test:{SECURE}/")
    assert code == 0, text
    assert "TLS options strict@file, client certificates: RequireAnyClientCert\n" in text
    assert "certificate shop.test, *.shop.test (EC256, until 2" in text
    assert "            from shop.pem\n" in text
    code, text = told(f"https://picky.test:{SECURE}/")
    assert code == 1
    assert "handshake   refused: no certificate is for picky.test, and sniStrict wants one\n" in text


FAILURES = {
    "name": ("picky.test", {}),
    "options": ("closed.test", {}),
    "parameters": ("old.test", {"minimum_version": ssl.TLSVersion.TLSv1_3}),
    # With TLS 1.3, a client without a certificate learns of it only after the handshake.
    "client_certificate": ("a.shop.test", {"maximum_version": ssl.TLSVersion.TLSv1_2}),
    "certificate_refused": ("own.test", {"verify_mode": ssl.CERT_REQUIRED}),
    "protocol": ("own.test", {"alpn": ["h3"]}),
}


def test_failed_handshakes_are_counted_by_reason(proxy: Proxy) -> None:
    def failures(now: Scrape) -> dict[str, int]:
        counted = now.samples.get("rondpoint_tls_handshake_failures_total", {})
        return {dict(labels)["reason"]: int(count) for labels, count in counted.items()}

    def send_malformed_hello() -> None:
        with socket.create_connection(("127.0.0.1", SECURE)) as sock:
            sock.sendall(b"\x16\x03\x01no TLS record")
            assert sock.recv(100)[:1] == b"\x15"

    # Failures of tests before may be reported a moment later; this one is reported after them.
    first = failures(scrape(proxy.admin)).get("malformed", 0)
    send_malformed_hello()
    before = failures(
        wait_for_scrape(
            proxy.admin, lambda now: failures(now).get("malformed", 0) > first, "one more failure"
        )
    )
    for name, options in FAILURES.values():
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for option, value in options.items():
            if option == "alpn":
                context.set_alpn_protocols(value)
            else:
                setattr(context, option, value)
        with socket.create_connection(("127.0.0.1", SECURE)) as sock, pytest.raises(OSError):
            context.wrap_socket(sock, server_hostname=name)
    send_malformed_hello()

    def all_counted(now: Scrape) -> bool:
        found = failures(now)
        return {
            reason: found.get(reason, 0) - before.get(reason, 0) for reason in (*FAILURES, "malformed")
        } == (dict.fromkeys((*FAILURES, "malformed"), 1))

    wait_for_scrape(proxy.admin, all_counted, "one failure of each kind")
