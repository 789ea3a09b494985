"""Diagnostics about providers that cannot read their source."""

from proxy.admin.provider_outages import outage_diagnostics
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.agents import SILENT_AFTER, AgentStatus, ProviderStatus

REFUSED = ProviderStatus("retrying", "Consul refuses: Permission denied (grant the token node:read)")


def agent(name: str, seen_at: float, **providers: ProviderStatus) -> AgentStatus:
    return AgentStatus(name, "host", 1, 0.0, seen_at, providers)


def test_each_retrying_provider_of_live_agents_has_one_diagnostic() -> None:
    agents = [
        agent("a", 100.0, consul=REFUSED, docker=ProviderStatus("ok"), file=ProviderStatus("starting")),
        agent("b", 100.0, consul=REFUSED),
        agent("gone", 99.0 - SILENT_AFTER, docker=ProviderStatus("retrying", "no engine")),
    ]
    assert outage_diagnostics(agents, 100.0) == (
        Diagnostic(
            Severity.WARNING,
            "consul",
            "provider consul",
            REFUSED.message,
            "the agent retries; the provider's routes stay unchanged",
        ),
    )
