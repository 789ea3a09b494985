"""The settings of connections to servers."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Integer, NonNegativeInt, Seconds, SignedSeconds, Switch, Texts


class ForwardingTimeouts(Section):
    dial_timeout: Seconds = Field(
        default=30.0, description="Time limit for connecting to a server; 0 for no limit."
    )
    response_header_timeout: Seconds = Field(
        default=0.0,
        description="Time limit for a server to begin its response after it has the request; 0 for no limit.",
    )
    idle_conn_timeout: Seconds = Field(
        default=90.0, description="Time for which an idle connection to a server stays open; 0 for no limit."
    )


class ServersTransport(Section):
    forwarding_timeouts: ForwardingTimeouts = ForwardingTimeouts()
    insecure_skip_verify: Switch = Field(
        default=False,
        description="Accept any certificate of a server with `https`, and any name in it. Services with a "
        "`serversTransport` of their own do not use this option.",
    )
    root_cas: Texts = Field(
        default=(),
        description="Files of the certificate authorities that must have signed servers' certificates, or "
        "their contents in PEM; by default the system's.",
    )
    max_idle_conns_per_host: Integer = Field(
        default=200,
        description="Idle connections that each worker keeps to a server; negative for none, 0 for the "
        "default.",
    )
    retry_attempts: NonNegativeInt = Field(
        default=0,
        description="Total number of attempts for a request without a response, if more than one for each "
        "server; a `retry` middleware takes precedence.",
    )


class TcpClientTls(Section):
    """TLS to the servers of TCP services."""

    insecure_skip_verify: Switch = Field(
        default=False, description="Accept any certificate of a server with `tls`, and any name in it."
    )
    root_cas: Texts = Field(
        default=(),
        description="Files of the certificate authorities that must have signed servers' certificates, or "
        "their contents in PEM; by default the system's.",
    )


class TcpServersTransport(Section):
    """Connections to the servers of TCP services without a `serversTransport`; the agent reads these."""

    dial_timeout: Seconds = Field(
        default=30.0, description="Time limit for connecting to a server; 0 for no limit."
    )
    dial_keep_alive: SignedSeconds = Field(
        default=15.0,
        description="Time between keep-alive probes of a connection; a negative one for no probes, 0 for the "
        "default.",
    )
    termination_delay: SignedSeconds = Field(
        default=0.1,
        description="Once one side has ended its stream, the other has this time to end its own; a negative "
        "one for no limit.",
    )
    tls: TcpClientTls = TcpClientTls()
