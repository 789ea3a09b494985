"""A client as middlewares see it, for tests."""

from dataclasses import dataclass, field

from proxy.limits.in_flight_limits import InFlightLimits
from proxy.limits.rate_limits import RateLimits
from proxy.net.stream import Stream
from proxy.per_request.extras import Extras
from proxy.telemetry.tallies import Tally
from proxy.telemetry.tracing.trace import Trace


@dataclass(frozen=True, slots=True)
class Worker:
    """What all clients of a worker share; it has no store."""

    rate_limits: RateLimits = field(default_factory=RateLimits)
    in_flight_limits: InFlightLimits = field(default_factory=InFlightLimits)


class Sender:
    """A client at this address; `claimed` are its X-Forwarded header lines."""

    def __init__(self, peer: str = "192.0.2.1", claimed: bytes = b"", tls: str = "") -> None:
        self.peer = peer
        self.entry_point = "web"
        self.awaiting: Stream | None = None
        self.gone = False
        self.status = 499
        self.username = b""
        self.tls = ""
        self.tally = Tally()
        self.extras: Extras | None = None
        self.trace: Trace | None = None
        self.tls = tls
        self.context = Worker()
        self._claimed = claimed

    def forwarded(self, host: bytes) -> bytes:
        return self._claimed

    def watch(self) -> None:
        pass

    def detailed_trace(self) -> Trace | None:
        return self.trace
