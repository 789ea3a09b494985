"""Passive health checks, as in Traefik 3: ejects a server from a service after failed requests in a row."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.ejection.ejections import Ejections
    from proxy.upstream.endpoint import Target
    from rondpoint.model import Service

_SERVER_ERROR = 500


def record_outcome(ejections: Ejections, service: Service, target: Target, status: int) -> None:
    """Record a request to a server, if the service has a passive health check.

    `status` is that of the server's response, 0 if it sent none.
    """
    check = service.passive_health_check
    if check is None:
        return
    if 0 < status < _SERVER_ERROR:
        target.failed_at = ()
        return
    now = monotonic()
    begin = now - check.failure_window
    recent = (*(moment for moment in target.failed_at if moment > begin), now)
    target.failed_at = recent = recent[-check.max_failed_attempts :]
    if len(recent) < check.max_failed_attempts:
        return
    # As in Traefik: with an active health check, the next one that succeeds brings the server back.
    active = service.health_check
    seconds = check.failure_window if active is None else active.interval
    last = f"status {status}" if status else "no response"
    reason = f"{len(recent)} failed requests in a row, the last with {last}"
    ejections.eject_from_service(target, seconds, reason)
