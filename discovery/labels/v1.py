"""Decodes Traefik 1's labels, such as `traefik.port`, `traefik.backend` and `traefik.frontend.rule`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import normalise, qualify
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.dynamic.routers import parse_rule, report_rule_warning
from discovery.dynamic.v1.backend import read_backend_middlewares, read_balancing, with_balancing
from discovery.dynamic.v1.frontend import KeyedMiddleware, read_middlewares
from discovery.dynamic.v1.modifiers import modifier_middlewares
from discovery.labels.container import Container
from discovery.labels.container_address import Address, find_address, read_address_options
from discovery.labels.container_reports import container_report, report_unrouted
from discovery.labels.known_labels import LabelKind, label_kind
from discovery.labels.options import LabelOptions
from discovery.labels.segments import Segment, segments
from discovery.labels.v1_options import options_tree
from rondpoint.model import Middleware, Router, Server, ServerState, Service
from rondpoint.rules.expression import Rule
from rondpoint.rules.rule_warnings import warn_about_v1_rule
from rondpoint.rules.v1 import ParsedRule, read

_FOREIGN_LABELS = frozenset(("traefik.portindex", "traefik.portname"))
"""Labels that only other providers of Traefik 1 have."""

_PLAIN_RULE = re.compile(r"Host:[A-Za-z0-9.-]+\Z")


def decode(container: Container, options: LabelOptions) -> Decoded:
    """Decode the routers, services and middlewares of a container.

    The rule is `traefik.frontend.rule`, or else `Host:SERVICE.PROJECT.DOMAIN` in Compose and
    `Host:NAME.DOMAIN` elsewhere. Containers of one backend become servers of one service.
    """
    parts = [
        _decode(replace(container, labels=segment.labels), segment, options)
        for segment in segments(container.labels)
    ]
    first, *others = parts
    for other in others:
        first = Decoded(
            first.subject,
            first.routers + other.routers,
            _merge_services(first.services, other.services),
            first.middlewares + other.middlewares,
            first.diagnostics + tuple(item for item in other.diagnostics if item not in first.diagnostics),
            keys={**first.keys, **other.keys},
            first_wins=True,
        )
    return first


def _merge_services(services: tuple[Service, ...], others: tuple[Service, ...]) -> tuple[Service, ...]:
    """Combine the services of two segments; a service of both has the servers of both."""
    found = {service.name: service for service in services}
    for other in others:
        known = found.get(other.name)
        servers = (
            () if known is None else tuple(server for server in known.servers if server not in other.servers)
        )
        found[other.name] = replace(other, servers=servers + other.servers)
    return tuple(found.values())


def _decode(container: Container, segment: Segment, options: LabelOptions) -> Decoded:
    """Decode one segment, or a container without segments; `container` has the segment's labels."""
    report = container_report(container, segment.written)
    by_kind = _group_by_kind(container.labels)
    labels = Section(by_kind.get(LabelKind.V1_ROUTE, {}), "", report)
    tree = options_tree(
        {**by_kind.get(LabelKind.V1_BACKEND_OPTION, {}), **by_kind.get(LabelKind.V1_FRONTEND_OPTION, {})},
        report,
    )
    top = Section(tree, "traefik", report)
    backend = top.section("backend") or Section({}, top.key("backend"), report)
    frontend = top.section("frontend") or Section({}, top.key("frontend"), report)
    for name in sorted(name for name in segment.written if name in _FOREIGN_LABELS):
        report.warning(f"{report.at(name)} has no effect", "name the port by its number")
    service = _service(container, segment.name, labels, options, report)
    parsed = _rule(container, labels, options, report)
    if service is None or parsed is None:
        return Decoded(report.subject, diagnostics=report.diagnostics)
    service = with_balancing(service, read_balancing(backend))
    # Traefik 1 names routers by segment and backend, or else by their rules.
    bare = f"{segment.name}-{_unqualified(service.name)}" if segment.name else router_name(parsed.rule.text)
    name = qualify(normalise(bare) if segment.name else bare, container.provider)
    found = _middlewares(name, frontend, backend, container.provider)
    # Modifiers of the path come last, because Traefik 1 redirects by the original path.
    changes = modifier_middlewares(name, parsed.modifiers)
    found += [("traefik.frontend.rule", middleware) for middleware in changes]
    middlewares = tuple(middleware for _, middleware in found)
    router = _router(name, parsed.rule, service, middlewares, labels)
    keys = {
        f"routers.{router.name}": _written_label(segment, "traefik.frontend.rule"),
        f"services.{service.name}": _written_label(segment, "traefik.backend"),
        **{f"middlewares.{middleware.name}": key for key, middleware in found},
    }
    return Decoded(
        report.subject, (router,), (service,), middlewares, report.diagnostics, keys=keys, first_wins=True
    )


