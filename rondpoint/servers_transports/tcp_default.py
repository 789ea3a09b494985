"""The TCP transport of services that name none, from the settings below `tcpServersTransport`."""

from __future__ import annotations

from rondpoint.model import ServersTransport
from rondpoint.settings import Settings
from rondpoint.tcp.model import TcpServersTransport

_DEFAULT = TcpServersTransport("")


def default_tcp_transport(settings: Settings) -> TcpServersTransport | None:
    """Return the default transport of these settings; None if none of them is set."""
    options = settings.tcp_servers_transport
    tls = ServersTransport(
        "", insecure_skip_verify=options.tls.insecure_skip_verify, root_cas=tuple(options.tls.root_cas)
    )
    found = TcpServersTransport(
        "",
        dial_timeout=options.dial_timeout,
        # As in Traefik, 0 stands for the default.
        dial_keep_alive=options.dial_keep_alive or _DEFAULT.dial_keep_alive,
        termination_delay=options.termination_delay,
        tls=None if tls == ServersTransport("") else tls,
    )
    return None if found == _DEFAULT else found
