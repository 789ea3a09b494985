"""TLS options, by what clients of OpenSSL get from them."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proxy.client_certificates.sent_certificates import sent_certificates
from proxy.tls import openssl_context, server_context
from proxy.tls.errors import CertificateError, OptionsError
from proxy.tls.openssl_context import openssl
from proxy.tls.server_context import create_context, load_certificates
from rondpoint.tls.model import Certificate, TlsOptions
from tests.proxy.client_certificates.samples import SAMPLES
from tests.proxy.tls.certificates import make_certificate, pem
from tests.proxy.tls.handshakes import client_context, connect

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
EC = make_certificate("ec", "a.test")
RSA = make_certificate("rsa", "a.test", key="rsa")
OWN = pem("client")
"""A client's key and certificate; the others know nothing of it."""
OTHER = pem("other")


def authority(text: str) -> str:
    return text[text.index("-----BEGIN CERTIFICATE") :]


def server(*certificates: Certificate, **fields: object) -> ssl.SSLContext:
    context = create_context(TlsOptions("o", **fields))  # type: ignore[arg-type]
    load_certificates(context, certificates or (EC,), str)
    access = openssl()
    assert access is not None
    access.set_ticket_keys(context, b"k" * 80)
    return context


def client(version: ssl.TLSVersion = TLS13, ciphers: str = "", own: str = "") -> ssl.SSLContext:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = client_context(version)
    if version < TLS12:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if ciphers:
        context.set_ciphers(ciphers)
    if own:
        with TemporaryDirectory() as directory:
            path = Path(directory) / "own.pem"
            path.write_text(own)
            context.load_cert_chain(path)
    return context


def outcome(client: ssl.SSLContext, server: ssl.SSLContext) -> str:
    """Return the version that both speak, or "" if the handshake fails."""
    try:
        return connect(client, server).version() or ""
    except ssl.SSLError:
        return ""


