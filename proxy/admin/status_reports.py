"""What a worker tells of itself, of the store, and of the agents that feed it."""

from __future__ import annotations

import os
from time import time
from typing import Any

import msgspec
import redis

from proxy.admin.current_worker import Json, runtime
from proxy.background.cooperative_yield import CooperativeYield
from rondpoint.diagnostics import Diagnostic
from rondpoint.store.agents import AgentStatus, read_agents
from rondpoint.store.server_metrics import server_of


def worker_report() -> Json:
    """Requests and connections of this worker, and its counts by router, and by service and server."""
    parts = runtime()
    log = parts.context.access_log
    return {
        "pid": os.getpid(),
        "requests": parts.context.requests,
        "connections": parts.connections,
        "upgrades": parts.context.upgrades,
        "droppedLogLines": 0 if log is None else log.lines.dropped,
        "metrics": {
            tally.router: msgspec.to_builtins(tally.counts())
            for tally in sorted(parts.context.tallies.all(), key=lambda tally: tally.router)
            if tally.requests
        },
        "servers": _servers(),
    }


def store_report() -> Json:
    """Whether the store answers this worker, and how many tickets it had to do without it."""
    parts = runtime()
    return {
        "connected": parts.watcher.connected,
        "ticketsShared": not parts.tickets.degraded,
        "localTickets": parts.tickets.local,
        "lateTickets": parts.tickets.late,
    }


def agents_report() -> dict[str, Json]:
    """The agents by name; none where the store does not answer."""
    parts = runtime()
    try:
        agents = read_agents(parts.client, parts.keys)
    except redis.RedisError:
        return {}
    now = time()
    return {name: _agent(status, now) for name, status in sorted(agents.items())}


def diagnostic_report(diagnostic: Diagnostic) -> dict[str, Any]:
    """All fields, empty or not."""
    return {
        "severity": diagnostic.severity.value,
        "source": diagnostic.source,
        "subject": diagnostic.subject,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "excerpt": diagnostic.excerpt,
        "about": diagnostic.about,
    }


def _servers() -> dict[str, Json]:
    """What was counted at servers, by service and URL."""
    found: dict[str, Json] = {}
    yield_if_due = CooperativeYield()
    for field, tally in sorted(runtime().context.tallies.servers.all.items()):
        yield_if_due()
        service, url = server_of(field)
        found.setdefault(service, {})[url] = msgspec.to_builtins(tally.counts())
    return found


def _agent(status: AgentStatus, now: float) -> Json:
    return {
        "host": status.host,
        "pid": status.pid,
        "startedAt": status.started_at,
        "seenAt": status.seen_at,
        "alive": status.alive(now),
        "role": status.role,
        "part": status.part,
        "providers": {
            name: {"state": provider.state, "message": provider.message, "since": provider.since}
            for name, provider in status.providers.items()
        },
    }
