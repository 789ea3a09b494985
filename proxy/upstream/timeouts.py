"""How long the proxy waits for servers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    """Seconds, 0 for none: to connect, to wait for a response head, to keep an idle connection; and for a
    server to take nothing of a request, or to pause within a response.
    """

    dial: float = 30.0
    response_header: float = 0.0
    idle: float = 90.0
    stall: float = 0.0
    pause: float = 0.0
