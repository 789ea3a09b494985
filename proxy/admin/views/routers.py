"""Routers, as Traefik 3's API shows them."""

from __future__ import annotations

from msgspec import Struct

from proxy.admin.views.standing import DISABLED, Standing, provider_of
from rondpoint.model import Router


class TlsView(Struct, frozen=True, rename="camel"):
    options: str = "default"


class RouterView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """`using` are the entry points that it is served on; `error` says why it is not, or not as written.

    Of a router that was left out only what is known of it is told: its name, and why.
    `pass_host_header` is there when it is false, which only Traefik 1 can say of a router.
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
    using: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    pass_host_header: bool = True


def router_view(
    router: Router, standing: Standing, default_entry_points: tuple[str, ...], tls: frozenset[str]
) -> RouterView:
    """`tls` are the entry points that speak TLS, where alone a router with TLS is served."""
    points = router.entry_points or tuple(sorted(default_entry_points))
    using = tuple(sorted(point for point in points if not router.tls or point in tls))
    return RouterView(
        name=router.name,
        provider=provider_of(router.name),
        status=standing.status,
        entry_points=points,
        middlewares=router.middlewares,
        service=router.service,
        rule=router.rule.text,
        priority=router.priority,
        priority_str=str(router.priority),
        tls=TlsView() if router.tls else None,
        using=using if standing.status != DISABLED else (),
        error=standing.errors,
        pass_host_header=router.pass_host_header,
    )


def left_out(name: str, standing: Standing) -> RouterView:
    """A router that somebody wrote and that is not in force."""
    return RouterView(name=name, provider=provider_of(name), status=standing.status, error=standing.errors)
