"""Diagnostics about providers that cannot read their source; their routes may be missing or outdated."""

from __future__ import annotations

from collections.abc import Iterable

from rondpoint.diagnostics import PROVIDER, Diagnostic, Severity
from rondpoint.store.agents import AgentStatus


def outage_diagnostics(agents: Iterable[AgentStatus], now: float) -> tuple[Diagnostic, ...]:
    """Return the distinct diagnostics about such providers of live agents; `now` is in Unix seconds."""
    found = (
        Diagnostic(
            Severity.WARNING,
            name,
            f"{PROVIDER}{name}",
            provider.message,
            "the agent retries; the provider's routes stay unchanged",
        )
        for agent in agents
        if agent.alive(now)
        for name, provider in sorted(agent.providers.items())
        if provider.state == "retrying"
    )
    return tuple(dict.fromkeys(found))
