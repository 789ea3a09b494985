"""Builds Consul endpoints from the settings."""

from __future__ import annotations

from discovery.consul.endpoint import Endpoint, Tls, endpoint
from rondpoint.settings import ConsulEndpoint, ConsulOptions, ConsulTls, RegistratorConsul


def catalogue_endpoints(options: ConsulEndpoint) -> tuple[Endpoint, ...]:
    """Return the catalogue's endpoints, one for each address. Raises ValueError with one line."""
    return tuple(
        endpoint(
            address.strip(),
            scheme=options.scheme,
            token=options.token,
            datacenter=options.datacenter,
            username=options.http_auth.username,
            password=options.http_auth.password,
            tls=_tls(options.tls),
        )
        for address in options.address.split(",")
    )


def key_endpoints(options: ConsulOptions) -> tuple[Endpoint, ...]:
    """Return the key-value store's endpoints. Raises ValueError with one line."""
    return tuple(
        endpoint(
            address,
            token=options.token,
            datacenter=options.datacenter,
            username=options.username,
            password=options.password,
            tls=_tls(options.tls),
        )
        for address in options.endpoints or ("",)
    )


def registrar_endpoint(options: RegistratorConsul | None) -> Endpoint:
    """Return the registrar's endpoint; without options, Consul's own variables decide. Raises ValueError."""
    if options is None:
        return endpoint()
    return endpoint(
        options.address,
        scheme=options.scheme,
        token=options.token,
        username=options.http_auth.username,
        password=options.http_auth.password,
        tls=_tls(options.tls),
    )


def _tls(options: ConsulTls | None) -> Tls | None:
    if options is None:
        return None
    return Tls(options.ca, options.cert, options.key, options.insecure_skip_verify)
