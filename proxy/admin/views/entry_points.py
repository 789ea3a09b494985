"""Entry points as Traefik 3's API shows them."""

from __future__ import annotations

from msgspec import Struct

from proxy.admin.views.object_status import DISABLED, ENABLED, Status
from rondpoint.go_durations import go_duration
from rondpoint.settings import EntryPoint
from rondpoint.settings.tree.entry_point_http import Redirection


class LifeCycleView(Struct, frozen=True, rename="camel"):
    grace_time_out: str


class TimeoutsView(Struct, frozen=True, rename="camel", omit_defaults=True):
    read_timeout: str = "0s"
    write_timeout: str = "0s"
    idle_timeout: str = "0s"


class TransportView(Struct, frozen=True, rename="camel"):
    life_cycle: LifeCycleView
    responding_timeouts: TimeoutsView


class TrustView(Struct, frozen=True, omit_defaults=True):
    """The peers that may declare the client's address."""

    insecure: bool = False
    trustedIPs: tuple[str, ...] = ()  # noqa: N815 (as Traefik spells it)


class RedirectionView(Struct, frozen=True, rename="camel", omit_defaults=True):
    to: str
    scheme: str
    permanent: bool = False
    priority: int | None = None


class RedirectionsView(Struct, frozen=True, rename="camel"):
    entry_point: RedirectionView


class HttpView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """`max_header_bytes` limits a request head. `middlewares` come before those of each router."""

    max_header_bytes: int
    redirections: RedirectionsView | None = None
    middlewares: tuple[str, ...] = ()
    tls: dict[str, str] | None = None


class EntryPointView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """An entry point. `status` is `disabled` and `error` says why if it serves none of its routers."""

    name: str
    address: str
    transport: TransportView
    forwarded_headers: TrustView
    http: HttpView
    proxy_protocol: TrustView | None = None
    as_default: bool = False
    status: Status = ENABLED
    error: tuple[str, ...] = ()


def entry_point_view(
    name: str, point: EntryPoint, head_bytes: int, middlewares: tuple[str, ...] = (), fault: str = ""
) -> EntryPointView:
    """Return the view of an entry point.

    `head_bytes` is the maximum size of a request head. `middlewares` are those of all its routers. `fault`
    says why no router is served, if it is so.
    """
    redirecting = point.http.redirections.entry_point
    timeouts = point.transport.responding_timeouts
    proxying = point.proxy_protocol
    proxies = TrustView(proxying.insecure, tuple(map(str, proxying.trusted_ips)))
    forwarding = point.forwarded_headers
    return EntryPointView(
        name=name,
        address=point.address,
        transport=TransportView(
            LifeCycleView(go_duration(point.transport.life_cycle.grace_time_out)),
            TimeoutsView(
                go_duration(timeouts.read_timeout),
                go_duration(timeouts.write_timeout),
                go_duration(timeouts.idle_timeout),
            ),
        ),
        forwarded_headers=TrustView(forwarding.insecure, tuple(map(str, forwarding.trusted_ips))),
        http=HttpView(
            head_bytes,
            None if redirecting is None else _redirections_view(redirecting),
            middlewares,
            None if point.tls is None else {},
        ),
        proxy_protocol=None if proxies == TrustView() else proxies,
        as_default=point.as_default,
        status=DISABLED if fault else ENABLED,
        error=(fault,) if fault else (),
    )


def _redirections_view(redirection: Redirection) -> RedirectionsView:
    return RedirectionsView(
        RedirectionView(redirection.to, redirection.scheme, redirection.permanent, redirection.priority)
    )
