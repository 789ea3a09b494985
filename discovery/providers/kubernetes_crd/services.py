"""Decodes references to services: to servers of a Kubernetes service, or to a TraefikService.

They have the same fields wherever they stand: in a route, a TraefikService or an errors middleware.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.names import normalise, qualify
from discovery.decoding.section import Section, Tree
from discovery.dynamic.services import decode_load_balancer
from discovery.providers.kubernetes.servers import NoServersError, Target, find_servers
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name
from discovery.providers.kubernetes_crd.references import (
    may_name_namespace,
    may_name_provider,
    read_references,
    resolve,
)
from rondpoint.model import Service

_REFERENCE = (
    "name",
    "kind",
    "namespace",
    "port",
    "scheme",
    "weight",
    "nativeLB",
    "nodePortLB",
    "middlewares",
)
"""Fields that say which servers are meant, and with which weight."""

_OF_PARENT = ("percent", "mirrorBody", "maxBodySize", "mirrors")
"""Fields that the decoder of a TraefikService with mirrors reads from the same section."""

_GUARDS = ("middlewares", "serversTransport")
"""Options that protect servers, and that a reference to a TraefikService cannot have."""

_OLD_ROUND_ROBIN = "RoundRobin"


class ServiceReference(Struct, frozen=True):
    """The qualified name of a service, and the service itself if the reference defines it."""

    name: str
    service: Service | None = None


def read_service(section: Section, manifest: Manifest, name: str = "") -> ServiceReference | None:
    """Return the service that a reference stands for; report why there is none, and return None.

    A Kubernetes service gets the unqualified `name`, by default one made from its namespace, name and port.
    """
    kind = section.read("kind", values.text, "Service")
    referred = section.read("name", values.text, "")
    if not referred:
        if not section.has("name"):
            section.report.error(
                f"{section.report.at(section.path)} has no name", "expected the service's name"
            )
        return None
    if kind == "TraefikService":
        return _read_traefik_service(section, referred, manifest)
    if kind == "Service":
        return _read_kubernetes_service(section, referred, name, manifest)
    section.report.error(
        f"{section.report.at(section.key('kind'), kind)} is not valid", "expected Service or TraefikService"
    )
    return None


def _read_traefik_service(section: Section, referred: str, manifest: Manifest) -> ServiceReference | None:
    report = section.report
    namespace = section.read("namespace", values.text, "")
    ignored = [name for name in section.names if name not in (*_REFERENCE[:3], "port", "weight", *_OF_PARENT)]
    for option in ignored:
        at = report.at(section.key(option))
        if option in _GUARDS:
            report.error(f"{at} cannot be set for a TraefikService", "set it for the services that it names")
        elif section.raw(option) not in (None, False, ""):
            report.warning(
                f"{at} has no effect for a TraefikService", "set it for the services that it names"
            )
    if any(option in _GUARDS for option in ignored):
        return None
    if namespace and referred.endswith(f"@{PROVIDER}"):
        referred, namespace = f"{namespace}-{referred}", ""
    resolved = resolve(referred, namespace, section, manifest)
    if resolved is None:
        return None
    bare, _, provider = resolved.partition("@")
    return ServiceReference(f"{normalise(bare)}@{provider}")


def _read_kubernetes_service(
    section: Section, referred: str, name: str, manifest: Manifest
) -> ServiceReference | None:
    report = section.report
    if "@" in referred:
        hint = "set kind: TraefikService for a service of another provider"
        report.error(f"{report.at(section.key('name'), referred)} is not valid", hint)
        return None
    target = _read_target(section, referred, manifest)
    middlewares = read_references(section, "middlewares", manifest)
    options = _balancing_options(section, manifest)
    if target is None or middlewares is None or options is None:
        return None
    try:
        servers = find_servers(target, manifest.policy, manifest.cluster)
    except NoServersError as error:
        report.error(f"{report.at(section.path)} cannot be used: {error}", error.hint)
        return None
    qualified = qualify(name or object_name(target.namespace, target.name, target.port), PROVIDER)
    service = decode_load_balancer(
        qualified, Section(options, section.path, report), PROVIDER, lambda _: servers
    )
    if service is None:
        return None
    manifest.origins[qualified] = _origin(target, manifest)
    return ServiceReference(qualified, replace(service, middlewares=middlewares))


def _origin(target: Target, manifest: Manifest) -> str:
    """Return where the servers come from; names of different services may become one."""
    native = manifest.policy.native_lb_by_default if target.native_lb is None else target.native_lb
    place = " by its cluster IP" if native else " by nodes" if target.node_port_lb else ""
    return f"port {target.port} of the {target.service}{place}"


def _read_target(section: Section, name: str, manifest: Manifest) -> Target | None:
    namespace = section.read("namespace", values.text, manifest.namespace)
    if not may_name_namespace(namespace, section, manifest):
        return None
    port = section.raw("port")
    scheme = section.read("scheme", values.scheme, None) if section.raw("scheme") else None
    if (section.raw("scheme") and scheme is None) or isinstance(port, bool):
        return None
    return Target(
        namespace,
        name,
        port if isinstance(port, int) else str(port or ""),
        scheme,
        section.read("nativeLB", values.boolean, None),
        section.read("nodePortLB", values.boolean, False),
        section.has("healthCheck"),
    )


def _balancing_options(section: Section, manifest: Manifest) -> Tree | None:
    """Return the options of the load balancer; None if its transport may not be used."""
    others = (*_REFERENCE, *_OF_PARENT)
    options = {option: section.raw(option) for option in section.names if option not in others}
    if options.get("strategy") in (_OLD_ROUND_ROBIN, ""):
        del options["strategy"]
    transport = section.read("serversTransport", values.text, "") if options.get("serversTransport") else ""
    if not transport:
        return None if options.pop("serversTransport", None) else options
    if "@" in transport:
        return options if may_name_provider(transport, section, manifest) else None
    # A transport is always one of the service's namespace, whose secrets it reads.
    namespace = section.read("namespace", values.text, manifest.namespace)
    return {**options, "serversTransport": object_name(namespace, transport)}
