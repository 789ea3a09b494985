"""Registers and deregisters one registrar's services with Consul's agent."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from discovery.consul import BadResponseError, Client, RefusedError
from discovery.registrar.reconcile import has_host_id, is_registered_by_host, is_same_service, reconcile
from discovery.registrar.registration import Registration
from discovery.registrar.registrations import SOURCE
from rondpoint.diagnostics import Diagnostic, Severity

logger = logging.getLogger(__name__)

WantedById = Mapping[str, Registration]
AgentServices = Mapping[str, Mapping[str, Any]]


class RegisteredServices:
    """The services of one registrar in Consul's agent; services that others registered stay untouched.

    It outlives failures of Consul, so that services removed meanwhile are deregistered later. With `cleanup`,
    services that an earlier registrar of this host left behind are deregistered too. Calls raise ConsulError;
    the error of a single service, such as a missing permission, becomes a diagnostic.
    """

    def __init__(self, hostname: str, *, cleanup: bool) -> None:
        self._hostname = hostname
        self._cleanup = cleanup
        self._registered: dict[str, Registration] = {}
        self._failed: dict[str, Diagnostic] = {}

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The failed registrations and deregistrations, sorted by id."""
        return tuple(self._failed[service_id] for service_id in sorted(self._failed))

    def register_all(self, client: Client, wanted: WantedById) -> None:
        """Register every service again, because the agent does not list checks and may have lost them."""
        in_agent = client.agent_services()
        actions = reconcile(
            wanted.values(), in_agent, self._hostname, removed=self._registered, cleanup=self._cleanup
        )
        self._forget(self._registered.keys() - wanted.keys() - in_agent.keys())
        self._deregister_all(client, actions.deregister, in_agent)
        self._register_all(client, wanted.values(), in_agent)

    def repair(self, client: Client, wanted: WantedById) -> None:
        """Register the services that the agent has lost or has differently; retry what failed."""
        in_agent = client.agent_services()
        actions = reconcile(wanted.values(), in_agent, self._hostname, removed=self._registered)
        self._forget(self._registered.keys() - in_agent.keys())
        self._deregister_all(client, actions.deregister, in_agent)
        self._register_all(client, actions.register, in_agent)

    def apply_changes(self, client: Client, wanted: WantedById) -> None:
        """Register and deregister what changed since the last call."""
        to_deregister = [each for each in self._registered if each not in wanted and each not in self._failed]
        to_register = [
            each
            for each in wanted.values()
            if self._registered.get(each.id) != each and each.id not in self._failed
        ]
        in_agent: AgentServices = {}
        if not all(self._has_host_id(each) for each in (*to_deregister, *(one.id for one in to_register))):
            in_agent = client.agent_services()
        self._deregister_all(client, to_deregister, in_agent)
        self._register_all(client, to_register, in_agent)
        for service_id in self._failed.keys() - wanted.keys() - self._registered.keys():
            # The service is no longer wanted, so its error no longer matters.
            del self._failed[service_id]

    def _register_all(
        self, client: Client, registrations: Iterable[Registration], in_agent: AgentServices
    ) -> None:
        for each in registrations:
            found = in_agent.get(each.id)
            if found and not self._is_own(each.id, found, each):
                self._registered.pop(each.id, None)
                self._fail(
                    each.id, "is registered by another program and left alone", "set another SERVICE_ID"
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
            registered, found = self._registered.get(service_id), in_agent.get(service_id)
            if not self._has_host_id(service_id) and not (
                found and self._is_own(service_id, found, registered)
            ):
                # The service no longer exists, or another program has taken over its id.
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
        """Forget the services that the agent no longer has, and all failures, so that they are retried."""
        for service_id in lost:
            self._registered.pop(service_id, None)
        self._failed.clear()

    def _has_host_id(self, service_id: str) -> bool:
        return has_host_id(service_id, self._hostname)

    def _is_own(self, service_id: str, found: Mapping[str, Any], known: Registration | None) -> bool:
        """Return whether a registrar of this host registered the service, or another one the same service."""
        return is_registered_by_host(service_id, found, self._hostname) or (
            known is not None and is_same_service(known, found)
        )

    def _fail(self, service_id: str, message: str, hint: str) -> None:
        self._failed[service_id] = Diagnostic(Severity.ERROR, SOURCE, f"service {service_id}", message, hint)
