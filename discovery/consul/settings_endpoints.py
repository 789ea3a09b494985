"""Endpoints as the settings describe them."""

from __future__ import annotations

from discovery.consul.endpoint import Endpoint, Tls, endpoint
from rondpoint.settings import ConsulEndpoint, ConsulOptions, ConsulTls, RegistratorConsul


def catalogue_endpoints(options: ConsulEndpoint) -> tuple[Endpoint, ...]:
    """One for each address; raises ValueError, in one line, when something cannot be read."""
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
    """As `catalogue_endpoints`."""
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
    """As `catalogue_endpoints`; what Consul's own variables say, where there are no options."""
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
