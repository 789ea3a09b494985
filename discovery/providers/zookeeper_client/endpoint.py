"""ZooKeeper servers, and what a connection to one of them needs."""

from __future__ import annotations

import ssl

from msgspec import Struct

from discovery.connections.addresses import Address, parse_address
from rondpoint.settings import StoreTls, ZooKeeperOptions

_DEFAULT_ADDRESS = "127.0.0.1"
_DEFAULT_PORT = 2181


class Endpoint(Struct, frozen=True):
    """One server. Without a `username` there is no login, without `tls` no TLS."""

    address: Address
    username: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return str(self.address)


def endpoints_of(options: ZooKeeperOptions) -> tuple[Endpoint, ...]:
    """Return the servers of the settings. Raises ValueError with one line."""
    context = None if options.tls is None else _tls_context(options.tls)
    return tuple(
        Endpoint(_parse_address(written), options.username, options.password, context)
        for written in options.endpoints or (_DEFAULT_ADDRESS,)
    )


def _parse_address(written: str) -> Address:
    if "://" in written or "@" in written:
        raise ValueError(f"ZooKeeper's address {written.rpartition('@')[2]!r} is not host:port")
    return parse_address(written, "ZooKeeper", _DEFAULT_PORT)


def _tls_context(options: StoreTls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.ca or None)
        if options.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if options.cert:
            context.load_cert_chain(options.cert, options.key or None)
    except OSError as error:
        raise ValueError(f"the files of providers.zooKeeper.tls cannot be used: {error}") from None
    return context
