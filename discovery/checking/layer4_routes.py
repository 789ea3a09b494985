"""Shows TCP and UDP routers in the report of `rondpoint check`."""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.configuration import Configuration
from rondpoint.middlewares.display import format_options, shown_options
from rondpoint.middlewares.schemas import TCP_SCHEMAS
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.udp.model import UdpRouter, UdpService


def layer4_lines(configuration: Configuration) -> Iterator[str]:
    """Yield lines for people."""
    for router in _sorted_tcp(configuration):
        yield f"  {router.name}: TCP, {router.rule.text} (priority {router.priority}{_tls(router)})"
        for number, name in enumerate(router.middlewares, 1):
            yield f"    {number}. {_middleware_text(name, configuration)}"
        yield _service_line(configuration.tcp_services[router.service])
    for name in sorted(configuration.udp_routers):
        udp = configuration.udp_routers[name]
        yield f"  {name}: UDP, {', '.join(udp.entry_points) or 'all entry points for UDP'}"
        yield _service_line(configuration.udp_services[udp.service])


def layer4_objects(configuration: Configuration) -> dict[str, object]:
    """Return the fields of the report for programs."""
    return {
        "tcpRouters": [_tcp_object(router, configuration) for router in _sorted_tcp(configuration)],
        "udpRouters": [
            _udp_object(router, configuration) for _, router in sorted(configuration.udp_routers.items())
        ],
    }


def _sorted_tcp(configuration: Configuration) -> list[TcpRouter]:
    return sorted(configuration.tcp_routers.values(), key=lambda router: (-router.priority, router.name))


def _tls(router: TcpRouter) -> str:
    if router.passthrough:
        return ", TLS passes through"
    return ", TLS" if router.tls else ""


def _service_line(service: TcpService | UdpService) -> str:
    targets = [f"{member.name} (weight {member.weight})" for member in service.members]
    targets += [server.address for server in service.servers]
    return f"    → {service.name}: {', '.join(targets) or 'no servers known here'}"


def _middleware_text(name: str, configuration: Configuration) -> str:
    """Return the text for a middleware, whose kind is not known if another provider defines it."""
    middleware = configuration.tcp_middlewares.get(name)
    if middleware is None or not middleware.kind:
        return name
    options = format_options(shown_options(middleware, TCP_SCHEMAS))
    return f"{name} ({middleware.kind}{f': {options}' if options else ''})"


def _tcp_object(router: TcpRouter, configuration: Configuration) -> dict[str, object]:
    return {
        "name": router.name,
        "rule": router.rule.text,
        "priority": router.priority,
        "entryPoints": router.entry_points,
        "middlewares": router.middlewares,
        "tls": router.tls,
        "passthrough": router.passthrough,
        "service": router.service,
        "servers": [server.address for server in configuration.tcp_services[router.service].servers],
    }


def _udp_object(router: UdpRouter, configuration: Configuration) -> dict[str, object]:
    return {
        "name": router.name,
        "entryPoints": router.entry_points,
        "service": router.service,
        "servers": [server.address for server in configuration.udp_services[router.service].servers],
    }
