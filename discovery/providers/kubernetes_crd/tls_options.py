"""Decodes TLSOptions."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.tls_options import read_options
from discovery.providers.kubernetes.secrets import ContentsFault, read_authority
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name
from rondpoint.tls.model import DEFAULT_OPTIONS

_NONE: tuple[str, ...] = ()
_SOURCES = ("secretNames", "caFiles")
_EFFECT = "connections with these options are refused"


def decode_tls_option(manifest: Manifest) -> Decoded:
    """Decode a TLSOption; if an authority of its clients is missing, connections with it are refused.

    The options called `default` belong to no namespace: they count for all hosts without others.
    """
    report = manifest.report
    is_default = manifest.name == DEFAULT_OPTIONS
    bare = DEFAULT_OPTIONS if is_default else object_name(manifest.namespace, manifest.name)
    name = qualify(bare, PROVIDER)
    manifest.written["spec.clientauth.cafiles"] = "spec.clientAuth.secretNames"
    with report.about("TLS options", name):
        options, fault = _with_authorities(manifest)
        found = read_options(name, Section(options, "spec", report))
    if fault:
        found = replace(found, unserved="; ".join(filter(None, (found.unserved, fault))))
    return Decoded(
        manifest.subject,
        diagnostics=report.diagnostics,
        tls_options=(found,),
        keys={f"tlsOptions.{name}": "spec"},
    )


def _with_authorities(manifest: Manifest) -> tuple[Mapping[str, object], str]:
    """Return the options with certificates in place of names of secrets, and why one of them is missing."""
    spec, report = manifest.spec, manifest.report
    options = {option: spec.raw(option) for option in spec.names if spec.raw(option) not in ("", None)}
    section = spec.section("clientAuth") if "clientAuth" in options else None
    if section is None:
        return options, ""
    names = section.read("secretNames", values.texts, _NONE)
    client_auth = {option: section.raw(option) for option in section.names if option not in _SOURCES}
    authorities = []
    fault = "secretNames is not valid" if section.raw("secretNames") and not names else ""
    if section.has("caFiles"):
        # The files would be those of the agent, which authors of custom resources may not read.
        at = report.at(section.key("caFiles"))
        report.error(
            f"{at} is unknown, so {_EFFECT}", "put the certificates into secrets, and set secretNames"
        )
        fault = "caFiles is unknown"
    for secret in names:
        try:
            authorities.append(read_authority(secret, manifest))
        except ContentsFault as error:
            error.report(section, "secretNames", _EFFECT)
            fault = str(error)
    if authorities:
        client_auth["caFiles"] = authorities
    return {**options, "clientAuth": client_auth}, fault
