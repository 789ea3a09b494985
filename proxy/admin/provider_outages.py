"""Providers whose source cannot be read: what they would route may be missing, or is as it was."""

from __future__ import annotations

from collections.abc import Iterable

from rondpoint.diagnostics import PROVIDER, Diagnostic, Severity
from rondpoint.store.agents import AgentStatus


def findings(agents: Iterable[AgentStatus], now: float) -> tuple[Diagnostic, ...]:
    """What agents at work (`now` in Unix seconds) say of such providers, each of them once."""
    found = (
        Diagnostic(
            Severity.WARNING,
            name,
            f"{PROVIDER}{name}",
            provider.message,
            "it is tried again, and its routes stay as they were",
        )
        for agent in agents
        if agent.alive(now)
        for name, provider in sorted(agent.providers.items())
        if provider.state == "retrying"
    )
    return tuple(dict.fromkeys(found))
