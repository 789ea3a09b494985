"""What one registrar's services stand as in Consul's agent."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from discovery.consul import BadAnswerError, Client, RefusedError
from discovery.registrar.reconcile import has_own_form, is_own, is_there, reconcile
from discovery.registrar.registration import Registration
from discovery.registrar.registrations import SOURCE
from rondpoint.diagnostics import Diagnostic, Severity

logger = logging.getLogger(__name__)

Wanted = Mapping[str, Registration]
Present = Mapping[str, Mapping[str, Any]]


class Standing:
    """Brings Consul's agent to what is wanted, and touches no registration but its own.

    It outlives faults of Consul, so that what goes meanwhile is deregistered later. `cleanup`: what an
    earlier registrar of this host left behind is taken away, too. Calls raise ConsulError; what is wrong
    with one service alone, a right that is missing among it, becomes a diagnostic.
    """

    def __init__(self, hostname: str, *, cleanup: bool) -> None:
        self._hostname = hostname
        self._cleanup = cleanup
        self._given: dict[str, Registration] = {}
        self._failed: dict[str, Diagnostic] = {}

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What could not be done, in order of id."""
        return tuple(self._failed[service_id] for service_id in sorted(self._failed))

    def renew(self, client: Client, wanted: Wanted) -> None:
        """Register everything, for the agent does not tell checks, and may have lost them."""
        present = client.agent_services()
        actions = reconcile(wanted.values(), present, self._hostname, gone=self._given, cleanup=self._cleanup)
        self._forget(self._given.keys() - wanted.keys() - present.keys())
        self._deregister_all(client, actions.deregister, present)
        self._register_all(client, wanted.values(), present)

    def mend(self, client: Client, wanted: Wanted) -> None:
        """Register what the agent has lost, or has otherwise; try again what failed."""
        present = client.agent_services()
        actions = reconcile(wanted.values(), present, self._hostname, gone=self._given)
        self._forget(self._given.keys() - present.keys())
        self._deregister_all(client, actions.deregister, present)
        self._register_all(client, actions.register, present)

    def change(self, client: Client, wanted: Wanted) -> None:
        """Register and deregister what differs from the last time."""
        leaving = [each for each in self._given if each not in wanted and each not in self._failed]
        coming = [
            each
            for each in wanted.values()
            if self._given.get(each.id) != each and each.id not in self._failed
        ]
        present: Present = {}
        if not all(self._is_ours_by_form(each) for each in (*leaving, *(one.id for one in coming))):
            present = client.agent_services()
        self._deregister_all(client, leaving, present)
        self._register_all(client, coming, present)
        for service_id in self._failed.keys() - wanted.keys() - self._given.keys():
            # Nobody asks for it any more.
            del self._failed[service_id]

    def _register_all(self, client: Client, registrations: Iterable[Registration], present: Present) -> None:
        for each in registrations:
            standing = present.get(each.id)
            if standing and not self._is_ours(each.id, standing, each):
                self._given.pop(each.id, None)
                self._fail(
                    each.id, "is registered by somebody else, and left alone", "give another SERVICE_ID"
                )
                continue
            try:
                client.register(each.body())
            except (RefusedError, BadAnswerError) as error:
                self._fail(each.id, f"cannot be registered: {error.message}", error.hint)
                continue
            if self._given.get(each.id) != each:
                logger.info("registered %s as %s at %s:%d", each.id, each.name, each.address, each.port)
            self._given[each.id] = each

    def _deregister_all(self, client: Client, ids: Iterable[str], present: Present) -> None:
        for service_id in ids:
            given, standing = self._given.get(service_id), present.get(service_id)
            if not self._is_ours_by_form(service_id) and not (
                standing and self._is_ours(service_id, standing, given)
            ):
                # It has gone, or somebody else has taken the id over since.
                self._given.pop(service_id, None)
                continue
            try:
                client.deregister(service_id)
            except (RefusedError, BadAnswerError) as error:
                self._fail(service_id, f"cannot be deregistered: {error.message}", error.hint)
                continue
            logger.info("deregistered %s", service_id)
            self._given.pop(service_id, None)

    def _forget(self, lost: Iterable[str]) -> None:
        """What the agent has not any more; and what failed is to be tried again."""
        for service_id in lost:
            self._given.pop(service_id, None)
        self._failed.clear()

    def _is_ours_by_form(self, service_id: str) -> bool:
        return has_own_form(service_id, self._hostname)

    def _is_ours(self, service_id: str, standing: Mapping[str, Any], known: Registration | None) -> bool:
        """Whether a registrar of this host has registered it, or a foreign one the same container."""
        return is_own(service_id, standing, self._hostname) or (
            known is not None and is_there(known, standing)
        )

    def _fail(self, service_id: str, message: str, hint: str) -> None:
        self._failed[service_id] = Diagnostic(Severity.ERROR, SOURCE, f"service {service_id}", message, hint)
