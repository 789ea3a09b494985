"""What requests are counted by: `sourceCriterion`, as in Traefik 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from proxy.routing.request_attributes import headers

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client

Source = Callable[["Request", "Client"], str]
"""What a request is counted by; empty where the request does not tell it."""

Address = Callable[["Request", "Client"], str]
"""Which address counts as the client's; empty where the request does not tell it."""


def source_of(criterion: Mapping[str, Any] | None, default: Source) -> Source:
    """From the options of a `sourceCriterion`. Raises ValueError for more than one."""
    given = [] if criterion is None else [name for name in criterion if criterion[name] or name in _GROUPS]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are mutually exclusive")
    if not given or criterion is None:
        return default
    if given[0] == "requestHost":
        return by_host
    if given[0] == "requestHeaderName":
        name = criterion["requestHeaderName"].lower()
        return lambda request, client: ", ".join(headers(request, client).get(name, ()))
    return address_of(criterion["ipStrategy"])


_GROUPS = ("ipStrategy",)


def by_host(request: Request, client: Client) -> str:
    """The Host as it was sent."""
    return request.host.decode("latin-1").lower()


def by_peer(request: Request, client: Client) -> str:
    """The address of the client, or what a trusted PROXY header told of it."""
    return client.peer


def address_of(strategy: Mapping[str, Any]) -> Address:
    """From the options of an `ipStrategy`: a place in X-Forwarded-For, counted from the right, or the last
    one there that is none of ours, or the client's own address.
    """
    depth, excluded, bits = strategy["depth"], strategy.get("excludedIPs"), strategy.get("ipv6Subnet")
    if depth:
        return lambda request, client: _subnet(_from_right(_forwarded_for(request, client), depth), bits)
    if excluded:
        networks = [ip_network(text) for text in excluded]

        def last_foreign(request: Request, client: Client) -> str:
            for text in reversed(_forwarded_for(request, client)):
                if text and not any(_holds(network, text) for network in networks):
                    return text
            return ""

        return last_foreign
    if bits:
        return lambda _request, client: _subnet(client.peer, bits)
    return by_peer


def _forwarded_for(request: Request, client: Client) -> list[str]:
    """What trusted proxies in front have told, in their order."""
    lines = headers(request, client).get("x-forwarded-for", ())
    return [text.strip() for line in lines for text in line.split(",")]


def _from_right(addresses: list[str], depth: int) -> str:
    return addresses[-depth] if len(addresses) >= depth else ""


def _holds(network: Any, text: str) -> bool:
    try:
        return ip_address(text) in network
    except ValueError:
        return False


def _subnet(text: str, bits: int | None) -> str:
    """The first address of the IPv6 network of this size around it; others stay as they are."""
    if bits is None:
        return text
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return text
    return str(ip_network((address, bits), strict=False).network_address)
