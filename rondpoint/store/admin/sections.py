"""The sections of the API's document, and those of the configuration with the same objects."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PROTOCOLS = ("http", "tcp", "udp")

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "http/routers": "routers",
        "http/services": "services",
        "http/middlewares": "middlewares",
        "tcp/routers": "tcp_routers",
        "tcp/services": "tcp_services",
        "tcp/middlewares": "tcp_middlewares",
        "udp/routers": "udp_routers",
        "udp/services": "udp_services",
    }
)
"""The sections whose objects the API defines one by one → the section of `Configuration`."""

NOUNS: Mapping[str, str] = MappingProxyType(
    {
        "routers": "router",
        "services": "service",
        "middlewares": "middleware",
        "tcp_routers": "TCP router",
        "tcp_services": "TCP service",
        "tcp_middlewares": "TCP middleware",
        "udp_routers": "UDP router",
        "udp_services": "UDP service",
    }
)
"""The section of `Configuration` → what messages call one of its objects."""


def whole_section(section: str) -> str:
    """Return a section with its protocol: `http/routers` for `routers`; `tcp/routers` has it already."""
    return section if "/" in section else f"http/{section}"
