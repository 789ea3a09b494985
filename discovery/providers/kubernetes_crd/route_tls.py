"""Decodes `tls` of an IngressRoute: its certificate, TLS options and certificate resolver."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.section import Section
from discovery.decoding.written_pair import WrittenPair
from discovery.dynamic.tls import DEFAULT_STORE
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.references import resolve
from discovery.providers.kubernetes_crd.tls_stores import read_pair
from rondpoint.tls.model import DEFAULT_OPTIONS


class RouteTls(Struct, frozen=True):
    """The options of routers as dynamic files have them, None without TLS, and the certificate to read."""

    options: Mapping[str, object] | None = None
    pairs: tuple[WrittenPair, ...] = ()


def read_route_tls(spec: Section, manifest: Manifest, *, has_passthrough: bool = False) -> RouteTls | None:
    """Read `tls`; report TLS options that cannot be resolved and return None.

    A certificate that cannot be read is reported, too. Its hosts are served, with another certificate. Routes
    of TCP may have `passthrough`, with which the certificate is not needed.
    """
    section = spec.section("tls")
    if section is None:
        return None if spec.has("tls") else RouteTls()
    secret = section.read("secretName", values.text, "") if section.raw("secretName") else ""
    passthrough = section.raw("passthrough") if has_passthrough else None
    pair = read_pair(secret, section, "secretName", manifest) if secret and not passthrough else None
    named = _read_options(section, manifest)
    _check_store(section)
    options = {name: section.raw(name) for name in ("certResolver", "domains") if section.raw(name)}
    if passthrough is not None:
        options["passthrough"] = passthrough
    section.finish()
    if named is None:
        return None
    return RouteTls({**options, "options": named}, () if pair is None else (pair,))


def _read_options(section: Section, manifest: Manifest) -> str | None:
    """Return the name of the TLS options that `options` names; None if it cannot be resolved."""
    reference = section.section("options")
    if reference is None:
        return None if section.has("options") else DEFAULT_OPTIONS
    name = reference.read("name", values.text, "") if reference.raw("name") else ""
    namespace = reference.read("namespace", values.text, "")
    reference.finish()
    if not name:
        return DEFAULT_OPTIONS
    resolved = resolve(name, namespace, reference, manifest)
    if resolved is not None and name == DEFAULT_OPTIONS:
        # The options of this name belong to no namespace. If there are none, the name must not stand for
        # those that Rondpoint itself has.
        found = manifest.cluster.find("TLSOption", namespace or manifest.namespace, name)
        return resolved if found is None else DEFAULT_OPTIONS
    return resolved


def _check_store(section: Section) -> None:
    store = section.section("store")
    if store is None:
        return
    name = store.read("name", values.text, DEFAULT_STORE)
    store.read("namespace", values.text, "")
    store.finish()
    if name != DEFAULT_STORE:
        at = section.report.at(section.key("store"))
        section.report.warning(
            f"{at} has no effect", f"there is only the store {DEFAULT_STORE}, as in Traefik"
        )
