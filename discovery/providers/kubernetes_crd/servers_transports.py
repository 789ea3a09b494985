"""Decodes ServersTransports, whose certificates are in secrets and config maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.servers_transports import read_transport
from discovery.providers.kubernetes.client_certificates import read_client_certificate
from discovery.providers.kubernetes.secrets import (
    ContentsFault,
    read_authority,
    read_authority_of_config_map,
)
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name
from rondpoint.model import ClientCertificate

_EFFECT = "services with this transport respond 503"
_OWN = ("rootCAs", "rootCAsSecrets", "certificatesSecrets", "certificates")
"""Options that dynamic files do not have, or have in another form."""

_NONE: tuple[str, ...] = ()


def decode_servers_transport(manifest: Manifest) -> Decoded:
    """Decode a ServersTransport; if a certificate of it cannot be read, its services respond 503."""
    report = manifest.report
    name = qualify(object_name(manifest.namespace, manifest.name), PROVIDER)
    with report.about("serversTransport", name):
        authorities, faults = _read_authorities(manifest)
        options = {option: manifest.spec.raw(option) for option in manifest.spec.names if option not in _OWN}
        if authorities:
            options["rootCAs"] = authorities
        certificate = _read_certificate(manifest, faults)
        transport = read_transport(name, Section(options, "spec", report))
    unserved = "; ".join(filter(None, (transport.unserved, *faults)))
    return Decoded(
        manifest.subject,
        diagnostics=report.diagnostics,
        servers_transports=(replace(transport, certificate=certificate, unserved=unserved),),
        keys={f"serversTransports.{name}": "spec"},
    )


def _read_authorities(manifest: Manifest) -> tuple[list[str], list[str]]:
    """Return the certificates of authorities, and why services with this transport are closed."""
    spec = manifest.spec
    authorities: list[str] = []
    faults: list[str] = []
    sources = list(_sources(spec))
    if len(sources) != sum(map(_count, (spec.raw("rootCAs"), spec.raw("rootCAsSecrets")))):
        faults.append("rootCAs is not valid")
    for section, option, read in sources:
        source = section.read(option, values.text, "")
        if not source:
            at = section.report.at(section.path)
            section.report.error(f"{at} names neither a secret nor a config map, so {_EFFECT}")
            faults.append(f"{at} is not valid")
            continue
        try:
            authorities.append(read(source, manifest))
        except ContentsFault as fault:
            fault.report(section, option, _EFFECT)
            faults.append(str(fault))
    return authorities, faults


def _read_certificate(manifest: Manifest, faults: list[str]) -> ClientCertificate | None:
    """Return the client certificate with its sealed key; without it, add to `faults` why there is none."""
    spec = manifest.spec
    if spec.has("certificates"):
        # The files would be those of the proxy, which authors of custom resources may not use.
        at = spec.report.at(spec.key("certificates"))
        hint = "put the certificate into a secret, and set certificatesSecrets"
        spec.report.error(f"{at} is unknown, so {_EFFECT}", hint)
        faults.append("certificates is unknown")
    secrets = spec.read("certificatesSecrets", values.texts, _NONE)
    if len(secrets) == 1:
        try:
            return read_client_certificate(secrets[0], manifest, manifest.seal)
        except ContentsFault as fault:
            fault.report(spec, "certificatesSecrets", _EFFECT)
            faults.append(str(fault))
    elif spec.raw("certificatesSecrets"):
        at = spec.report.at(spec.key("certificatesSecrets"))
        hint = "name one secret, and define another transport for servers that need another certificate"
        spec.report.error(f"{at} does not name one secret, so {_EFFECT}", hint)
        faults.append("certificatesSecrets does not name one secret")
    return None


def _count(written: object) -> int:
    return len(written) if isinstance(written, (list, tuple)) else int(bool(written))


def _sources(spec: Section) -> Iterator[tuple[Section, str, Callable[[str, Manifest], str]]]:
    """Yield a section and the option in it that names a secret or config map, for each authority."""
    for index, name in enumerate(spec.read("rootCAsSecrets", values.texts, _NONE)):
        yield Section({str(index): name}, "spec.rootCAsSecrets", spec.report), str(index), read_authority
    for item in spec.items("rootCAs"):
        # A secret counts before a config map.
        option = "secret" if item.raw("secret") else "configMap"
        yield item, option, read_authority if option == "secret" else read_authority_of_config_map
