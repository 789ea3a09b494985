"""The publication loop: one thread merges the providers' configurations, publishes them and sends heartbeats.

Only the leader publishes. If the installation has several agents, each also writes its own contribution.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress

import redis
from msgspec import Struct

from discovery.acme.certificates import AcmeCertificates
from discovery.connections.backoff import Backoff
from discovery.contributions.assembly import Assembly, combine_providers
from discovery.contributions.other_contributions import OtherContributions
from discovery.contributions.own_contribution import OwnContribution
from discovery.contributions.store_providers import STORE_PROVIDERS
from discovery.health.check_loop import CheckLoop
from discovery.health.server_states import apply_faults
from discovery.leader_election.candidate import Candidate
from discovery.merging.entry_point_tls import EntryPointTls, ResolverDefaults
from discovery.merging.layer4_options import Layer4Options
from discovery.merging.merge import merge
from discovery.process.heartbeat import INTERVAL, Heartbeat
from discovery.process.log_reports import DiagnosticLog, summarise
from discovery.supervision.provider_states import ProviderStates, Snapshot
from rondpoint.configuration import Configuration
from rondpoint.store.agents import Role
from rondpoint.store.keys import Keys
from rondpoint.store.publish import ConflictError, NotLeadingError, Publisher
from rondpoint.store.ticket_fields import TicketFields
from rondpoint.store.unused_tickets import UnusedTickets
from rondpoint.ticks import next_tick

logger = logging.getLogger(__name__)

MIN_REVISION_INTERVAL = 0.020
"""Shortest time between two revisions, in seconds; the first change after a pause is published at once."""
PROVIDER_TIMEOUT = 10.0
"""Seconds after the start within which providers have to send their first configuration."""
FIRST_DELAY = 0.1
LAST_DELAY = 2.0


class _OwnConfigurations(Struct, frozen=True):
    """The configurations of this agent at one `version` of the provider states.

    `provider_configurations` holds all of them by provider; `configuration` combines those that belong to
    this agent's contribution.
    """

    version: int
    provider_configurations: dict[str, Configuration]
    configuration: Configuration


class Publication:
    """Publishes the newest configurations from `states` and `other_contributions`.

    It publishes at every change, and again if the store has lost data. `entry_points` are those for routers,
    `tls` is their TLS, and `layer4` has the settings for TCP and UDP. `name` is the agent's name in the
    settings, `heartbeat` its entry in the list of agents. `checks` and `acme` follow the published
    configuration, and their results are published with it.
    """

    def __init__(
        self,
        states: ProviderStates,
        client: redis.Redis,
        keys: Keys,
        entry_points: Collection[str],
        tls: EntryPointTls,
        layer4: Layer4Options,
        name: str,
        heartbeat: Heartbeat,
        candidate: Candidate,
        other_contributions: OtherContributions,
        checks: CheckLoop,
        acme: AcmeCertificates,
    ) -> None:
        self._states = states
        self._entry_points = entry_points
        self._tls = tls
        self._layer4 = layer4
        self._resolver_defaults = ResolverDefaults(tls)
        self._name = name
        self._heartbeat = heartbeat
        self._candidate = candidate
        self._other_contributions = other_contributions
        self._checks = checks
        self._acme = acme
        self._own_contribution = OwnContribution(client, keys, name, candidate)
        self._assembly = Assembly()
        self._publisher = Publisher(client, keys, lambda: candidate.leader_lease.held)
        self._unused_tickets = UnusedTickets(client, keys)
        self._diagnostic_log = DiagnosticLog(logger)
        self._providers_due = time.monotonic() + PROVIDER_TIMEOUT
        self._last_own: _OwnConfigurations | None = None
        self._published: tuple[int, int, int, int, str] | None = None
        self._services = TicketFields()
        self._restored_for = ""
        self._written_at = 0.0
        self._last_heartbeat: tuple[int, Role] | None = None
        self._heartbeat_due = 0.0
        self._store_fault = ""

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop` and then the wake-up signal of the states are set; wait out store faults."""
        backoff = Backoff(FIRST_DELAY, LAST_DELAY)
        while not stop.is_set():
            try:
                self._run_once()
            except NotLeadingError as error:
                if not stop.is_set():
                    self._lease_lost(error)
            except (redis.RedisError, ConflictError) as store_error:
                self._store_failed(store_error)
            except Exception:
                # The thread must survive any error, because nothing else publishes.
                logger.exception("publication failed unexpectedly")
            else:
                self._store_recovered()
                backoff.reset()
                self._wait(stop)
                continue
            stop.wait(backoff.next())
        with suppress(redis.RedisError):
            self._heartbeat.remove()

    def _run_once(self) -> None:
        self._states.wake_up.clear()
        snapshot = self._states.snapshot()
        if self._ready_to_publish(snapshot):
            self._candidate.join_election()
        role = self._candidate.role
        if role != "leader":
            self._checks.suspend()
            self._acme.suspend()
        if role != "standby":
            self._contribute(snapshot)
        now = time.monotonic()
        if now >= self._heartbeat_due or self._last_heartbeat != (snapshot.status_version, role):
            self._heartbeat.beat(snapshot.statuses, role)
            self._last_heartbeat = snapshot.status_version, role
            self._heartbeat_due = next_tick(INTERVAL)
            self._check_store(role)

    def _wait(self, stop: threading.Event) -> None:
        now = time.monotonic()
        due = self._heartbeat_due
        if now < self._providers_due:
            due = min(due, self._providers_due)
        self._states.wake_up.wait(max(0.0, due - now))
        stop.wait(max(0.0, self._written_at + MIN_REVISION_INTERVAL - time.monotonic()))

    def _ready_to_publish(self, snapshot: Snapshot) -> bool:
        """Check that no provider is awaited any more, and that the other contributions have been read."""
        arrived = not snapshot.pending or time.monotonic() >= self._providers_due
        return arrived and self._other_contributions.complete

    def _contribute(self, snapshot: Snapshot) -> None:
        """Write this agent's contribution if there are several agents, and publish if this one leads."""
        others = self._other_contributions.snapshot()
        own = self._own_configurations(snapshot)
        several = bool(self._name or others.configurations)
        written = several and self._own_contribution.write(own.configuration)
        lease = self._candidate.leader_lease.held
        published = snapshot.version, others.version, self._checks.version, self._acme.version, lease
        if not lease:
            self._diagnostic_log.log_new(own.configuration.diagnostics)
        elif self._published != published:
            if several:
                self._assembly.replace({**others.configurations, self._name: own.configuration})
            self._restore_results(lease)
            self._publish(self._merged_contributions(own) if several else own.provider_configurations)
            self._published = published
            written = True
        if written:
            self._written_at = time.monotonic()

    def _own_configurations(self, snapshot: Snapshot) -> _OwnConfigurations:
        if self._last_own is None or self._last_own.version != snapshot.version:
            by_provider = self._own_contribution.provider_configurations(snapshot, self._publisher)
            own = {name: value for name, value in by_provider.items() if name not in STORE_PROVIDERS}
            self._last_own = _OwnConfigurations(snapshot.version, by_provider, combine_providers(own))
        return self._last_own

    def _merged_contributions(self, own: _OwnConfigurations) -> dict[str, Configuration]:
        """Combine the contributions of all agents, and add the providers that all agents have in common."""
        common = {
            name: value for name, value in own.provider_configurations.items() if name in STORE_PROVIDERS
        }
        return {**self._assembly.configurations(), **common}

    def _publish(self, configurations: Mapping[str, Configuration]) -> None:
        merged = merge(configurations, self._entry_points, self._tls, self._layer4)
        configuration = self._resolver_defaults.apply(merged)
        self._checks.follow(configuration)
        configuration = self._acme.apply(apply_faults(configuration, self._checks.faults))
        self._diagnostic_log.log_new(configuration.diagnostics)
        publication = self._publisher.write(configuration)
        self._services = TicketFields(
            configuration.services.keys(),
            configuration.tcp_services.keys(),
            configuration.udp_services.keys(),
        )
        if not publication.change.empty:
            logger.info("revision %d: %s", publication.revision, summarise(publication.change))

    def _restore_results(self, lease: str) -> None:
        """Take over the server states and the certificates that the last leader published."""
        if self._restored_for != lease:
            stored = self._publisher.stored()
            self._checks.restore(stored)
            self._acme.restore(stored)
            self._restored_for = lease

    def _check_store(self, role: Role) -> None:
        """Check that the store still holds what this agent wrote."""
        if role == "standby":
            return
        lost = not self._own_contribution.is_intact()
        leads = self._published is not None and self._published[-1] == self._candidate.leader_lease.held
        if leads and not self._publisher.is_intact():
            self._published = None
            lost = True
        if lost:
            logger.warning(
                "the store has lost data: the agent compares everything and writes what is missing"
            )
            self._acme.store_again()
            self._states.wake_up.set()
        elif leads:
            self._unused_tickets.remove_expired(
                self._candidate.leader_lease.held, self._services, time.monotonic()
            )

    def _lease_lost(self, error: Exception) -> None:
        logger.info("nothing is written, because another agent holds the lease: %s", error)
        self._candidate.check_now.set()

    def _store_failed(self, error: Exception) -> None:
        if str(error) != self._store_fault:
            self._store_fault = str(error)
            logger.warning(
                "the store cannot be written: %s; the agent keeps the newest configuration for later", error
            )

    def _store_recovered(self) -> None:
        if self._store_fault:
            self._store_fault = ""
            logger.info("the store is available again")
            # It may have lost data, so check it at once.
            self._heartbeat_due = 0.0
            self._candidate.check_now.set()
