"""Address, credentials and TLS of a member of etcd."""

from __future__ import annotations

from msgspec import Struct

from discovery.connections.addresses import Address, parse_address
from rondpoint.settings import EtcdOptions, StoreTls

DEFAULT_PORT = 2379


class Endpoint(Struct, frozen=True):
    """One member; `tls` is None for plain HTTP."""

    address: Address
    username: str = ""
    password: str = ""
    tls: StoreTls | None = None

    def __str__(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://{self.address}"


def endpoints_of(options: EtcdOptions) -> tuple[Endpoint, ...]:
    """Return the endpoints of the settings. Raises ValueError with one line."""
    return tuple(_endpoint(written.strip(), options) for written in options.endpoints)


def _endpoint(written: str, options: EtcdOptions) -> Endpoint:
    address = parse_address(written, "etcd", DEFAULT_PORT)
    if options.tls is not None and address.scheme == "http":
        raise ValueError(f"etcd's address {str(address)!r} is http, but providers.etcd.tls is set")
    return Endpoint(
        address,
        options.username or address.username,
        options.password or address.password,
        options.tls or (StoreTls() if address.scheme == "https" else None),
    )
