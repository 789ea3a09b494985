"""Services as Traefik 3's API shows them."""

from __future__ import annotations

from msgspec import Struct

from proxy.admin.views.object_status import ObjectStatus, provider_of
from rondpoint.go_durations import go_duration
from rondpoint.middlewares.redaction import redact_headers
from rondpoint.model import HealthCheck, PassiveHealthCheck, Server, ServerState, Service, StickyCookie

UP = "UP"
DOWN = "DOWN"

LOAD_BALANCER = "loadbalancer"


class ServerView(Struct, frozen=True, rename="camel", omit_defaults=True):
    url: str
    weight: int = 1


class CookieView(Struct, frozen=True, rename="camel", omit_defaults=True):
    name: str = ""
    secure: bool = False
    http_only: bool = False
    same_site: str = ""
    max_age: int = 0
    path: str = ""
    domain: str = ""


class StickyView(Struct, frozen=True, rename="camel"):
    cookie: CookieView


class HealthCheckView(Struct, frozen=True, rename="camel", omit_defaults=True):
    mode: str = ""
    path: str = ""
    scheme: str = ""
    hostname: str = ""
    port: int = 0
    interval: str = ""
    unhealthy_interval: str = ""
    timeout: str = ""
    headers: dict[str, str] = {}
    method: str = ""
    status: int = 0
    follow_redirects: bool = False


class PassiveHealthCheckView(Struct, frozen=True, rename="camel"):
    failure_window: str
    max_failed_attempts: int


class ForwardingView(Struct, frozen=True, rename="camel"):
    flush_interval: str


class LoadBalancerView(Struct, frozen=True, rename="camel", omit_defaults=True):
    strategy: str
    pass_host_header: bool
    response_forwarding: ForwardingView
    servers: tuple[ServerView, ...] = ()
    sticky: StickyView | None = None
    health_check: HealthCheckView | None = None
    passive_health_check: PassiveHealthCheckView | None = None
    servers_transport: str = ""
    slow_start: str = ""


class MemberView(Struct, frozen=True, rename="camel"):
    name: str
    weight: int


class MembersView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Member services; each request goes to one of them, by weight."""

    services: tuple[MemberView, ...] = ()
    sticky: StickyView | None = None


class FailoverErrorsView(Struct, frozen=True, rename="camel"):
    """`fallback` also takes requests whose response from `service` has such a status."""

    status: tuple[str, ...]
    max_request_body_bytes: int


class FailoverView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """`fallback` takes the requests while `service` cannot."""

    service: str = ""
    fallback: str = ""
    errors: FailoverErrorsView | None = None


class MirrorView(Struct, frozen=True, rename="camel"):
    name: str
    percent: int


class MirroringView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """`service` responds; each mirror gets copies of a percentage of the requests."""

    service: str = ""
    mirror_body: bool | None = None
    max_body_size: int | None = None
    mirrors: tuple[MirrorView, ...] = ()


class NamedServerView(Struct, frozen=True, rename="camel"):
    """A server with its name and state (such as `draining`), which Traefik's API does not have."""

    name: str
    url: str
    weight: int
    state: str


