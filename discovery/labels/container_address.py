"""Finds the address at which a container is reachable."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from msgspec import Struct

from discovery.decoding.report import Report
from discovery.labels.container import Binding, Container
from discovery.labels.known_labels import NETWORK
from discovery.labels.options import LabelOptions


class Address(Struct, frozen=True):
    """The host and port of a container."""

    host: str
    port: int


class AddressOptions(Struct, frozen=True):
    """Options that choose among a container's addresses, from the provider's settings or the labels."""

    network: str = ""
    use_bind_port_ip: bool = False


def read_address_options(container: Container, options: LabelOptions) -> AddressOptions:
    """Return the address options from the container's labels, or else from `options`."""
    labels = {name.lower(): value for name, value in container.labels.items()}
    own = _label(labels, f"traefik.{container.provider}.network") or _label(labels, NETWORK)
    return AddressOptions(own or options.network, options.use_bind_port_ip)


def _label(labels: Mapping[str, str], name: str) -> str:
    return labels.get(name, "").strip()


def find_address(
    container: Container,
    port: int | None,
    address_options: AddressOptions,
    report: Report,
    *,
    udp: bool = False,
) -> Address | str:
    """Return the address of the container's `port`, or the reason why there is none.

    Without `port`, the lowest exposed one is used. With `udp` that is the lowest UDP port; if there is none,
    the source may not tell the protocols of ports, so the lowest of all is used.
    """
    ports, bindings = container.ports, container.bindings
    if udp:
        ports, bindings = container.udp_ports or ports, container.udp_bindings
    number = port if port is not None else next(iter(ports), None)
    if number is None:
        return "it exposes no port"
    bound = _published_address(bindings, number) if address_options.use_bind_port_ip else None
    if bound is not None:
        return bound
    if address_options.use_bind_port_ip:
        report.note(f"port {number} is bound to no address of the host, so the container's address is used")
    host = _host(container, address_options.network, report)
    return Address(host, number) if host else "it has no address in any network"


def _published_address(bindings: Mapping[int, tuple[Binding, ...]], port: int) -> Address | None:
    """Return the host's address that forwards to the container's `port`.

    If that port is not published, return a binding with `port` as the host's port.
    """
    own = bindings.get(port, ())
    outer = [each for _, all_of in sorted(bindings.items()) for each in all_of]
    for binding in (*own, *(each for each in outer if each.host_port == port)):
        if _is_specific(binding.host_ip):
            return Address(binding.host_ip, binding.host_port)
    return None


def _is_specific(address: str) -> bool:
    try:
        return not ip_address(address).is_unspecified
    except ValueError:
        return False


def _host(container: Container, network: str, report: Report) -> str:
    if container.network_mode == "host":
        return container.host_address
    reachable = {name: address for name, address in sorted(container.networks.items()) if address}
    if network in reachable:
        return reachable[network]
    first = next(iter(reachable), None)
    if first is None:
        return ""
    if network:
        provider = container.provider
        report.warning(
            f"it has no address in network {network}, so {first} is used",
            f"its networks: {', '.join(reachable)}; set by label traefik.{provider}.network or "
            f"providers.{provider}.network",
        )
    return reachable[first]
