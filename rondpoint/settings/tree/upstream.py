"""How servers are spoken to."""

from __future__ import annotations

from pydantic import Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import NonNegativeInt, Seconds


class ForwardingTimeouts(Section):
    dial_timeout: Seconds = Field(
        default=30.0, description="Time for a connection to a server; 0 for no limit."
    )
    response_header_timeout: Seconds = Field(
        default=0.0,
        description="Time for a server to begin its response, once it has the request; 0 for no limit.",
    )
    idle_conn_timeout: Seconds = Field(
        default=90.0, description="Time an unused connection to a server is kept; 0 for no limit."
    )


class ServersTransport(Section):
    forwarding_timeouts: ForwardingTimeouts = ForwardingTimeouts()
    retry_attempts: NonNegativeInt = Field(
        default=0,
        description="Attempts in all at a request that gets no answer, if more than one with each server; a"
        " `retry` middleware goes before it.",
    )
