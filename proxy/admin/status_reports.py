"""Reports about this worker, its store connection and the agents, for the API and the dashboard."""

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
from rondpoint.store.server_metrics import parse_server_field


def worker_report() -> Json:
    """Return the requests and connections of this worker, with its counts by router and by server."""
    worker = runtime()
    log = worker.context.access_log
    return {
        "pid": os.getpid(),
        "requests": worker.context.requests,
        "connections": worker.server.connections,
        "upgrades": worker.context.upgrades,
        "droppedLogLines": 0 if log is None else log.writer.dropped,
        "metrics": {
            tally.router: msgspec.to_builtins(tally.counts())
            for tally in sorted(worker.context.tallies.all(), key=lambda tally: tally.router)
            if tally.requests
        },
        "servers": _servers(),
    }


def store_report() -> Json:
    """Return whether the store is connected, and how many tickets this worker issued without it."""
    worker = runtime()
    return {
        "connected": worker.watcher.connected,
        "ticketsShared": not worker.tickets.degraded,
        "localTickets": worker.tickets.local,
        "lateTickets": worker.tickets.late,
    }


def agents_report() -> dict[str, Json]:
    """Return the agents by name; empty if the store does not respond."""
    worker = runtime()
    try:
        agents = read_agents(worker.client, worker.keys)
    except redis.RedisError:
        return {}
    now = time()
    return {name: _agent(status, now) for name, status in sorted(agents.items())}


def diagnostic_report(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return all fields of a diagnostic, including empty ones."""
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
    """Return the counts of servers by service and URL."""
    found: dict[str, Json] = {}
    yield_if_due = CooperativeYield()
    for field, tally in sorted(runtime().context.tallies.servers.all.items()):
        yield_if_due()
        service, url = parse_server_field(field)
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
        "contribution": status.contribution,
        "providers": {
            name: {"state": provider.state, "message": provider.message, "since": provider.since}
            for name, provider in status.providers.items()
        },
    }
