"""Decodes ServersTransports, whose certificates are in secrets and config maps."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.servers_transports import read_transport
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name
from discovery.providers.kubernetes_crd.transport_secrets import TransportSecrets

_EFFECT = "services with this transport respond 503"


def decode_servers_transport(manifest: Manifest) -> Decoded:
    """Decode a ServersTransport; if a certificate of it cannot be read, its services respond 503."""
    report, spec = manifest.report, manifest.spec
    name = qualify(object_name(manifest.namespace, manifest.name), PROVIDER)
    with report.about("serversTransport", name):
        secrets = TransportSecrets(spec, manifest, _EFFECT)
        authorities = secrets.authorities()
        options = secrets.other_options()
        if authorities:
            options["rootCAs"] = authorities
        certificate = secrets.certificate()
        transport = read_transport(name, Section(options, "spec", report))
    unserved = "; ".join(filter(None, (transport.unserved, *secrets.faults)))
    return Decoded(
        manifest.subject,
        diagnostics=report.diagnostics,
        servers_transports=(replace(transport, certificate=certificate, unserved=unserved),),
        keys={f"serversTransports.{name}": "spec"},
    )
