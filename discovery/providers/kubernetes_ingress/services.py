"""Decodes the backend of a path: a Service of Kubernetes, with its annotations and its servers."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.report import Report
from discovery.decoding.section import Section, Tree
from discovery.dynamic.services import decode_load_balancer
from discovery.dynamic.v1.backend import read_balancing, with_balancing
from discovery.providers.kubernetes.servers import NoServersError, Target, find_servers
from discovery.providers.kubernetes_ingress.annotations import PREFIX, read_annotations
from discovery.providers.kubernetes_ingress.ingress import Backend, Ingress
from discovery.providers.kubernetes_ingress.names import PROVIDER, service_name
from discovery.providers.kubernetes_ingress.v1_annotations import V1Annotations, backend_tree
from rondpoint.model import Scheme, Service

_PATH = f"{PREFIX}service"
_NOT_OF_BALANCER = ("nativeLB", "nodePortLB", "serversScheme", "middlewares")


class PathService(Struct, frozen=True):
    """The service of a path, where its servers come from, and Traefik 1's options of its backend.

    The latter become middlewares of the router.
    """

    service: Service
    origin: str
    v1_backend: Section


def read_service(backend: Backend, at: str, ingress: Ingress, scheme: Scheme | None) -> PathService | None:
    """Return the service of a backend; report why it cannot be used at `at`, and return None.

    `scheme` is that of Traefik 1's annotation of the Ingress.
    """
    report = ingress.report
    named = backend.service
    if named is None:
        what = "a resource, which is not served, as in Traefik" if backend.resource else "no service"
        report.error(f"{at} names {what}, so it is left out", "expected service")
        return None
    item = ingress.cluster.find("Service", ingress.namespace, named.name)
    annotations: Mapping[str, str] = ((item or {}).get("metadata") or {}).get("annotations") or {}
    where = f"Service {ingress.namespace}/{named.name}"
    written: dict[str, str] = {}
    own_report = Report(PROVIDER, where, "annotation", written)
    options = read_annotations(annotations, "service", own_report)
    section = Section(options, _PATH, own_report)
    target = _target(ingress, named.name, named.port.written, section, scheme)
    v1 = V1Annotations(annotations, written)
    v1_backend = Section(backend_tree(v1, own_report), "backend", own_report)
    service = None
    if target is not None:
        name = qualify(service_name(ingress.namespace, named.name, named.port.written), PROVIDER)
        service = _decode(name, target, section, options, v1_backend, ingress, at)
    ingress.of_services += own_report.diagnostics
    if service is None:
        return None
    return PathService(service, f"{ingress.namespace}/{named.name}:{named.port.written}", v1_backend)


def _target(
    ingress: Ingress, name: str, port: int | str, section: Section, scheme: Scheme | None
) -> Target | None:
    """Return which servers are meant; None if an option about them is not valid, which is reported."""
    if section.has("serversScheme"):
        scheme = section.read("serversScheme", values.scheme, None)
        if scheme is None:
            return None
    return Target(
        ingress.namespace,
        name,
        port,
        scheme,
        section.read("nativeLB", values.boolean, None),
        section.read("nodePortLB", values.boolean, False),
    )


def _decode(
    name: str,
    target: Target,
    section: Section,
    options: Tree,
    v1_backend: Section,
    ingress: Ingress,
    at: str,
) -> Service | None:
    report = section.report
    try:
        servers = find_servers(target, ingress.policy, ingress.cluster)
    except NoServersError as error:
        ingress.report.error(f"{at} is left out: {error}", error.hint)
        return None
    middlewares = section.read("middlewares", values.texts, None)
    if middlewares is None and section.has("middlewares"):
        return None
    transport = section.raw("serversTransport")
    if (transport or middlewares) and not ingress.policy.may_name_providers(ingress.namespace):
        what = "serversTransport" if transport else "middlewares"
        report.error(
            f"{report.at(section.key(what))}: its namespace may not refer to objects of other providers",
            f"add {ingress.namespace} to {ingress.policy.option_prefix}crossProviderNamespaces",
        )
        return None
    lowered = {each.lower() for each in _NOT_OF_BALANCER}
    balancer = {key: value for key, value in options.items() if key.lower() not in lowered}
    service = decode_load_balancer(name, Section(balancer, _PATH, report), PROVIDER, lambda _: servers)
    if service is None:
        return None
    if not options:
        service = with_balancing(service, read_balancing(v1_backend))
    qualified = tuple(qualify(each, PROVIDER) for each in middlewares or ())
    return replace(service, middlewares=qualified) if qualified else service
