"""Which certificate and which options a client gets."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from proxy.tls.certificate_index import CertificateIndex
from proxy.tls.client_hello import ClientHello
from proxy.tls.context_cache import ContextCache
from proxy.tls.default_certificate import default_certificate
from proxy.tls.entry_point_contexts import EntryPointContexts
from proxy.tls.errors import HandshakeError
from proxy.tls.options_registry import OptionsRegistry
from proxy.tls.own_certificates import read_own_certificates
from proxy.tls.unusable_certificates import UnusableCertificates
from rondpoint.settings.values import CertificatePair
from rondpoint.tls.model import Certificate, TlsOptions
from tests.lab.certificate import write_certificate
from tests.proxy.tls.certificates import make_certificate
from tests.proxy.tls.handshakes import client_context, connect

EXACT = make_certificate("exact", "a.test", "192.0.2.1")
WILD = make_certificate("wild", "*.a.test")
RENEWED = make_certificate("renewed", "a.test", not_after=2.1e9)
FALLBACK = make_certificate("fallback", "fallback.test", default=True)
ELSEWHERE = make_certificate("elsewhere", "c.test", entry_points=("other",))
GENERATED = "the default certificate"


class Side:
    """One entry point, with published certificates and options."""

    def __init__(
        self,
        published: Iterable[Certificate] = (),
        own: CertificateIndex | None = None,
        options: Iterable[TlsOptions] = (),
        own_options: TlsOptions | None = None,
    ) -> None:
        self.index = CertificateIndex(published)
        self.registry = OptionsRegistry()
        for each in options:
            self.registry.put(each)
        self.unusable = UnusableCertificates()
        self.names: dict[str, str] = {}
        """Options by server name."""
        self.contexts = EntryPointContexts(
            "web",
            own or CertificateIndex(),
            self.index,
            self.registry,
            ContextCache(self._open_key, lambda _context: None),
            self.unusable,
            lambda name: self.names.get(name, "default"),
            own_options,
        )

    def _open_key(self, key: str) -> str:
        if key == "sealed":
            raise ValueError("sealed with another secret")
        return key

    def find(self, name: str, address: str = "", alpn: Iterable[bytes] = ()) -> tuple[ssl.SSLContext, str]:
        return self.contexts.find(ClientHello(name, tuple(alpn)), address)

    def presented(self, name: str, address: str = "") -> str:
        """Return the certificate that a client gets, as PEM text."""
        found = connect(client_context(ssl.TLSVersion.TLSv1_3), self.find(name, address)[0]).getpeercert(
            binary_form=True
        )
        assert found is not None
        text = ssl.DER_cert_to_PEM_cert(found)
        return GENERATED if text in default_certificate().decode() else text

    def alert(self, name: str, **hello: Iterable[bytes]) -> int:
        """Return the alert of a refused client; 0 if it is not refused."""
        try:
            self.find(name, **hello)  # type: ignore[arg-type]
        except HandshakeError as error:
            return error.alert
        return 0


PUBLISHED = (EXACT, WILD, ELSEWHERE)


@pytest.mark.parametrize(
    ("published", "name", "address", "presented"),
    [
        (PUBLISHED, "a.test", "", EXACT.chain),
        (PUBLISHED, "x.a.test", "", WILD.chain),
        (PUBLISHED, "y.x.a.test", "", GENERATED),
        (PUBLISHED, "b.test", "", GENERATED),
        (PUBLISHED, "c.test", "", GENERATED),
        (PUBLISHED, "", "192.0.2.1", EXACT.chain),
        (PUBLISHED, "", "192.0.2.2", GENERATED),
        ((*PUBLISHED, FALLBACK), "b.test", "", FALLBACK.chain),
        ((*PUBLISHED, FALLBACK), "", "192.0.2.2", FALLBACK.chain),
        ((*PUBLISHED, RENEWED), "a.test", "", RENEWED.chain),
        ((replace(EXACT, not_after=1.0),), "a.test", "", EXACT.chain),
        ((EXACT, replace(RENEWED, not_before=9e9)), "a.test", "", EXACT.chain),
    ],
)
def test_the_certificate_for_a_name(
    published: tuple[Certificate, ...], name: str, address: str, presented: str
) -> None:
    assert Side(published).presented(name, address) == presented


def own_certificates(directory: Path) -> tuple[CertificateIndex, list[str]]:
    """Return certificates for a.test and for *.b.test in files, and their PEM texts."""
    files = [
        write_certificate(directory / f"{number}.pem", f"DNS:{name}")
        for number, name in enumerate(("a.test", "*.b.test"))
    ]
    texts = [file.read_text() for file in files]
    own = read_own_certificates([CertificatePair(file, file) for file in files])
    assert [status.common_name for status in own.statuses] == ["origin", "origin"]
    return own.certificates, [text[text.index("-----BEGIN CERTIFICATE") :] for text in texts]


def test_certificates_of_the_entry_point_come_first(tmp_path: Path) -> None:
    own, (first, wild) = own_certificates(tmp_path)
    published = (EXACT, make_certificate("exact b", "x.b.test"), FALLBACK)
    side = Side(published, own)
    assert side.presented("a.test") == first
    assert side.presented("y.b.test") == wild
    assert side.presented("x.b.test") == published[1].chain
    assert side.presented("192.0.2.1") == EXACT.chain
    assert side.presented("c.test") == first
    assert [f"{each.chain}\n" for each in side.contexts.own_certificates] == [first, wild]


def test_published_certificates_are_not_those_of_the_entry_point() -> None:
    assert not Side([EXACT]).contexts.own_certificates


def test_certificates_change_while_clients_come() -> None:
    side = Side()
    assert side.presented("a.test") == GENERATED
    side.index.put(EXACT)
    assert side.presented("a.test") == EXACT.chain
    side.index.put(RENEWED)
    assert side.presented("a.test") == RENEWED.chain
    side.index.remove(RENEWED.name)
    side.index.remove(EXACT.name)
    assert side.presented("a.test") == GENERATED


def test_a_certificate_that_cannot_be_loaded_is_left_aside_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    side = Side([EXACT, replace(RENEWED, key="sealed"), replace(FALLBACK, key="sealed")])
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert side.presented("a.test") == EXACT.chain
            assert side.presented("b.test") == GENERATED
    assert set(side.unusable.reasons) == {"renewed", "fallback"}
    assert caplog.text.count("sealed with another secret") == 2
    assert EXACT.key not in caplog.text
    side.unusable.remove("renewed")
    side.index.put(RENEWED)
    assert side.presented("a.test") == RENEWED.chain


STRICT = TlsOptions("strict@file", min_version="VersionTLS13")
NAMES_ONLY = TlsOptions("names@file", sni_strict=True)


def test_options_of_a_name() -> None:
    side = Side([EXACT], options=[STRICT])
    side.names["a.test"] = "strict@file"
    context, name = side.find("a.test")
    assert (name, context.minimum_version) == ("strict@file", ssl.TLSVersion.TLSv1_3)
    assert side.find("b.test")[1] == side.find("")[1] == "default"
    side.registry.put(replace(STRICT, min_version="VersionTLS12"))
    assert side.find("a.test")[0].minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_default_options_are_those_of_the_entry_point_or_of_the_configuration() -> None:
    published = replace(STRICT, name="default")
    own = TlsOptions("default", min_version="VersionTLS11")
    side = Side(options=[published])
    assert side.find("a.test")[0].minimum_version is ssl.TLSVersion.TLSv1_3
    side.registry.remove("default")
    assert side.find("a.test")[0].minimum_version is ssl.TLSVersion.TLSv1_2
    side = Side(options=[published], own_options=own)
    assert side.find("a.test")[0].minimum_version is ssl.TLSVersion.TLSv1_1


@pytest.mark.parametrize("name", ["unknown@file", "broken@file"])
def test_hosts_of_unknown_and_broken_options_are_closed(name: str, caplog: pytest.LogCaptureFixture) -> None:
    side = Side([EXACT], options=[TlsOptions("broken@file", curves=("nobody",))])
    assert ("curve nobody is unknown" in caplog.text) is True
    side.names["a.test"] = name
    assert (side.alert("a.test"), side.alert("b.test")) == (40, 0)


def test_what_openssl_lacks_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    lacking = TlsOptions(
        "o@file",
        cipher_suites=(
            "TLS_RSA_WITH_RC4_128_SHA",
            "TLS_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ),
        curves=("X25519", "SecP384r1MLKEM1024"),
    )
    side = Side(options=[lacking])
    side.names["a.test"] = "o@file"
    assert side.alert("a.test") == 0
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        f"TLS options o@file are served without {name}, which OpenSSL lacks"
        for name in ("TLS_RSA_WITH_RC4_128_SHA", "SecP384r1MLKEM1024")
    ]


def test_broken_default_options_close_all_other_hosts() -> None:
    side = Side(options=[TlsOptions("default", unserved="two providers define it"), STRICT])
    side.names["a.test"] = "strict@file"
    assert (side.alert("a.test"), side.alert("b.test")) == (0, 40)


def test_strict_names_refuse_clients_without_a_certificate_of_their_name() -> None:
    side = Side([EXACT, WILD, FALLBACK], own_options=NAMES_ONLY)
    assert [side.alert(name) for name in ("a.test", "x.a.test", "b.test", "")] == [0, 0, 112, 112]
    assert side.presented("", "192.0.2.1") == EXACT.chain


@pytest.mark.parametrize(
    ("protocols", "offered", "alert"),
    [
        ((), (), 0),
        ((), (b"http/1.1",), 0),
        ((), (b"h2", b"http/1.1"), 0),
        ((), (b"h2",), 0),
        ((), (b"h3",), 120),
        (("h2", "http/1.1"), (b"http/1.1",), 0),
        (("h2",), (b"h2", b"http/1.1"), 0),
        (("h2",), (b"http/1.1",), 0),
        (("http/1.1",), (b"h2",), 120),
        (("foo",), (b"http/1.1",), 120),
        (("foo",), (), 0),
    ],
)
def test_a_client_must_offer_a_protocol_that_is_served(
    protocols: tuple[str, ...], offered: tuple[bytes, ...], alert: int
) -> None:
    side = Side(own_options=TlsOptions("default", alpn=protocols))
    assert side.alert("a.test", alpn=offered) == alert


def test_a_preview_says_what_a_client_gets() -> None:
    strict = TlsOptions("strict@file", sni_strict=True)
    side = Side([EXACT, replace(RENEWED, key="sealed")], options=[strict])
    side.names = {"strict.test": "strict@file", "closed.test": "unknown@file"}
    contexts = side.contexts
    # Before a client came, nobody knows that the key cannot be read.
    assert [each.name for each in contexts.preview("a.test").certificates] == ["renewed"]
    assert [each.name for each in contexts.preview("a.test", load=True).certificates] == ["exact"]
    assert [each.name for each in contexts.preview("", "192.0.2.1").certificates] == ["exact"]
    without = contexts.preview("b.test")
    assert (without.certificates, without.refusal, without.options_name) == ((), "", "default")
    refused = contexts.preview("strict.test")
    assert (refused.options, "sniStrict" in refused.refusal) == (strict, True)
    closed = contexts.preview("closed.test")
    assert (closed.options, closed.refusal) == (None, "TLS options unknown@file do not exist")
