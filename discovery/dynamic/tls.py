"""Decodes the `tls` section of Traefik 3 trees: certificates, stores and options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.decoding.written_pair import WrittenPair
from discovery.dynamic.tls_domains import read_domain
from discovery.dynamic.tls_options import read_options
from rondpoint.tls.model import Certificate, TlsOptions

DEFAULT_STORE = "default"

REQUEST = "default-request"
"""The name, without provider, of the request for a default certificate."""


class DecodedTls(Struct, frozen=True):
    """What a `tls` section defines; `pairs` are not read yet. `keys` are as those of Decoded."""

    options: tuple[TlsOptions, ...] = ()
    pairs: tuple[WrittenPair, ...] = ()
    requests: tuple[Certificate, ...] = ()
    keys: Mapping[str, str] = {}


def decode_tls(tls: Section, provider: str) -> DecodedTls:
    """Decode a `tls` section; diagnostics go to its report."""
    pairs = [pair for item in tls.items("certificates") if (pair := _certificate(item)) is not None]
    requests: list[Certificate] = []
    for name, store in tls.sections("stores"):
        if name != DEFAULT_STORE:
            at = store.report.at(store.path)
            hint = f"there is only the store {DEFAULT_STORE}, as in Traefik"
            store.report.warning(f"{at} has no effect", hint)
            continue
        pairs += _default_certificate(store)
        requests += _default_request(store, provider)
        store.finish()
    options: list[TlsOptions] = []
    keys: dict[str, str] = {}
    for name, section in tls.objects("options"):
        qualified = qualify(name, provider)
        with section.report.about("TLS options", qualified):
            options.append(read_options(qualified, section))
        keys[f"tlsOptions.{qualified}"] = section.path
    tls.finish()
    return DecodedTls(tuple(options), tuple(pairs), tuple(requests), keys)


def read_store(store: Section, provider: str) -> tuple[Certificate, ...]:
    """Read a store of labels, which may only ask for a default certificate."""
    found = tuple(_default_request(store, provider))
    store.finish()
    return found


def read_pair(
    section: Section, *, default: bool = False, entry_points: tuple[str, ...] = ()
) -> WrittenPair | None:
    """Read `certFile` and `keyFile`; report a missing one and return None."""
    # Values are not shown: they may be keys.
    texts = {option: section.raw(option) for option in ("certFile", "keyFile")}
    section.finish()
    for option, value in texts.items():
        if not isinstance(value, str) or not value.strip():
            at = section.report.at(section.path)
            hint = "expected the name of a file, or PEM text"
            section.report.error(f"{at} is left out, because it has no {option}", hint)
            return None
    certificate, key = (str(value).strip() for value in texts.values())
    return WrittenPair(section.path, certificate, key, entry_points, default)


def _certificate(section: Section) -> WrittenPair | None:
    stores = section.read("stores", values.texts, None)
    pair = read_pair(section)
    if stores and DEFAULT_STORE not in stores:
        at = section.report.at(section.key("stores"))
        message = f"{at} does not name the store {DEFAULT_STORE}, so the certificate is left out"
        section.report.error(message, f"there is only the store {DEFAULT_STORE}, as in Traefik")
        return None
    return pair


def _default_certificate(store: Section) -> Iterator[WrittenPair]:
    section = store.section("defaultCertificate")
    pair = None if section is None else read_pair(section, default=True)
    if pair is not None:
        yield pair


def _default_request(store: Section, provider: str) -> Iterator[Certificate]:
    section = store.section("defaultGeneratedCert")
    if section is None:
        return
    resolver = section.read("resolver", values.text, "")
    domain_section = section.section("domain")
    domain = None if domain_section is None else read_domain(domain_section)
    section.finish()
    if not resolver or domain is None:
        at = section.report.at(section.path)
        section.report.error(f"{at} has no effect without resolver and domain.main", "give both")
        return
    yield Certificate(qualify(REQUEST, provider), "", "", domain.names, resolver=resolver, default=True)
