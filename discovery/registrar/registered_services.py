"""What one registrar's services stand as in Consul's agent."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from discovery.consul import BadResponseError, Client, RefusedError
from discovery.registrar.reconcile import has_own_id, is_own, is_same_service, reconcile
from discovery.registrar.registration import Registration
from discovery.registrar.registrations import SOURCE
from rondpoint.diagnostics import Diagnostic, Severity

logger = logging.getLogger(__name__)

WantedById = Mapping[str, Registration]
AgentServices = Mapping[str, Mapping[str, Any]]


class RegisteredServices:
    """Brings Consul's agent to what is wanted, and touches no registration but its own.

    It outlives faults of Consul, so that what goes meanwhile is deregistered later. `cleanup`: what an
    earlier registrar of this host left behind is taken away, too. Calls raise ConsulError; what is wrong
    with one service alone, a right that is missing among it, becomes a diagnostic.
    """

    def __init__(self, hostname: str, *, cleanup: bool) -> None:
        self._hostname = hostname
        self._cleanup = cleanup
        self._registered: dict[str, Registration] = {}
        self._failed: dict[str, Diagnostic] = {}

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What could not be done, in order of id."""
        return tuple(self._failed[service_id] for service_id in sorted(self._failed))

    def register_all(self, client: Client, wanted: WantedById) -> None:
        """Register everything, for the agent does not tell checks, and may have lost them."""
        in_agent = client.agent_services()
        actions = reconcile(
            wanted.values(), in_agent, self._hostname, removed=self._registered, cleanup=self._cleanup
        )
        self._forget(self._registered.keys() - wanted.keys() - in_agent.keys())
        self._deregister_all(client, actions.deregister, in_agent)
        self._register_all(client, wanted.values(), in_agent)

    def repair(self, client: Client, wanted: WantedById) -> None:
        """Register what the agent has lost, or has otherwise; try again what failed."""
        in_agent = client.agent_services()
        actions = reconcile(wanted.values(), in_agent, self._hostname, removed=self._registered)
        self._forget(self._registered.keys() - in_agent.keys())
        self._deregister_all(client, actions.deregister, in_agent)
        self._register_all(client, actions.register, in_agent)

    def apply_changes(self, client: Client, wanted: WantedById) -> None:
        """Register and deregister what differs from the last time."""
        to_deregister = [each for each in self._registered if each not in wanted and each not in self._failed]
        to_register = [
            each
            for each in wanted.values()
            if self._registered.get(each.id) != each and each.id not in self._failed
        ]
        in_agent: AgentServices = {}
        if not all(self._has_own_id(each) for each in (*to_deregister, *(one.id for one in to_register))):
            in_agent = client.agent_services()
        self._deregister_all(client, to_deregister, in_agent)
        self._register_all(client, to_register, in_agent)
        for service_id in self._failed.keys() - wanted.keys() - self._registered.keys():
            # Nobody asks for it any more.
            del self._failed[service_id]

    def _register_all(
        self, client: Client, registrations: Iterable[Registration], in_agent: AgentServices
    ) -> None:
        for each in registrations:
            found = in_agent.get(each.id)
            if found and not self._is_ours(each.id, found, each):
                self._registered.pop(each.id, None)
                self._fail(
                    each.id, "is registered by somebody else, and left alone", "give another SERVICE_ID"
                )
                continue
            try:
                client.register(each.body())
            except (RefusedError, BadResponseError) as error:
                self._fail(each.id, f"cannot be registered: {error.message}", error.hint)
                continue
            if self._registered.get(each.id) != each:
                logger.info("registered %s as %s at %s:%d", each.id, each.name, each.address, each.port)
            self._registered[each.id] = each

    def _deregister_all(self, client: Client, ids: Iterable[str], in_agent: AgentServices) -> None:
        for service_id in ids:
            given, found = self._registered.get(service_id), in_agent.get(service_id)
            if not self._has_own_id(service_id) and not (found and self._is_ours(service_id, found, given)):
                # It has gone, or somebody else has taken the id over since.
                self._registered.pop(service_id, None)
                continue
            try:
                client.deregister(service_id)
            except (RefusedError, BadResponseError) as error:
                self._fail(service_id, f"cannot be deregistered: {error.message}", error.hint)
                continue
            logger.info("deregistered %s", service_id)
            self._registered.pop(service_id, None)

    def _forget(self, lost: Iterable[str]) -> None:
        """What the agent has not any more; and what failed is to be tried again."""
        for service_id in lost:
            self._registered.pop(service_id, None)
        self._failed.clear()

    def _has_own_id(self, service_id: str) -> bool:
        return has_own_id(service_id, self._hostname)

    def _is_ours(self, service_id: str, found: Mapping[str, Any], known: Registration | None) -> bool:
        """Whether a registrar of this host has registered it, or a foreign one the same container."""
        return is_own(service_id, found, self._hostname) or (
            known is not None and is_same_service(known, found)
        )

    def _fail(self, service_id: str, message: str, hint: str) -> None:
        self._failed[service_id] = Diagnostic(Severity.ERROR, SOURCE, f"service {service_id}", message, hint)
