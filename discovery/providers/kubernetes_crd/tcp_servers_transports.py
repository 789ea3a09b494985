"""Decodes ServersTransportTCPs, whose certificates are in secrets and config maps."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.tcp.servers_transports import EFFECT, read_transport
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name
from discovery.providers.kubernetes_crd.transport_secrets import TransportSecrets
from rondpoint.tcp.model import TcpServersTransport


def decode_servers_transport_tcp(manifest: Manifest) -> Decoded:
    """Decode a ServersTransportTCP; if a certificate cannot be read, its services take no connections."""
    report, spec = manifest.report, manifest.spec
    name = qualify(object_name(manifest.namespace, manifest.name), PROVIDER)
    with report.about("TCP serversTransport", name):
        options = {option: spec.raw(option) for option in spec.names if option.lower() != "tls"}
        tls = spec.section("tls")
        secrets = None if tls is None else TransportSecrets(tls, manifest, EFFECT)
        if tls is not None and secrets is not None:
            authorities = secrets.authorities()
            own = secrets.other_options()
            options["tls"] = {**own, "rootCAs": authorities} if authorities else own
        elif spec.has("tls"):
            options["tls"] = spec.raw("tls")
        transport = read_transport(name, Section(options, "spec", report))
        if secrets is not None:
            transport = _with_certificate(transport, secrets)
    return Decoded(
        manifest.subject,
        diagnostics=report.diagnostics,
        keys={f"tcpServersTransports.{name}": "spec"},
        tcp_servers_transports=(transport,),
    )


def _with_certificate(transport: TcpServersTransport, secrets: TransportSecrets) -> TcpServersTransport:
    """Return the transport with the certificate in a secret, whose key is sealed."""
    certificate = secrets.certificate()
    tls = transport.tls if transport.tls is None else replace(transport.tls, certificate=certificate)
    unserved = "; ".join(filter(None, (transport.unserved, *secrets.faults)))
    return replace(transport, tls=tls, unserved=unserved)
