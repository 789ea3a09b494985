"""The transport of services that name none, from the settings below `serversTransport`."""

from __future__ import annotations

from rondpoint.model import ServersTransport
from rondpoint.settings import Settings

NAME = "default@internal"


def default_transport(settings: Settings) -> ServersTransport:
    """Return the default transport of these settings."""
    options = settings.servers_transport
    timeouts = options.forwarding_timeouts
    return ServersTransport(
        NAME,
        insecure_skip_verify=options.insecure_skip_verify,
        root_cas=tuple(options.root_cas),
        max_idle_connections=options.max_idle_conns_per_host,
        dial_timeout=timeouts.dial_timeout,
        response_header_timeout=timeouts.response_header_timeout,
        idle_timeout=timeouts.idle_conn_timeout,
    )
