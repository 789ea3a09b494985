"""Compiles `sourceCriterion`, as in Traefik 3: the key by which a middleware groups requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from proxy.middlewares.sources.address_ranges import AddressRanges
from proxy.routing.request_attributes import headers

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client

Source = Callable[["Request", "Client"], str]
"""Returns the key of a request; empty if the request has none."""

Address = Callable[["Request", "Client"], str]
"""Returns the client's address of a request; empty if the request has none."""


def compile_source(criterion: Mapping[str, Any] | None, default: Source) -> Source:
    """Compile the options of a `sourceCriterion`. Raises ValueError for more than one criterion."""
    given = [] if criterion is None else [name for name in criterion if criterion[name] or name in _GROUPS]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are mutually exclusive")
    if not given or criterion is None:
        return default
    if given[0] == "requestHost":
        return request_host
    if given[0] == "requestHeaderName":
        name = criterion["requestHeaderName"].lower()
        return lambda request, client: ", ".join(headers(request, client).get(name, ()))
    return compile_address(criterion["ipStrategy"])


_GROUPS = ("ipStrategy",)


def request_host(request: Request, client: Client) -> str:
    """Return the Host as sent, in lower case."""
    return request.host.decode("latin-1").lower()


def client_address(request: Request, client: Client) -> str:
    """Return the address of the connection's client, or that of a trusted PROXY header."""
    return client.peer


def compile_address(strategy: Mapping[str, Any]) -> Address:
    """Compile the options of an `ipStrategy`.

    With `depth`, the address is at this position of X-Forwarded-For, counted from the right. With
    `excludedIPs`, it is the last one there that is not excluded. Otherwise it is the connection's address.
    """
    depth, excluded, bits = strategy["depth"], strategy.get("excludedIPs"), strategy.get("ipv6Subnet")
    if depth:
        return lambda request, client: _subnet(_from_right(_forwarded_for(request, client), depth), bits)
    if excluded:
        holds = AddressRanges(excluded).holds

        def last_foreign(request: Request, client: Client) -> str:
            for text in reversed(_forwarded_for(request, client)):
                if text and not holds(text):
                    return text
            return ""

        return last_foreign
    if bits:
        return lambda _request, client: _subnet(client.peer, bits)
    return client_address


def _forwarded_for(request: Request, client: Client) -> list[str]:
    """Return the addresses that trusted proxies in front have sent, in order."""
    lines = headers(request, client).get("x-forwarded-for", ())
    return [text.strip() for line in lines for text in line.split(",")]


def _from_right(addresses: list[str], depth: int) -> str:
    return addresses[-depth] if len(addresses) >= depth else ""


def _subnet(text: str, bits: int | None) -> str:
    """Return the first address of the IPv6 network of `bits` bits; return other addresses unchanged."""
    if bits is None:
        return text
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return text
    return str(ip_network((address, bits), strict=False).network_address)