class ServiceView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A service. `server_status` maps each URL to `UP`, or to `DOWN` for a server that takes no new requests.

    `sticky_cookie` is the name of the cookie that clients receive.
    """

    name: str
    provider: str
    type: str = ""
    status: str = ""
    load_balancer: LoadBalancerView | None = None
    weighted: MembersView | None = None
    highest_random_weight: MembersView | None = None
    failover: FailoverView | None = None
    mirroring: MirroringView | None = None
    middlewares: tuple[str, ...] = ()
    sticky_cookie: str = ""
    server_status: dict[str, str] = {}
    used_by: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    servers: tuple[NamedServerView, ...] | None = None


def service_view(service: Service, object_status: ObjectStatus, used_by: tuple[str, ...]) -> ServiceView:
    """Return the view of a service; `used_by` lists the routers, sorted."""
    kind = service.composition
    return ServiceView(
        name=service.name,
        provider=provider_of(service.name),
        type=type_of(service),
        status=object_status.status,
        load_balancer=_load_balancer(service) if kind is None else None,
        weighted=_members(service) if kind == "weighted" else None,
        highest_random_weight=_members(service) if kind == "highestRandomWeight" else None,
        failover=_failover(service) if kind == "failover" else None,
        mirroring=_mirroring(service) if kind == "mirroring" else None,
        middlewares=service.middlewares,
        sticky_cookie="" if service.sticky is None else service.sticky.name_for(service.name),
        server_status={server.url: _status(server) for server in service.servers},
        used_by=used_by,
        error=object_status.errors,
        servers=tuple(
            NamedServerView(server.name, server.url, server.weight, server.state.value)
            for server in service.servers
        ),
    )


def type_of(service: Service) -> str:
    """Return the type as in Traefik's API: the kind in lower case."""
    return LOAD_BALANCER if service.composition is None else service.composition.lower()


def left_out_view(name: str, object_status: ObjectStatus) -> ServiceView:
    """Return the view of a service that is defined but not in force."""
    return ServiceView(
        name=name, provider=provider_of(name), status=object_status.status, error=object_status.errors
    )


def _status(server: Server) -> str:
    return UP if server.state is ServerState.UP else DOWN


def _load_balancer(service: Service) -> LoadBalancerView:
    return LoadBalancerView(
        strategy=service.strategy,
        pass_host_header=service.pass_host_header,
        response_forwarding=ForwardingView(go_duration(service.flush_interval)),
        servers=tuple(ServerView(server.url, server.weight) for server in service.servers),
        sticky=_sticky(service),
        health_check=None if service.health_check is None else _health_check(service.health_check),
        passive_health_check=_passive_health_check(service.passive_health_check),
        servers_transport=service.servers_transport,
        slow_start=go_duration(service.slow_start) if service.slow_start else "",
    )


def _members(service: Service) -> MembersView:
    return MembersView(
        tuple(MemberView(member.name, member.weight) for member in service.members), _sticky(service)
    )


def _sticky(service: Service) -> StickyView | None:
    return None if service.sticky is None else StickyView(_cookie(service.sticky))


def _failover(service: Service) -> FailoverView:
    names = [*(member.name for member in service.members), "", ""]
    found = service.failover_errors
    errors = None if found is None else FailoverErrorsView(found.statuses, found.max_request_body_bytes)
    return FailoverView(names[0], names[1], errors)


def _mirroring(service: Service) -> MirroringView:
    main = service.members[0].name if service.members else ""
    mirroring = service.mirroring
    if mirroring is None:
        return MirroringView(main)
    mirrors = tuple(MirrorView(mirror.name, mirror.percent) for mirror in mirroring.mirrors)
    return MirroringView(main, mirroring.mirror_body, mirroring.max_body_size, mirrors)


def _passive_health_check(check: PassiveHealthCheck | None) -> PassiveHealthCheckView | None:
    if check is None:
        return None
    return PassiveHealthCheckView(go_duration(check.failure_window), check.max_failed_attempts)


def _cookie(cookie: StickyCookie) -> CookieView:
    return CookieView(
        name=cookie.name,
        secure=cookie.secure,
        http_only=cookie.http_only,
        same_site=cookie.same_site,
        max_age=cookie.max_age,
        path=cookie.path,
        domain=cookie.domain,
    )


def _health_check(check: HealthCheck) -> HealthCheckView:
    return HealthCheckView(
        mode=check.mode,
        path=check.path,
        scheme=check.scheme,
        hostname=check.hostname,
        port=check.port,
        interval=go_duration(check.interval),
        unhealthy_interval="" if check.unhealthy_interval is None else go_duration(check.unhealthy_interval),
        timeout=go_duration(check.timeout),
        headers=redact_headers(check.headers),
        method="" if check.method == "GET" else check.method,
        status=check.status,
        follow_redirects=check.follow_redirects,
    )
