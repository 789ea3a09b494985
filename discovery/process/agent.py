"""The agent: starts and stops the threads for providers, publication, leader election and health checks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis

from discovery import providers as available
from discovery.acme.certificates import AcmeCertificates
from discovery.acme.store import AcmeStore
from discovery.admin.change_processor import ChangeProcessor, make_change_processor
from discovery.contributions.other_contributions import OtherContributions
from discovery.health.check_loop import CheckLoop
from discovery.leader_election.candidate import Candidate
from discovery.leadership import Leadership
from discovery.merging.entry_point_tls import entry_point_tls
from discovery.merging.layer4_options import layer4_options
from discovery.process.heartbeat import Heartbeat, unique_name
from discovery.process.publication import Publication
from discovery.providers.admin import api_providers
from discovery.providers.contract import Provider
from discovery.supervision.provider_states import ProviderStates
from discovery.supervision.supervisor import supervise
from rondpoint.servers_transports.default import default_transport
from rondpoint.settings import Settings
from rondpoint.store.keys import Keys
from rondpoint.store.sealing import sealer_of

logger = logging.getLogger(__name__)

RESTART_DELAY = 1.0
"""Seconds after which a failed thread starts its work again."""

SHUTDOWN_TIMEOUT = 1.5
"""Seconds within which threads have to end; the agent does not wait longer for a blocked thread."""


class Agent:
    """Feeds one installation's store from the providers in the settings, or from `providers` if given.

    No other code may use `client`.
    """

    def __init__(
        self, settings: Settings, client: redis.Redis, providers: Mapping[str, Provider] | None = None
    ) -> None:
        self._settings = settings
        self._client = client
        self._change_processor: ChangeProcessor | None = None
        self._api_providers: dict[str, Provider] = {}
        if providers is None:
            self._api_providers = api_providers(settings, client)
            self._change_processor = make_change_processor(settings, client)
        self._leadership = Leadership()
        if providers is None:
            providers = available.configured_providers(settings, self._leadership)
        self._providers = providers

    def run(self, stop: threading.Event) -> None:
        """Run all threads until `stop` is set, and return within two seconds after it."""
        if not self._providers:
            logger.warning(
                "no provider is configured, so there are no routes: see providers.docker, providers.file"
            )
        providers = {**self._providers, **self._api_providers}
        sealer = sealer_of(self._settings)
        states = ProviderStates(providers, sealer.seal)
        keys = Keys(self._settings.redis.namespace)
        client, options, own_name = self._client, self._settings.agent, unique_name()
        candidate = Candidate(client, keys, options.name, own_name, states.wake_up, self._leadership)
        other_contributions = OtherContributions(
            client, keys, options.name, candidate, states.wake_up, options.forget_after
        )
        heartbeat = Heartbeat(client, keys, own_name, options.name)
        checks = CheckLoop(states.wake_up.set, default_transport(self._settings), sealer.open)

        def leader_lease() -> str:
            return candidate.leader_lease.held

        acme = AcmeCertificates(
            self._settings.acme_resolvers,
            lambda: AcmeStore(client, keys, sealer, leader_lease),
            sealer,
            leader_lease,
            states.wake_up.set,
        )
        publication = Publication(
            states,
            client,
            keys,
            self._settings.web_entry_points,
            entry_point_tls(self._settings),
            layer4_options(self._settings),
            options.name,
            heartbeat,
            candidate,
            other_contributions,
            checks,
            acme,
        )
        threads = [
            _supervised_thread("publication", publication.run, stop),
            _supervised_thread("leader election", candidate.run, stop),
            _supervised_thread("contributions", other_contributions.run, stop),
            _supervised_thread("health checks", checks.run, stop),
            _supervised_thread("certificates", acme.run, stop),
        ]
        for name, provider in providers.items():
            threads.append(_supervised_thread(name, supervise, provider, states, stop))
        if self._change_processor is not None:
            threads.append(_supervised_thread("change processor", self._change_processor.run, stop))
        for thread in threads:
            thread.start()
        stop.wait()
        states.wake_up.set()
        candidate.check_now.set()
        acme.wake_up.set()
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _supervised_thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    """Create a thread that runs `target`; the last argument is the event that stops it."""
    return threading.Thread(target=_run_supervised, name=name, args=(target, *arguments), daemon=True)


def _run_supervised(target: Callable[..., None], *arguments: Any) -> None:
    """Run `target` again after every exception, until it returns or its stop event is set."""
    stop: threading.Event = arguments[-1]
    while True:
        try:
            target(*arguments)
        except Exception:
            logger.exception("thread %s failed unexpectedly and restarts", threading.current_thread().name)
        else:
            return
        if stop.wait(RESTART_DELAY):
            return
