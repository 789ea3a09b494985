"""Tests of whole orders with a real CA, which refuses every seventh nonce."""

import re
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from discovery.acme.challenges.challenge import ResponderError
from discovery.acme.orders import authorizations, chains
from discovery.acme.orders.account import AccountConnection, account_for
from discovery.acme.orders.failures import FailureKind, OrderError, OrderFailure
from discovery.acme.orders.options import CaOptions, CertificateOptions, ExternalAccountBinding
from discovery.acme.orders.order import IssuedCertificate, OrderRequest, PendingOrder, obtain
from discovery.acme.orders.private_keys import generate_key
from rondpoint.store.acme import AcmeAccount
from tests.discovery.acme.orders.conftest import KEY, connect, options_of
from tests.discovery.acme.responders import DnsResponder, HttpResponder, TlsAlpnResponder
from tests.discovery.acme.stand_in import StandInCa, problem
from tests.lab.pebble import DnsServer, Pebble

EC = CertificateOptions(key_type="EC256")


class LeaderKilledError(Exception):
    """Stands for the death of the leader at this place."""


def request(*names: str, options: CertificateOptions = EC, replaces: str = "") -> OrderRequest:
    return OrderRequest(names, options, replaces)


def leaf(issued: IssuedCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificates(issued.chain.encode())[0]


def names(issued: IssuedCertificate) -> list[str]:
    found = leaf(issued).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found.get_values_for_type(x509.DNSName) + list(map(str, found.get_values_for_type(x509.IPAddress)))


def failure(*arguments: Any) -> OrderFailure:
    with pytest.raises(OrderError) as caught:
        obtain(*arguments, None, lambda pending: None)
    return caught.value.failure


def test_http_01_proves_names_and_addresses(
    pebble: Pebble, http_responder: HttpResponder, tmp_path: Path
) -> None:
    saved: list[AcmeAccount] = []
    pending: list[PendingOrder] = []
    wanted = ("first.http.test", "second.http.test", "127.0.0.1")
    options = CertificateOptions(key_type="EC384")
    issued = obtain(
        connect(pebble, saved), request(*wanted, options=options), [http_responder], None, pending.append
    )
    assert sorted(names(issued)) == sorted(wanted)
    assert leaf(issued).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == wanted[0]
    assert (issued.key, wanted) == (pending[0].key, pending[0].names)
    assert (saved[0].url.startswith("https://"), len(saved), len(pending)) == (True, 1, 1)
    assert not http_responder.responses
    # OpenSSL accepts the key with its chain, and the chain leads to the root of the CA.
    file = tmp_path / "certificate.pem"
    file.write_text(issued.chain + issued.key)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file)
    assert issued.chain.count("BEGIN CERTIFICATE") == 2


def test_tls_alpn_01_proves_names_and_addresses(pebble: Pebble) -> None:
    # An account of its own, because another test proves this address.
    account = AcmeAccount(options_of(pebble).directory, generate_key("EC256"))
    with TlsAlpnResponder(pebble.tls_port) as responder:
        issued = obtain(
            connect(pebble, [account]),
            request("a.alpn.test", "127.0.0.1"),
            [responder],
            None,
            lambda pending: None,
        )
        assert set(names(issued)) == {"a.alpn.test", "127.0.0.1"}
        assert {"a.alpn.test", "1.0.0.127.in-addr.arpa"} <= set(responder.server_names)
        assert responder.contexts == {}


def test_dns_01_proves_a_wildcard_beside_its_domain(pebble: Pebble, dns_server: DnsServer) -> None:
    responder = DnsResponder(dns_server)
    wanted = ("*.dns.test", "dns.test")
    issued = obtain(connect(pebble, []), request(*wanted), [responder], None, lambda pending: None)
    assert set(names(issued)) == set(wanted)
    assert responder.records == []


def test_each_name_gets_the_first_challenge_that_the_ca_offers_for_it(
    pebble: Pebble, http_responder: HttpResponder, dns_server: DnsServer
) -> None:
    responders = [http_responder, DnsResponder(dns_server)]
    wanted = ("*.both.test", "both.test")
    issued = obtain(connect(pebble, []), request(*wanted), responders, None, lambda pending: None)
    assert set(names(issued)) == set(wanted)
    assert http_responder.presented == ["both.test"]


