"""Entry points, as Traefik 3's API shows them."""

from __future__ import annotations

from msgspec import Struct

from proxy.admin.views.durations import go_duration
from proxy.admin.views.object_status import DISABLED, ENABLED, Status
from rondpoint.settings import EntryPoint


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
    """Whose word is taken for the client's address."""

    insecure: bool = False
    trustedIPs: tuple[str, ...] = ()  # noqa: N815 (as Traefik spells it)


class HttpView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """`max_header_bytes`: of a request head."""

    max_header_bytes: int
    tls: dict[str, str] | None = None


class EntryPointView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """`status` and `error`, as routers have them, where it is closed for want of what is to guard it."""

    name: str
    address: str
    transport: TransportView
    forwarded_headers: TrustView
    http: HttpView
    proxy_protocol: TrustView | None = None
    as_default: bool = False
    status: Status = ENABLED
    error: tuple[str, ...] = ()


def entry_point_view(name: str, point: EntryPoint, head_bytes: int, closed: str = "") -> EntryPointView:
    """`head_bytes` is what a request head may have; `closed` says why it is closed, if so."""
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
        http=HttpView(head_bytes, None if point.tls is None else {}),
        proxy_protocol=None if proxies == TrustView() else proxies,
        as_default=point.as_default,
        status=DISABLED if closed else ENABLED,
        error=(closed,) if closed else (),
    )
