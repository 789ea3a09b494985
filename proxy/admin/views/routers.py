"""Routers as Traefik 3's API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from proxy.admin.views.object_status import DISABLED, ObjectStatus, provider_of
from proxy.admin.views.tls_domains import DomainView, domain_views
from rondpoint.model import Router, RouterObservability, Verbosity
from rondpoint.settings import EntryPoint
from rondpoint.settings.tree.entry_points import Observability
from rondpoint.tls.model import DEFAULT_OPTIONS


class TlsView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """TLS of a router: the qualified name of its options, and the resolver of its certificates.

    Without `domains`, the hosts of the rule are the names of its certificate.
    """

    options: str
    cert_resolver: str = ""
    domains: tuple[DomainView, ...] = ()


class ObservabilityView(Struct, frozen=True, rename="camel"):
    """Observability of a router's requests: its own settings, or else those of its entry points."""

    access_logs: bool
    metrics: bool
    tracing: bool
    trace_verbosity: Verbosity


class RouterView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A router. `using` lists the entry points that serve it; `error` explains its status.

    A router that was left out has only `name`, `provider`, `status` and `error`. A child router has
    `parent_refs` in place of entry points, and a parent router has no `service`. `pass_host_header` is
    present only if it is false, which only Traefik 1's frontends can set.
    """

    name: str
    provider: str
    status: str = ""
    entry_points: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    service: str = ""
    rule: str = ""
    priority: int = 0
    priority_str: str = ""
    tls: TlsView | None = None
    observability: ObservabilityView | None = None
    using: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    pass_host_header: bool = True
    parent_refs: tuple[str, ...] = ()


def router_view(
    router: Router,
    object_status: ObjectStatus,
    default_entry_points: tuple[str, ...],
    entry_points: Mapping[str, EntryPoint],
) -> RouterView:
    """Return the view of a router."""
    points = router.entry_points or (() if router.parents else tuple(sorted(default_entry_points)))
    using = tuple(sorted(points))
    return RouterView(
        name=router.name,
        provider=provider_of(router.name),
        status=object_status.status,
        entry_points=points,
        middlewares=router.middlewares,
        service=router.service,
        rule=router.rule.text,
        priority=router.priority,
        priority_str=str(router.priority),
        tls=_tls(router) if router.tls else None,
        observability=_observability(
            router.observability, [entry_points[name] for name in using if name in entry_points]
        ),
        using=using if object_status.status != DISABLED else (),
        error=object_status.errors,
        pass_host_header=router.pass_host_header,
        parent_refs=router.parents,
    )


def _tls(router: Router) -> TlsView:
    domains = domain_views(router.tls_domains)
    return TlsView(router.tls_options or DEFAULT_OPTIONS, router.cert_resolver, domains)


def _observability(
    router_choice: RouterObservability | None, points: Iterable[EntryPoint]
) -> ObservabilityView:
    others = [point.observability for point in points] or [Observability()]
    router_choice = router_choice or RouterObservability()

    def resolve(chosen: bool | None, by_points: Iterable[bool]) -> bool:
        return any(by_points) if chosen is None else chosen

    detailed = any(each.trace_verbosity == "detailed" for each in others)
    return ObservabilityView(
        resolve(router_choice.access_logs, (each.access_logs for each in others)),
        resolve(router_choice.metrics, (each.metrics for each in others)),
        resolve(router_choice.tracing, (each.tracing for each in others)),
        router_choice.trace_verbosity or ("detailed" if detailed else "minimal"),
    )


def left_out_view(name: str, object_status: ObjectStatus) -> RouterView:
    """Return the view of a router that is defined but not in force."""
    return RouterView(
        name=name, provider=provider_of(name), status=object_status.status, error=object_status.errors
    )
