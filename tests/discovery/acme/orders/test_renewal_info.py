"""Tests of ACME renewal information; Debian's Pebble does not offer it, so a stand-in plays the CA."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from discovery.acme.orders.ca_connection import CaConnection
from discovery.acme.orders.failures import FailureKind, OrderError
from discovery.acme.orders.options import CaOptions
from discovery.acme.orders.private_keys import generate_key
from discovery.acme.orders.renewal_info import renewal_identifier, renewal_info
from tests.discovery.acme.stand_in import StandInCa

# The example in RFC 9773 §4.1.
AUTHORITY = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
SERIAL = 0x87654321
IDENTIFIER = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
PATH = f"/renewal/{IDENTIFIER}"
START, END = "2031-05-01T10:00:00Z", "2031-05-02T10:00:00.5+01:00"


def certificate(serial: int, authority: bytes | None) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, now, now + timedelta(days=1))
    if authority is not None:
        extension = x509.AuthorityKeyIdentifier(authority, None, None)
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256())


@pytest.mark.parametrize(
    ("serial", "authority", "expected"),
    [
        (SERIAL, AUTHORITY, IDENTIFIER),
        (0x7F, b"\x01", "AQ.fw"),
        (0x80, b"\x01", "AQ.AIA"),
        (SERIAL, None, ""),
    ],
)
def test_the_identifier_joins_authority_and_serial_number(
    serial: int, authority: bytes | None, expected: str
) -> None:
    assert renewal_identifier(certificate(serial, authority)) == expected


def ask(stand_in: StandInCa) -> Any:
    options = CaOptions(f"{stand_in.url}/directory")
    connection = CaConnection(options, generate_key("EC256"), threading.Event())
    return renewal_info(connection, certificate(SERIAL, AUTHORITY))


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, 6 * 3600),
        ({"Retry-After": "7200"}, 7200),
        ({"Retry-After": "1"}, 60),
        ({"Retry-After": "1" * 9}, 86400),
    ],
)
def test_the_window_and_the_next_question_are_the_cas(headers: dict[str, str], pause: float) -> None:
    with StandInCa() as ca:
        ca.replies["/directory"] = (200, {}, directory(ca))
        document = {"suggestedWindow": {"start": START, "end": END}, "explanationURL": "https://ca.test/why"}
        ca.replies[PATH] = (200, headers, document)
        found = ask(ca)
    assert found.start == datetime(2031, 5, 1, 10, tzinfo=UTC).timestamp()
    assert found.end == datetime(2031, 5, 2, 9, tzinfo=UTC).timestamp() + 0.5
    assert found.explanation == "https://ca.test/why"
    assert found.ask_again == pytest.approx(time.time() + pause, abs=20)


def test_a_ca_without_renewal_information_is_not_asked() -> None:
    with StandInCa() as ca:
        assert ask(ca) is None
        assert [path for _, path, _ in ca.requests] == ["/directory"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((200, {}, {"suggestedWindow": {}}), FailureKind.UNREACHABLE),
        ((200, {}, b"{"), FailureKind.UNREACHABLE),
        ((503, {}, b""), FailureKind.UNREACHABLE),
        ((404, {}, b""), FailureKind.REFUSED),
    ],
)
def test_a_wrong_response_is_an_error_of_the_ca(reply: Any, kind: FailureKind) -> None:
    with StandInCa() as ca:
        ca.replies["/directory"] = (200, {}, directory(ca))
        ca.replies[PATH] = reply
        with pytest.raises(OrderError) as caught:
            ask(ca)
    assert caught.value.failure.kind is kind


def directory(ca: StandInCa) -> dict[str, str]:
    return {name: f"{ca.url}/{name}" for name in ("newNonce", "newAccount", "newOrder")} | {
        "renewalInfo": f"{ca.url}/renewal"
    }