def test_a_certificate_without_a_common_name(pebble: Pebble, http_responder: HttpResponder) -> None:
    options = CertificateOptions(key_type="RSA2048", common_name=False)
    issued = obtain(
        connect(pebble, []),
        request("uncommon.test", options=options),
        [http_responder],
        None,
        lambda pending: None,
    )
    assert names(issued) == ["uncommon.test"]
    assert "RSA" in issued.key


def test_names_that_cannot_be_validated_are_named_with_a_remedy(
    pebble: Pebble, http_responder: HttpResponder, dns_server: DnsServer
) -> None:
    http_responder.wrong_names.add("wrong.fail.test")
    dns_server.fail("unknown.fail.test")
    found = failure(
        connect(pebble, []),
        request("good.fail.test", "wrong.fail.test", "unknown.fail.test"),
        [http_responder],
    )
    assert found.kind is FailureKind.NAMES
    assert set(found.names) == {"wrong.fail.test", "unknown.fail.test"}
    assert all(name in found.message for name in found.names)
    assert "DNS" in found.hint
    assert http_responder.responses == {}
    assert len(http_responder.presented) == 3


def test_a_wildcard_needs_another_challenge(pebble: Pebble, http_responder: HttpResponder) -> None:
    found = failure(connect(pebble, []), request("*.wild.test"), [http_responder])
    assert found.names == ("wild.test",)
    assert "dnsChallenge" in found.hint
    assert http_responder.presented == []


def test_a_response_that_cannot_be_published_fails_the_order(
    pebble: Pebble, http_responder: HttpResponder
) -> None:
    http_responder.failure = ResponderError("the store is full", "free some memory")
    found = failure(connect(pebble, []), request("unpublished.test"), [http_responder])
    assert found.kind is FailureKind.CHALLENGE
    assert (found.message, found.hint) == ("the store is full", "free some memory")


def test_an_order_is_left_at_once_if_the_agent_stops(pebble: Pebble, http_responder: HttpResponder) -> None:
    stop = threading.Event()
    options = options_of(pebble)
    connection = AccountConnection(options, AcmeAccount(options.directory, KEY), lambda account: None, stop)
    with pytest.raises(OrderError) as caught:
        obtain(connection, request("stopped.test"), [http_responder], None, lambda pending: stop.set())
    assert caught.value.failure.kind is FailureKind.INTERRUPTED
    assert http_responder.responses == {}


