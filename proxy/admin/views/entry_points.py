"""Entry points as Traefik 3's API shows them."""

from __future__ import annotations

from msgspec import Struct

from proxy.admin.views.object_status import DISABLED, ENABLED, Status
from rondpoint.go_durations import go_duration
from rondpoint.settings import EntryPoint
from rondpoint.settings.tree.entry_point_http import Redirection, Strategy
from rondpoint.settings.tree.entry_points import Underscores
from rondpoint.settings.values import Protocol


class LifeCycleView(Struct, frozen=True, rename="camel", omit_defaults=True):
    grace_time_out: str
    request_accept_grace_timeout: str = "0s"


class TimeoutsView(Struct, frozen=True, rename="camel", omit_defaults=True):
    read_timeout: str = "0s"
    write_timeout: str = "0s"
    idle_timeout: str = "0s"


class TransportView(Struct, frozen=True, rename="camel", omit_defaults=True):
    life_cycle: LifeCycleView
    responding_timeouts: TimeoutsView
    keep_alive_max_time: str = "0s"
    keep_alive_max_requests: int = 0


class TrustView(Struct, frozen=True, omit_defaults=True):
    """The peers that may declare the client's address."""

    insecure: bool = False
    trustedIPs: tuple[str, ...] = ()  # noqa: N815 (as Traefik spells it)


class ForwardedHeadersView(TrustView, frozen=True, omit_defaults=True):
    notAppendXForwardedFor: bool = False  # noqa: N815 (as Traefik spells it)


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
    sanitize_path: bool
    redirections: RedirectionsView | None = None
    middlewares: tuple[str, ...] = ()
    tls: dict[str, str] | None = None
    encoded_characters: dict[str, bool] | None = None
    encode_query_semicolons: bool = False
    underscore_headers_strategy: str = "keep"


class Http2View(Struct, frozen=True, rename="camel"):
    """The limits of an HTTP/2 connection: open streams, and bytes of the tables of HPACK."""

    max_concurrent_streams: int
    max_decoder_header_table_size: int
    max_encoder_header_table_size: int


class UdpView(Struct, frozen=True):
    """The time after which a UDP session without datagrams ends."""

    timeout: str


class EntryPointView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """An entry point. `status` is `disabled` and `error` says why if it serves none of its routers."""

    name: str
    address: str
    protocol: Protocol
    transport: TransportView
    forwarded_headers: ForwardedHeadersView
    http: HttpView
    http2: Http2View
    udp: UdpView
    proxy_protocol: TrustView | None = None
    as_default: bool = False
    status: Status = ENABLED
    error: tuple[str, ...] = ()


_STRATEGIES: dict[Underscores, Strategy] = {"allow": "keep", "drop": "delete", "reject": "reject"}


def entry_point_view(
    name: str, point: EntryPoint, head_bytes: int, middlewares: tuple[str, ...] = (), fault: str = ""
) -> EntryPointView:
    """Return the view of an entry point.

    `head_bytes` is the maximum size of a request head, unless the entry point sets its own. `middlewares` are
    those of all its routers. `fault` says why no router is served, if it is so.
    """
    options, transport = point.http, point.transport
    redirecting = options.redirections.entry_point
    characters = options.encoded_characters
    timeouts = transport.responding_timeouts
    proxying = point.proxy_protocol
    proxies = TrustView(proxying.insecure, tuple(map(str, proxying.trusted_ips)))
    forwarding = point.forwarded_headers
    return EntryPointView(
        name=name,
        address=point.address,
        protocol=point.protocol,
        transport=TransportView(
            LifeCycleView(
                go_duration(transport.life_cycle.grace_time_out),
                go_duration(transport.life_cycle.request_accept_grace_timeout),
            ),
            TimeoutsView(
                go_duration(timeouts.read_timeout),
                go_duration(timeouts.write_timeout),
                go_duration(timeouts.idle_timeout),
            ),
            go_duration(transport.keep_alive_max_time),
            transport.keep_alive_max_requests,
        ),
        forwarded_headers=ForwardedHeadersView(
            forwarding.insecure,
            tuple(map(str, forwarding.trusted_ips)),
            forwarding.not_append_x_forwarded_for,
        ),
        http=HttpView(
            options.max_header_bytes or head_bytes,
            options.sanitize_path,
            None if redirecting is None else _redirections_view(redirecting),
            middlewares,
            None if point.tls is None else {},
            characters.by_option if characters.refuses_some else None,
            options.encode_query_semicolons,
            _STRATEGIES[point.underscores],
        ),
        http2=Http2View(
            point.http2.max_concurrent_streams,
            point.http2.max_decoder_header_table_size,
            point.http2.max_encoder_header_table_size,
        ),
        udp=UdpView(go_duration(point.udp.timeout)),
        proxy_protocol=None if proxies == TrustView() else proxies,
        as_default=point.as_default,
        status=DISABLED if fault else ENABLED,
        error=(fault,) if fault else (),
    )


def _redirections_view(redirection: Redirection) -> RedirectionsView:
    return RedirectionsView(
        RedirectionView(redirection.to, redirection.scheme, redirection.permanent, redirection.priority)
    )