@pytest.mark.parametrize(
    ("lowest", "highest", "spoken"),
    [
        ("VersionTLS12", None, ["", "", "TLSv1.2", "TLSv1.3"]),
        ("VersionTLS13", None, ["", "", "", "TLSv1.3"]),
        ("VersionTLS12", "VersionTLS12", ["", "", "TLSv1.2", ""]),
        ("VersionTLS11", None, ["", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        ("VersionTLS10", "VersionTLS11", ["TLSv1", "TLSv1.1", "", ""]),
    ],
)
def test_versions(lowest: str, highest: str | None, spoken: list[str]) -> None:
    context = server(min_version=lowest, max_version=highest)
    assert [outcome(client(version), context) for version in (*OLD, TLS12, TLS13)] == spoken


GCM = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
CHACHA = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"


@pytest.mark.parametrize(
    ("suites", "offered", "version", "spoken"),
    [
        ([GCM], "ECDHE-ECDSA-AES256-GCM-SHA384", TLS12, "TLSv1.2"),
        ([GCM], "ECDHE-ECDSA-CHACHA20-POLY1305", TLS12, ""),
        ([CHACHA, GCM], "ECDHE-ECDSA-CHACHA20-POLY1305", TLS12, "TLSv1.2"),
        # Suites of TLS 1.3 cannot be chosen.
        ([GCM], "", TLS13, "TLSv1.3"),
        (["TLS_AES_128_GCM_SHA256"], "", TLS13, "TLSv1.3"),
        (["TLS_AES_128_GCM_SHA256"], "", TLS12, ""),
        # OpenSSL lacks the first one.
        (["TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", GCM], "ECDHE-ECDSA-AES256-GCM-SHA384", TLS12, "TLSv1.2"),
    ],
)
def test_cipher_suites(suites: list[str], offered: str, version: ssl.TLSVersion, spoken: str) -> None:
    assert outcome(client(version, offered), server(cipher_suites=tuple(suites))) == spoken


@pytest.mark.parametrize(
    ("curves", "offered", "spoken"),
    [
        (["CurveP384"], "secp384r1", "TLSv1.3"),
        (["secp384r1", "X25519"], "prime256v1", ""),
        (["X25519MLKEM768", "CurveP256"], "prime256v1", "TLSv1.3"),
        ([], "prime256v1", "TLSv1.3"),
    ],
)
def test_curves(curves: list[str], offered: str, spoken: str) -> None:
    context = client()
    context.set_ecdh_curve(offered)
    assert outcome(context, server(curves=tuple(curves))) == spoken


CLIENT_AUTH = {
    # Without a certificate, with a foreign one, and with one of the authorities.
    ("NoClientCert", ""): [True, True, True],
    ("RequestClientCert", ""): [True, True, True],
    ("RequireAnyClientCert", ""): [False, True, True],
    ("RequestClientCert", OWN): [True, True, True],
    ("VerifyClientCertIfGiven", OWN): [True, False, True],
    ("RequireAndVerifyClientCert", OWN): [False, False, True],
}


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("case", CLIENT_AUTH, ids=lambda case: f"{case[0]} {'ca' if case[1] else ''}")
def test_client_authentication(case: tuple[str, str], version: ssl.TLSVersion) -> None:
    kind, trusted = case
    context = server(client_auth=kind, client_authorities=(authority(trusted),) if trusted else ())
    clients = [client(version, own=own) for own in ("", OTHER, OWN)]
    assert [bool(outcome(each, context)) for each in clients] == CLIENT_AUTH[case]


def test_clients_learn_the_names_of_the_authorities() -> None:
    context = server(client_auth="RequestClientCert", client_authorities=(authority(OWN),))
    sent = ssl.MemoryBIO()
    begun = client(TLS12).wrap_bio(ssl.MemoryBIO(), sent)
    with pytest.raises(ssl.SSLWantReadError):
        begun.do_handshake()
    answer = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(sent, answer, server_side=True).do_handshake()
    # The certificates have this common name; up to TLS 1.2 the request for one is not encrypted.
    assert b"origin" in answer.read().rpartition(b"a.test")[2]


VERIFIED: dict[str, object] = {
    "client_auth": "RequireAndVerifyClientCert",
    "client_authorities": (authority(OWN),),
}


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize(
    ("first", "second", "resumed"),
    [
        ({}, {}, True),
        ({}, {"min_version": "VersionTLS11"}, True),
        ({}, VERIFIED, False),
        ({"client_auth": "RequestClientCert"}, VERIFIED, False),
        (VERIFIED, VERIFIED, True),
        (VERIFIED, {**VERIFIED, "client_authorities": (authority(OTHER), authority(OWN))}, False),
        (VERIFIED, {**VERIFIED, "client_auth": "VerifyClientCertIfGiven"}, False),
        ({"session_tickets": False}, {}, False),
        ({"session_tickets": False}, {"session_tickets": False}, False),
    ],
)
def test_a_session_goes_on_only_with_the_same_client_authentication(
    first: dict[str, object], second: dict[str, object], resumed: bool, version: ssl.TLSVersion
) -> None:
    caller = client(version, own=OWN)
    begun = connect(caller, server(**first))
    session = begun.session if begun.session is not None and begun.session.has_ticket else None
    assert bool(connect(caller, server(**second), session).session_reused) is resumed


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_session_without_a_certificate_does_not_lead_to_those_who_must_have_one(
    version: ssl.TLSVersion,
) -> None:
    caller = client(version)
    session = connect(caller, server()).session
    with pytest.raises(ssl.SSLError):
        connect(caller, server(**VERIFIED), session)


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_without_tickets_the_same_context_resumes_nothing(version: ssl.TLSVersion) -> None:
    context, caller = server(session_tickets=False), client(version)
    begun = connect(caller, context)
    assert not connect(caller, context, begun.session).session_reused


@pytest.mark.parametrize(("ciphers", "kind"), [("aECDSA", "ec"), ("aRSA", "rsa")])
def test_each_client_gets_the_certificate_that_it_can_use(ciphers: str, kind: str) -> None:
    other = make_certificate("other", "b.test", key=kind)
    for certificates in ((EC, RSA, other), (RSA, EC, other)):
        found = connect(client(TLS12, ciphers), server(*certificates)).getpeercert(binary_form=True)
        assert found is not None
        assert ssl.DER_cert_to_PEM_cert(found) == {"ec": EC, "rsa": RSA}[kind].chain


def test_authorities_of_clients_are_not_sent_as_issuers_of_the_certificate(tmp_path: Path) -> None:
    sample = SAMPLES["a chain of two"]
    own, issuer = map(ssl.DER_cert_to_PEM_cert, sample.der)
    context = create_context(
        TlsOptions("o", client_auth="VerifyClientCertIfGiven", client_authorities=(issuer,))
    )
    text = sample.write(tmp_path / "chain.pem").read_text()
    (tmp_path / "own.pem").write_text(text[: text.index("-----BEGIN CERTIFICATE")] + own)
    context.load_cert_chain(tmp_path / "own.pem")
    assert sent_certificates(connect(client(), context)) == sample.der[:1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"unserved": "it is broken"}, "it is broken"),
        ({"cipher_suites": ("TLS_NOTHING",)}, "cipher suite TLS_NOTHING is unknown"),
        ({"cipher_suites": ("TLS_RSA_WITH_RC4_128_SHA",)}, "OpenSSL has none of the suites"),
        ({"curves": ("CurveP999",)}, "curve CurveP999 is unknown"),
        ({"curves": ("SecP384r1MLKEM1024",)}, "OpenSSL has none of the curves"),
        ({"client_auth": "RequireAndVerifyClientCert"}, "needs caFiles"),
        ({"client_auth": "VerifyClientCertIfGiven"}, "needs caFiles"),
        ({**VERIFIED, "client_authorities": ("no PEM",)}, "caFiles: "),
        ({"min_version": "VersionTLS13", "max_version": "VersionTLS12"}, "no version of TLS is left"),
        (
            {"cipher_suites": ("TLS_AES_128_GCM_SHA256",), "max_version": "VersionTLS12"},
            "no version of TLS is left",
        ),
    ],
)
def test_options_that_cannot_be_served_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        server(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"curves": ("X25519",)},
        {"client_auth": "RequestClientCert"},
        {"client_auth": "RequireAnyClientCert"},
    ],
)
def test_options_that_need_access_to_openssl_are_refused_without_it(
    fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another Python, in which the place of OpenSSL's context is not known.
    monkeypatch.setattr(openssl_context, "_TRIED", ((3, 8), (3, 8)))
    monkeypatch.setattr(server_context, "openssl", openssl.__wrapped__)
    with pytest.raises(OptionsError, match="gives no access"):
        create_context(TlsOptions("o", **fields))  # type: ignore[arg-type]
    create_context(TlsOptions("o", **VERIFIED))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        (
            Certificate("x", EC.chain, make_certificate("y", "y.test").key, source="file a.pem"),
            "^file a.pem: ",
        ),
        (Certificate("x", "", EC.key), "^certificate x: "),
    ],
)
def test_a_certificate_that_cannot_be_loaded_is_named(certificate: Certificate, message: str) -> None:
    with pytest.raises(CertificateError, match=message) as caught:
        load_certificates(create_context(TlsOptions("o")), [RSA, certificate], str)
    assert caught.value.certificate is certificate


def test_a_key_that_cannot_be_opened_is_an_error_of_its_certificate() -> None:
    def open_key(_key: str) -> str:
        raise ValueError("another secret")

    with pytest.raises(CertificateError, match="certificate ec: another secret"):
        load_certificates(create_context(TlsOptions("o")), [EC], open_key)