@pytest.mark.parametrize("place", ["order", "challenge", "validation", "request", "download"])
def test_another_leader_continues_the_order(
    pebble: Pebble, http_responder: HttpResponder, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The leader dies after it sent each of these; its successor gets the certificate with the same order."""
    saved: list[AcmeAccount] = []
    pending: list[PendingOrder] = []
    orders, issued_before = pebble.order_count, pebble.issued_count
    wanted = request(f"{place}.continued.test")
    first = connect(pebble, saved)
    post = first.post
    subjects = {"challenge": "the challenge for", "validation": "the order", "request": "signing request"}

    def kill_after(url: str, body: Any, subject: str) -> Any:
        response = post(url, body, subject)
        if subjects.get(place, "nothing") in subject and (body is None) == (place == "validation"):
            raise LeaderKilledError
        return response

    def kill(*arguments: Any) -> None:
        raise LeaderKilledError

    with monkeypatch.context() as patch, pytest.raises(LeaderKilledError):
        patch.setattr(first, "post", kill_after)
        # Nobody cleans up after a kill.
        patch.setattr(http_responder, "clean_up", lambda challenge: None)
        if place == "order":
            patch.setattr("discovery.acme.orders.order.authorize", kill)
        if place == "download":
            patch.setattr(chains, "download", kill)
        obtain(first, wanted, [http_responder], None, pending.append)
    issued = obtain(connect(pebble, saved), wanted, [http_responder], pending[0], pending.append)
    assert names(issued) == list(wanted.names)
    assert issued.key == pending[0].key
    assert len(pending) == 1
    assert (pebble.order_count - orders, pebble.issued_count - issued_before) == (1, 1)


def test_other_names_are_a_new_order(pebble: Pebble, http_responder: HttpResponder) -> None:
    saved: list[AcmeAccount] = []
    pending: list[PendingOrder] = []
    for name in ("old.names.test", "new.names.test"):
        issued = obtain(
            connect(pebble, saved),
            request(name),
            [http_responder],
            pending[0] if pending else None,
            pending.append,
        )
        assert names(issued) == [name]
    assert len(pending) == 2


@pytest.fixture(scope="module")
def other_ca(dns_server: DnsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """A CA that wants external account bindings and offers two chains."""
    with Pebble(
        tmp_path_factory.mktemp("other"),
        dns_server.address,
        eab_keys={"known": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"},
        environment={"PEBBLE_ALTERNATE_ROOTS": "1"},
    ) as running:
        yield running


BINDING = ExternalAccountBinding("known", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")


@pytest.mark.parametrize(
    ("binding", "text"),
    [
        (None, "externalAccountRequired"),
        (ExternalAccountBinding("known", "AAAA"), "eab"),
        (ExternalAccountBinding("known", "***"), "eab.hmacEncoded"),
        (ExternalAccountBinding("unknown", BINDING.hmac_key), "eab.kid"),
    ],
)
def test_a_wrong_account_binding_is_reported_without_its_key(
    other_ca: Pebble, binding: ExternalAccountBinding | None, text: str
) -> None:
    with HttpResponder(other_ca.http_port) as responder:
        connection = connect(other_ca, [], account_binding=binding)
        found = failure(connection, request("bound.test"), [responder])
    assert found.kind is FailureKind.ACCOUNT
    assert text in found.message + found.hint
    assert BINDING.hmac_key not in repr(found) + repr(binding) + repr(connection.account)


def test_an_account_binding_and_the_preferred_chain(other_ca: Pebble) -> None:
    roots = [x509.load_pem_x509_certificate(other_ca.root(number).encode()) for number in range(2)]
    subjects = [str(root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value) for root in roots]
    saved: list[AcmeAccount] = []
    issuers = []
    with HttpResponder(other_ca.http_port) as responder:
        for preferred in ("", subjects[1], "no such root"):
            options = CertificateOptions(key_type="EC256", preferred_chain=preferred)
            issued = obtain(
                connect(other_ca, saved, account_binding=BINDING),
                request("chain.test", options=options),
                [responder],
                None,
                lambda pending: None,
            )
            top = x509.load_pem_x509_certificates(issued.chain.encode())[-1]
            issuers.append(str(top.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value))
    assert issuers == [subjects[0], subjects[1], subjects[0]]
    assert other_ca.account_count == 1


def test_a_ca_that_forgot_everything_gets_the_account_and_a_new_order(
    other_ca: Pebble, caplog: pytest.LogCaptureFixture
) -> None:
    saved: list[AcmeAccount] = []
    pending: list[PendingOrder] = []
    with HttpResponder(other_ca.http_port) as responder:
        for _ in range(2):
            issued = obtain(
                connect(other_ca, saved, account_binding=BINDING),
                request("forgotten.test"),
                [responder],
                pending[-1] if pending else None,
                pending.append,
            )
            assert names(issued) == ["forgotten.test"]
            if len(pending) == 1:
                other_ca.restart()
    assert len(pending) == 2
    assert [account.key for account in saved] == [saved[0].key] * 2
    assert "has forgotten the account" in caplog.text


def test_a_changed_email_is_told_to_the_ca(pebble: Pebble) -> None:
    saved: list[AcmeAccount] = []
    saved.append(AcmeAccount(pebble.directory_url, generate_key("EC256")))
    for email in ("one@a.test", "two@a.test", "two@a.test", ""):
        connect(pebble, saved, email=email).sign_in()
    del saved[0]
    assert [account.email for account in saved] == ["one@a.test", "two@a.test"]
    assert len({account.url for account in saved}) == 1


def test_the_account_of_another_ca_is_not_used() -> None:
    own = AcmeAccount("https://ca.test/directory", "key", "https://ca.test/account/1")
    assert account_for(CaOptions("https://ca.test/other"), own) is own
    other = account_for(CaOptions("https://other.test/directory"), own)
    assert other.url == ""
    assert re.match("-----BEGIN RSA", other.key)


def test_a_ca_with_a_certificate_of_an_unknown_authority_gets_no_account(
    pebble: Pebble, http_responder: HttpResponder
) -> None:
    options = CaOptions(pebble.directory_url)
    connection = AccountConnection(
        options, AcmeAccount(options.directory, KEY), lambda account: None, threading.Event()
    )
    found = failure(connection, request("untrusted.test"), [http_responder])
    assert found.kind is FailureKind.UNREACHABLE
    assert "CERTIFICATE_VERIFY_FAILED" in found.message or "certificate verify failed" in found.message
    assert "caCertificates" in found.hint


def test_the_server_name_of_the_settings_replaces_that_of_the_url(pebble: Pebble) -> None:
    saved: list[AcmeAccount] = []
    connect(pebble, saved, server_name="localhost").sign_in()
    assert saved[0].url
    with pytest.raises(OrderError, match=r"other\.test"):
        connect(pebble, [], server_name="other.test").sign_in()


def test_an_order_names_what_it_replaces_unless_the_ca_refuses_that(http_responder: HttpResponder) -> None:
    """Pebble knows neither renewals nor profiles, so a stand-in plays the CA."""
    options = CertificateOptions(key_type="EC256", profile="shortlived")
    with StandInCa() as ca:
        ca.replies["/account"] = (201, {"Location": f"{ca.url}/account/1"}, {"status": "valid"})
        refusals = iter([(409, {}, problem("alreadyReplaced")), (400, {}, problem("invalidProfile", "none"))])
        ca.replies["/order"] = lambda: next(refusals)
        directory = f"{ca.url}/directory"
        connection = AccountConnection(
            CaOptions(directory, email="a@a.test"),
            AcmeAccount(directory, KEY),
            lambda account: None,
            threading.Event(),
        )
        found = failure(connection, request("a.test", options=options, replaces="AQ.AIA"), [http_responder])
        assert found.hint == "choose a profile of this authority"
        body = {"identifiers": [{"type": "dns", "value": "a.test"}], "profile": "shortlived"}
        assert ca.payloads("/order") == [{**body, "replaces": "AQ.AIA"}, body]
        assert ca.payloads("/account") == [{"termsOfServiceAgreed": True, "contact": ["mailto:a@a.test"]}]


def test_a_validation_that_stays_undecided_after_an_error_fails_by_that_error(
    http_responder: HttpResponder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pebble decides at once; a stand-in plays an authority that lets the client try again, as Caddy does."""
    monkeypatch.setattr(authorizations, "VALIDATION_TIMEOUT", 0.3)
    with StandInCa() as ca:
        challenge = {"type": "http-01", "url": f"{ca.url}/challenge", "token": "token"}
        identifier = {"type": "dns", "value": "undecided.test"}
        document = {"identifier": identifier, "status": "pending", "challenges": [challenge]}
        order = {"status": "pending", "finalize": f"{ca.url}/finalize", "authorizations": [f"{ca.url}/name"]}
        ca.replies |= {
            "/order": (201, {"Location": f"{ca.url}/order/1"}, order),
            "/name": (200, {}, document),
            "/challenge": (200, {}, challenge),
        }
        directory = f"{ca.url}/directory"
        account = AcmeAccount(directory, KEY, f"{ca.url}/account/1")
        connection = AccountConnection(CaOptions(directory), account, lambda account: None, threading.Event())
        undecided = failure(connection, request("undecided.test"), [http_responder])
        challenge["error"] = problem("connection", "refused")
        failed = failure(connection, request("undecided.test"), [http_responder])
    assert undecided.kind is FailureKind.UNREACHABLE
    assert failed.kind is FailureKind.NAMES
    assert failed.names == ("undecided.test",)
    assert "refused (connection)" in failed.message
    assert http_responder.responses == {}
