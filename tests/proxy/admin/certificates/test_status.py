"""The status of a certificate, and what its list says about it."""

import pytest

from proxy.admin.certificates.known_certificate import KnownCertificate
from proxy.admin.certificates.status import status_of
from rondpoint.store.acme import AcmeState
from rondpoint.tls.model import Certificate, TlsDomain

DAY = 86_400.0
NOW = 1_700_000_000.0
END = "2023-11-14 22:13 UTC"
"""The time NOW for people."""


def known(life: float, left: float, *, resolver: str = "", **state: object) -> KnownCertificate:
    """Return a certificate that lives `life` days, `left` of which are left."""
    end = NOW + left * DAY
    certificate = Certificate(
        "a@file",
        "",
        "",
        ("a.test",),
        not_before=end - life * DAY,
        not_after=end,
        source="/etc/a.pem",
        resolver=resolver,
    )
    acme = AcmeState(resolver, TlsDomain("a.test"), **state) if resolver else None
    return KnownCertificate("a@file", ("a.test",), certificate, acme)


@pytest.mark.parametrize(
    ("life", "left", "resolver", "status"),
    [
        (90, 31, "", "enabled"),
        (90, 29, "", "warning"),
        (365, 29, "", "warning"),
        (365, 31, "", "enabled"),
        (6, 2.1, "", "enabled"),
        (6, 1.9, "", "warning"),
        (90, -0.01, "", "expired"),
        (1, 1.5, "", "warning"),
        # A resolver renews it when that time begins.
        (90, 29, "le", "enabled"),
        (90, 14, "le", "warning"),
        (6, 1.9, "le", "enabled"),
        (6, 0.9, "le", "warning"),
        (90, -1, "le", "expired"),
    ],
)
def test_the_status_follows_from_the_time_that_is_left(
    life: float, left: float, resolver: str, status: str
) -> None:
    assert status_of(known(life, left, resolver=resolver), NOW).status == status


def test_the_reason_says_what_mends_it() -> None:
    assert status_of(known(90, 0), NOW + 1).errors == (f"it expired {END}: replace /etc/a.pem",)
    assert status_of(known(90, 0), NOW - DAY).errors == (f"it expires {END}: replace /etc/a.pem",)
    assert status_of(known(90, 0, resolver="le"), NOW - DAY).errors == (f"it expires {END}",)
    assert status_of(known(1, 1), NOW - 1).errors == (f"it is not valid before {END}",)


def test_a_failed_order_is_a_warning_while_the_certificate_is_valid() -> None:
    failed = known(90, 60, resolver="le", failures=2, error="a.test: no A record (dns)", hint="add one")
    report = status_of(failed, NOW)
    assert report.status == "warning"
    assert report.errors == ("resolver le could not obtain it: a.test: no A record (dns); add one",)


@pytest.mark.parametrize(
    ("failures", "error", "status"),
    [(0, "", "pending"), (1, "refused", "failed"), (0, "the authority cannot be reached", "failed")],
)
def test_names_without_a_certificate_are_pending_or_failed(failures: int, error: str, status: str) -> None:
    # Not every failure counts for the next attempt.
    state = AcmeState("le", TlsDomain("a.test"), failures=failures, error=error)
    report = status_of(KnownCertificate("le/1", ("a.test",), state=state), NOW)
    assert (report.status, bool(report.errors)) == (status, bool(error))


def test_a_certificate_that_cannot_be_loaded_has_failed() -> None:
    found = KnownCertificate(
        "a@file", (), Certificate("a@file", "", "", not_after=NOW), unusable="wrong secret"
    )
    report = status_of(found, NOW)
    assert report.status == "failed"
    assert report.errors == ("it cannot be loaded, so clients get another: wrong secret",)


def test_a_certificate_whose_contents_no_client_accepts_has_failed() -> None:
    found = KnownCertificate("a@settings", (), Certificate("a@settings", "", "", source="a.pem"))
    assert status_of(found, NOW).errors == ("no client accepts it: replace a.pem",)
