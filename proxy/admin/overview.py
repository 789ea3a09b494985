"""What API and dashboard show: the configuration that this worker serves now, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import msgspec
import redis
from flask import current_app

from proxy.middlewares.chains import ChainError
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.explaining.configured import Configured
from rondpoint.explaining.explain import explain_request
from rondpoint.explaining.explanation import Explanation
from rondpoint.middlewares.redaction import redacted
from rondpoint.model import Middleware, Router, ServerState, Service
from rondpoint.rules.facts import Facts
from rondpoint.store.agents import AgentStatus, read_agents
from rondpoint.store.read import read_diagnostics

if TYPE_CHECKING:
    from proxy.runtime import Runtime

Json = dict[str, Any]


def runtime() -> Runtime:
    """The running worker's parts."""
    return cast("Runtime", current_app.config["RUNTIME"])


def rawdata() -> Json:
    """Everything, by qualified name; `status` of a router tells whether its requests are served."""
    parts = runtime()
    state = parts.applier.state()
    services = state.services
    diagnostics, agents = _from_store(parts)
    return {
        "revision": parts.applier.revision,
        "worker": _worker(parts),
        "ejections": {
            "count": parts.ejections.count,
            "servers": {
                url: {"by": by, "reason": reason}
                for url, (by, reason) in sorted(parts.ejections.aside.items())
            },
        },
        "store": {"connected": parts.watcher.connected, "localTickets": parts.tickets.local},
        "routers": {name: _router(router, services) for name, router in sorted(state.routers.items())},
        "services": {name: _service(service) for name, service in sorted(services.items())},
        "middlewares": {name: _middleware(item) for name, item in sorted(state.middlewares.items())},
        "agents": {name: _agent(status) for name, status in sorted(agents.items())},
        "diagnostics": [_diagnostic(item) for item in (*diagnostics, *_own_diagnostics(parts))],
    }


def explanation(entry_point: str, facts: Facts) -> Explanation:
    """What this worker makes of a request."""
    parts = runtime()
    state = parts.applier.state()
    diagnostics, _ = _from_store(parts)
    configured = Configured(
        state.routers,
        state.services,
        state.middlewares,
        (*diagnostics, *_own_diagnostics(parts)),
        parts.settings.default_entry_points,
        parts.settings.tls_entry_points,
    )
    return explain_request(configured, entry_point, facts)


def _worker(parts: Runtime) -> Json:
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
    }


def _from_store(parts: Runtime) -> tuple[tuple[Diagnostic, ...], dict[str, AgentStatus]]:
    try:
        return read_diagnostics(parts.client, parts.keys), read_agents(parts.client, parts.keys)
    except redis.RedisError as error:
        gone = Diagnostic(Severity.WARNING, "store", "connection", f"the store does not answer: {error}")
        return (gone,), {}


def _own_diagnostics(parts: Runtime) -> Iterator[Diagnostic]:
    """What this worker itself knows to be wrong."""
    yield from parts.watcher.problems
    aside = parts.ejections.aside
    if not aside:
        return
    for name, service in sorted(parts.context.services.known.items()):
        for server in service.servers:
            if server.url in aside:
                by, reason = aside[server.url]
                yield Diagnostic(
                    Severity.WARNING,
                    "proxy",
                    f"service {name}",
                    f"server {server.url} could not be reached, and is put aside by worker {by}: {reason}",
                    "it gets requests again once it takes connections, or if no other server is left",
                )


def _router(router: Router, services: dict[str, Service]) -> Json:
    return {
        "rule": router.rule.text,
        "entryPoints": list(router.entry_points or runtime().settings.default_entry_points),
        "priority": router.priority,
        "service": router.service,
        "middlewares": list(router.middlewares),
        "passHostHeader": router.pass_host_header,
        "tls": router.tls,
        "status": "enabled" if router.service in services and _performed(router) else "disabled",
    }


def _performed(router: Router) -> bool:
    try:
        runtime().context.chains.steps(router)
    except ChainError:
        return False
    return True


def _service(service: Service) -> Json:
    return {
        "passHostHeader": service.pass_host_header,
        "strategy": service.composition or service.strategy,
        "members": [{"name": member.name, "weight": member.weight} for member in service.members],
        "stickyCookie": None if service.sticky is None else service.sticky.called(service.name),
        "servers": [
            {"name": server.name, "url": server.url, "weight": server.weight, "state": server.state.value}
            for server in service.servers
        ],
        "serverStatus": {
            server.url: "DOWN" if server.state is ServerState.DOWN else "UP" for server in service.servers
        },
    }


def _middleware(middleware: Middleware) -> Json:
    shown: Json = {"kind": middleware.kind, "options": redacted(middleware).options}
    return {**shown, "unusable": True} if middleware.unusable else shown


def _agent(status: AgentStatus) -> Json:
    return {
        "host": status.host,
        "pid": status.pid,
        "startedAt": status.started_at,
        "seenAt": status.seen_at,
        "providers": {
            name: {"state": provider.state, "message": provider.message, "since": provider.since}
            for name, provider in status.providers.items()
        },
    }


def _diagnostic(diagnostic: Diagnostic) -> Json:
    return {
        "severity": diagnostic.severity.value,
        "source": diagnostic.source,
        "subject": diagnostic.subject,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    }
