"""Labels and file options of UDP."""

from __future__ import annotations

from discovery.decoding import values
from discovery.labels.vocabulary.label import Label

ROUTER = "udp.routers.NAME"
SERVICE = "udp.services.NAME"
_MEMBER = f"{SERVICE}.weighted.services[0].name"

ROUTERS = (
    Label(
        f"{ROUTER}.entryPoints",
        "dns",
        "entry points that it serves",
        values.texts,
        default_text="all entry points for UDP",
    ),
    Label(
        f"{ROUTER}.service", "NAME", "its service", values.text, default_text="the container's only service"
    ),
)

SERVERS = (
    Label(
        f"{SERVICE}.loadBalancer.server.port",
        "53",
        "port of the container",
        values.port,
        default_text="the lowest exposed UDP port",
    ),
)
"""Options of a server in labels."""

FILE_SERVERS = (
    Label(
        f"{SERVICE}.loadBalancer.servers[0].address",
        "10.0.0.7:53",
        "address of a server",
        values.host_and_port,
    ),
)
"""Options of servers in files, keys and the API."""

SERVICES = (
    Label(_MEMBER, "blue", "name of a member service", values.text, ""),
    Label(f"{SERVICE}.weighted.services[0].weight", "3", "its weight", values.weight, 1, requires=(_MEMBER,)),
)

LABELS = (*ROUTERS, *SERVERS, *SERVICES)
FILE_OPTIONS = (*ROUTERS, *FILE_SERVERS, *SERVICES)
