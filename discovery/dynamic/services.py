"""Decodes services of Traefik 3 trees."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.balancing import read_balancing
from discovery.dynamic.composite import KINDS, read_composite
from discovery.dynamic.server_addresses import unique_name
from rondpoint.model import Server, Service

_LOAD_BALANCER = "loadBalancer"

ServersReader = Callable[[Section], tuple[Server, ...] | None]
"""Reads the servers of a `loadBalancer` section; reports an error and returns None if it is invalid."""


def decode_service(name: str, section: Section, provider: str, read_servers: ServersReader) -> Service | None:
    """Decode the service `name`; report an error and return None if its servers are missing or invalid.

    A service with options that are not served stays without servers, and its routers respond with 503.
    """
    report = section.report
    qualified = qualify(name, provider)
    kinds = [kind for kind in (*KINDS, _LOAD_BALANCER) if section.has(kind)]
    middlewares = section.read("middlewares", values.texts, None)
    balancer = section.section(_LOAD_BALANCER)
    if len(kinds) > 1:
        report.error(
            f"{report.at(section.path)} has several kinds: {', '.join(kinds)}", "define one service for each"
        )
        service: Service | None = Service(qualified, unserved="it has several kinds")
    elif balancer is not None:
        service = decode_load_balancer(qualified, balancer, provider, read_servers)
    elif kinds:
        options = section.section(kinds[0])
        service = (
            Service(qualified, unserved=f"its {kinds[0]} cannot be read")
            if options is None
            else read_composite(kinds[0], options, qualified, provider)
        )
    else:
        report.error(f"{report.at(section.path)} has no servers", "expected loadBalancer")
        service = None
    section.finish()
    if middlewares is None and section.has("middlewares"):
        return Service(qualified, unserved="its middlewares cannot be read")
    if service is None or not middlewares:
        return service
    return replace(service, middlewares=tuple(qualify(middleware, provider) for middleware in middlewares))


def decode_load_balancer(
    qualified: str, balancer: Section, provider: str, read_servers: ServersReader
) -> Service | None:
    """Decode the options of a service with servers; return None if these are invalid."""
    servers = read_servers(balancer)
    pass_host_header = balancer.read("passHostHeader", values.boolean, True)
    balancing = read_balancing(balancer, provider)
    balancer.finish()
    if servers is None:
        return None
    return Service(
        name=qualified,
        servers=servers,
        pass_host_header=pass_host_header,
        strategy=balancing.strategy,
        sticky=balancing.sticky,
        health_check=balancing.health_check,
        passive_health_check=balancing.passive_health_check,
        flush_interval=balancing.flush_interval,
        servers_transport=balancing.servers_transport,
        slow_start=balancing.slow_start,
    )


def read_file_servers(balancer: Section) -> tuple[Server, ...]:
    """Read `servers` with `url` and `weight`; report and skip servers with an invalid URL."""
    found: dict[str, Server] = {}
    for section in balancer.items("servers"):
        weight = section.read("weight", values.weight, 1)
        server = read_server(section, weight, found)
        if str(section.raw("preservePath") or False).lower() != "false":
            section.warn_unserved("preservePath")
        section.finish()
        if server is not None:
            found[server.name] = server
    if not found:
        balancer.report.warning(
            f"{balancer.report.at(balancer.path)} has no servers", "requests get a 503 response"
        )
    return tuple(found[name] for name in sorted(found))


def read_server(section: Section, weight: int, taken: dict[str, Server]) -> Server | None:
    """Read the server at the section's `url`, which is also its name; make the name unique among `taken`."""
    if not section.has("url"):
        section.report.error(f"{section.report.at(section.path)} has no url, so it is left out")
        return None
    address = section.read("url", values.address, None)
    if address is None:
        return None
    scheme, host, port = address
    url = Server("", host, port, scheme).url
    return Server(unique_name(url, taken), host, port, scheme, weight)
