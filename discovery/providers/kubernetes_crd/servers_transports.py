"""Decodes ServersTransports, whose certificates are in secrets and config maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.servers_transports import read_transport
from discovery.providers.kubernetes.secrets import (
    ContentsFault,
    read_authority,
    read_authority_of_config_map,
)
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name

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
        transport = read_transport(name, Section(options, "spec", report))
    unserved = "; ".join(filter(None, (transport.unserved, *faults)))
    return Decoded(
        manifest.subject,
        diagnostics=report.diagnostics,
        servers_transports=(replace(transport, unserved=unserved),),
        keys={f"serversTransports.{name}": "spec"},
    )


def _read_authorities(manifest: Manifest) -> tuple[list[str], list[str]]:
    """Return the certificates of authorities, and why services with this transport are closed."""
    spec = manifest.spec
    authorities: list[str] = []
    faults: list[str] = []
    for option in ("certificatesSecrets", "certificates"):
        if spec.raw(option):
            at = spec.report.at(spec.key(option))
            hint = "mount the key in the proxies, and define the transport in a file"
            spec.report.error(f"{at} is not served: the key would get into the store; {_EFFECT}", hint)
            faults.append(f"{option} is not served")
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
