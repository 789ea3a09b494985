"""When an attempt at a server has to end: at the deadline of a gRPC call, or by the middleware `timeouts`."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.exchange.errors import NoResponseError
from proxy.exchange.grpc_deadline import DEADLINE, call_deadline
from proxy.exchange.grpc_errors import DEADLINE_EXCEEDED, is_call
from proxy.http1.errors import RequestError
from proxy.net.deadlines import NEVER, expire_at

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.net.stream import Stream

TIMEOUT = "gateway timeout: the response was not complete within the timeouts of the route"
"""The reason in the error for the client."""


def attempt_deadline(downstream: Downstream, request: Request) -> float:
    """Return when an attempt that begins now has to end, in monotonic seconds; NEVER without a limit.

    Raises RequestError if the time for the whole exchange is over.
    """
    deadline = call_deadline(request) if request.kind else NEVER
    extras = downstream.extras
    if extras is None or extras.time_limits is None:
        return deadline
    if extras.time_limits.end <= monotonic():
        # An earlier attempt took the time, so this server is not to blame.
        raise RequestError(504, TIMEOUT)
    return min(deadline, extras.time_limits.attempt_end())


def leaves_time(downstream: Downstream, seconds: float) -> bool:
    """Return whether the exchange may go on after a pause of so many seconds."""
    extras = downstream.extras
    return extras is None or extras.time_limits is None or monotonic() + seconds < extras.time_limits.end


def set_deadline(downstream: Downstream, stream: Stream, deadline: float) -> None:
    """Set the deadline of the server's stream, exactly if the middleware `timeouts` wants one.

    Calls of gRPC have their grace instead, and most of them have a deadline.
    """
    extras = downstream.extras
    if extras is None or extras.time_limits is None:
        stream.deadline = deadline
    else:
        expire_at(stream, deadline)


def missed_deadline(request: Request) -> NoResponseError:
    """Return the error for a server that has not responded before the deadline of the attempt."""
    if is_call(request):
        return NoResponseError(504, try_others=False, reason=DEADLINE, grpc_status=DEADLINE_EXCEEDED)
    return NoResponseError(504, try_others=False, reason=TIMEOUT)
