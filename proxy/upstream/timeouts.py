"""The timeouts for servers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    """Timeouts in seconds, 0 for none.

    `dial` and `idle` are for auxiliary servers: to connect, and how long an idle connection is kept. Servers
    of services have those of their transport. `stall`: how long a server may accept no data of a request.
    `pause`: how long a server may pause within a response.
    """

    dial: float = 30.0
    idle: float = 90.0
    stall: float = 0.0
    pause: float = 0.0