def _middlewares(router: str, frontend: Section, backend: Section, provider: str) -> list[KeyedMiddleware]:
    """Read the middlewares of the frontend and of the backend."""

    def service(name: str) -> str:
        return qualify(normalise(name), provider)

    found = [
        *read_middlewares(frontend, router, service),
        *read_backend_middlewares(backend, router, service),
    ]
    frontend.finish()
    backend.finish()
    return found


def router_name(rule: str) -> str:
    """Return a readable name for the router with this rule; equal rules give equal names.

    If the name does not preserve all characters of the rule, it ends with a few digits of the rule's hash.
    """
    if _PLAIN_RULE.match(rule):
        return f"frontend-{rule.replace(':', '-')}"
    return f"frontend-{normalise(rule)[:80]}-{sha256(rule.encode()).hexdigest()[:6]}"


def backend_name(container: Container, backend: str | None, segment: str = "") -> str:
    """Return the normalised name of the service.

    It is the label's, or else `SERVICE_PROJECT` in Compose, or else the container's name. A segment's service
    has the container's name, followed by the label's or the segment's.
    """
    own = container.name
    if container.compose_project and container.compose_service:
        own = f"{container.compose_service}_{container.compose_project}"
    return normalise(f"{own}-{backend or segment}" if segment else backend or own)


def default_rule(container: Container, domain: str) -> str | None:
    """Return the rule of a container that sets none, or None without both Compose and a domain."""
    suffix = f".{domain}" if domain else ""
    if container.compose_project and container.compose_service:
        return f"Host:{_host_part(f'{container.compose_service}.{container.compose_project}')}{suffix}"
    return f"Host:{_host_part(container.name)}{suffix}" if domain else None


def _host_part(name: str) -> str:
    return name.removeprefix("/").replace("/", "-").replace("_", "-")


def _group_by_kind(labels: Mapping[str, str]) -> dict[LabelKind, dict[str, str]]:
    found: dict[LabelKind, dict[str, str]] = {}
    for name, value in labels.items():
        found.setdefault(label_kind(name), {})[name] = value
    return found


def _written_label(segment: Segment, label: str) -> str:
    return segment.written.get(label.lower(), label)


def _unqualified(name: str) -> str:
    return name.rpartition("@")[0]


def _service(
    container: Container, segment: str, labels: Section, options: LabelOptions, report: Report
) -> Service | None:
    port = labels.read("traefik.port", values.port, None)
    weight = labels.read("traefik.weight", values.weight, container.weight)
    scheme = labels.read("traefik.protocol", values.scheme_of_v1, values.PLAIN_HTTP)
    backend = labels.read("traefik.backend", values.text, None)
    name = qualify(backend_name(container, backend, segment), container.provider)
    if not (container.running and container.healthy):
        return Service(name)
    address = find_address(container, port, read_address_options(container, options), report)
    if not isinstance(address, Address):
        report_unrouted(container, report, address, "traefik.port")
        return None
    state = ServerState.DRAINING if container.draining else ServerState.UP
    server = Server(container.server_name, address.host, address.port, scheme, weight, state)
    return Service(name, (server,))


def _rule(container: Container, labels: Section, options: LabelOptions, report: Report) -> ParsedRule | None:
    domain = labels.read("traefik.domain", values.text, None) or options.domain
    text = labels.read("traefik.frontend.rule", values.text, None)
    if text is None and not labels.has("traefik.frontend.rule"):
        text = default_rule(container, domain.strip("."))
    if text is not None:
        given = labels.has("traefik.frontend.rule")
        key = labels.key("traefik.frontend.rule") if given else "default rule"
        report_rule_warning(warn_about_v1_rule(text), key, text, report)
        return parse_rule(text, key, report, read)
    if not labels.has("traefik.frontend.rule"):
        hint = f"set label traefik.frontend.rule=Host:NAME, or providers.{container.provider}.domain"
        report.error("not routed: it has no rule", hint)
    return None


def _router(
    name: str, rule: Rule, service: Service, middlewares: tuple[Middleware, ...], labels: Section
) -> Router:
    return Router(
        name,
        rule,
        service.name,
        labels.read("traefik.frontend.priority", values.integer, 0) or len(rule.text.encode()),
        labels.read("traefik.frontend.entryPoints", values.texts, ()),
        tuple(middleware.name for middleware in middlewares),
        labels.read("traefik.frontend.passHostHeader", values.boolean, True),
    )
