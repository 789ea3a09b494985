"""Services of Traefik 3 trees."""

from __future__ import annotations

from collections.abc import Callable

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.balancing import read_balancing
from discovery.dynamic.composite import KINDS, check_composite
from rondpoint.model import Server, Service

ServersReader = Callable[[Section], tuple[Server, ...] | None]
"""From a `loadBalancer` section, its servers; None, and said so, where the service cannot be had."""


def decode_service(name: str, section: Section, provider: str, read_servers: ServersReader) -> Service | None:
    """The service `name`; None, and said so, where it has no servers to be had.

    One that asks for what is not served has none either, and its routers answer 503.
    """
    report = section.report
    unserved = _unserved(section)
    middlewares = section.read("middlewares", values.texts, None)
    if middlewares is None and section.has("middlewares"):
        unserved = "its middlewares cannot be read"
    balancer = section.section("loadBalancer")
    section.finish()
    if unserved:
        return Service(name=qualify(name, provider), unserved=unserved)
    if balancer is None:
        report.error(f"{report.at(section.path)} has no servers", "expected loadBalancer")
        return None
    servers = read_servers(balancer)
    pass_host_header = balancer.read("passHostHeader", values.boolean, True)
    balancing = read_balancing(balancer, provider)
    balancer.finish()
    if servers is None:
        return None
    return Service(
        name=qualify(name, provider),
        servers=servers,
        pass_host_header=pass_host_header,
        strategy=balancing.strategy,
        sticky=balancing.sticky,
        health_check=balancing.health_check,
        flush_interval=balancing.flush_interval,
        servers_transport=balancing.servers_transport,
        middlewares=tuple(qualify(middleware, provider) for middleware in middlewares or ()),
    )


def _unserved(section: Section) -> str:
    """Why the service can have no servers, if so; said."""
    report = section.report
    kinds = [kind for kind in KINDS if section.has(kind)]
    if len(kinds) + section.has("loadBalancer") > 1:
        given = ", ".join([*kinds, *(["loadBalancer"] if section.has("loadBalancer") else [])])
        report.error(f"{report.at(section.path)} is of several kinds: {given}", "make a service of each")
        return "it is of several kinds"
    for kind in kinds:
        message = f"{report.at(section.key(kind))} is not served yet"
        report.error(f"{message}, so routers that lead to the service answer 503")
        options = section.section(kind)
        if options is not None:
            check_composite(kind, options)
        return f"{kind} is not served yet"
    return ""


def servers_of_file(balancer: Section) -> tuple[Server, ...]:
    """`servers` with `url` and `weight`; a server whose URL cannot be read is left out, and said so."""
    found: dict[str, Server] = {}
    for section in balancer.items("servers"):
        weight = section.read("weight", values.weight, 1)
        server = server_at(section, weight, found)
        if str(section.raw("preservePath") or False).lower() != "false":
            section.unserved("preservePath")
        section.finish()
        if server is not None:
            found[server.name] = server
    if not found:
        balancer.report.warning(f"{balancer.report.at(balancer.path)} has no servers", "requests get a 503")
    return tuple(found[name] for name in sorted(found))


def server_at(section: Section, weight: int, taken: dict[str, Server]) -> Server | None:
    """The server at the section's `url`, named by it; the name is made unique among `taken`."""
    if not section.has("url"):
        section.report.error(f"{section.report.at(section.path)} has no url, so it is left out")
        return None
    address = section.read("url", values.address, None)
    if address is None:
        return None
    scheme, host, port = address
    url = Server("", host, port, scheme).url
    name, count = url, 1
    while name in taken:
        count += 1
        name = f"{url}#{count}"
    return Server(name, host, port, scheme, weight)
