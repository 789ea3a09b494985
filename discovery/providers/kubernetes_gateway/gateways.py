"""Decodes Gateways: the certificates of their listeners, and the end of connections for unknown names."""

from __future__ import annotations

from msgspec import Struct

from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.decoding.written_pair import WrittenPair
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes_gateway.attachments import is_ours
from discovery.providers.kubernetes_gateway.listeners import Listener, read_listeners
from discovery.providers.kubernetes_gateway.options import PROVIDER, Options
from discovery.providers.kubernetes_gateway.unknown_names import refuse_unknown_names


class DecodedGateway(Struct, frozen=True):
    """A Gateway's definitions and its listeners; `ours` says whether its class names this controller."""

    decoded: Decoded
    listeners: tuple[Listener, ...] = ()
    ours: bool = False


def decode_gateway(gateway: Object, cluster: Cluster, options: Options) -> DecodedGateway:
    """Decode a Gateway; one of another controller defines nothing."""
    report = Report(PROVIDER, f"Gateway {'/'.join(name_of(gateway))}")
    class_name = str((gateway.get("spec") or {}).get("gatewayClassName") or "")
    if not is_ours(cluster.find("GatewayClass", "", class_name), options.controller):
        return DecodedGateway(Decoded(report.subject))
    listeners = read_listeners(gateway, cluster, options)
    pairs: dict[str, WrittenPair] = {}
    for listener in listeners:
        if not listener.serves:
            fault = next(each for each in listener.conditions if each.holds == (each.type == "Conflicted"))
            report.error(f"listener {listener.name} is closed: {fault.message}", "its routes are not served")
            continue
        for pair in listener.pairs:
            pairs.setdefault(pair.cert_file, pair)
    routers, services = refuse_unknown_names(listeners)
    decoded = Decoded(
        report.subject,
        diagnostics=report.diagnostics,
        pairs=tuple(pairs.values()),
        tcp_routers=routers,
        tcp_services=services,
    )
    return DecodedGateway(decoded, listeners, ours=True)
