"""The agent: providers in threads of their own, one that publishes what they find, and two beside it that see
to other agents.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis

from discovery import providers as available
from discovery.admin.change_processor import Desk, desk
from discovery.contributions.other_contributions import Parts
from discovery.health.check_loop import Checks
from discovery.leader_election.candidate import Candidate
from discovery.process.heartbeat import Heartbeat, new_name
from discovery.process.publication import Publication
from discovery.providers.admin import fed_by_api
from discovery.providers.contract import Provider
from discovery.supervision.provider_states import ProviderStates
from discovery.supervision.supervisor import supervise
from rondpoint.settings import Settings
from rondpoint.store.keys import Keys

logger = logging.getLogger(__name__)

AFTER_FAULT = 1.0
"""Seconds until a thread that has failed begins its work anew."""

FAREWELL = 1.5
"""Seconds that threads have to end; one that hangs in a system call is left behind."""


class Agent:
    """Feeds one installation's store from the providers that the settings ask for, or from `providers`.

    `client` is the agent's alone.
    """

    def __init__(
        self, settings: Settings, client: redis.Redis, providers: Mapping[str, Provider] | None = None
    ) -> None:
        self._settings = settings
        self._client = client
        self._desk: Desk | None = None
        self._fed: dict[str, Provider] = {}
        if providers is None:
            self._fed = fed_by_api(settings, client)
            self._desk = desk(settings, client)
        self._providers = available.configured(settings) if providers is None else providers

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, and return within two seconds of it."""
        if not self._providers:
            logger.warning("no provider is set, so there are no routes: see providers.docker, providers.file")
        providers = {**self._providers, **self._fed}
        board = ProviderStates(providers)
        keys = Keys(self._settings.redis.namespace)
        client, options, own_name = self._client, self._settings.agent, new_name()
        candidate = Candidate(client, keys, options.name, own_name, board.bell)
        parts = Parts(client, keys, options.name, candidate, board.bell, options.forget_after)
        heartbeat = Heartbeat(client, keys, own_name, options.name)
        checks = Checks(board.bell.set)
        publication = Publication(
            board,
            client,
            keys,
            self._settings.web_entry_points,
            options.name,
            heartbeat,
            candidate,
            parts,
            checks,
        )
        threads = [
            _thread("publication", publication.run, stop),
            _thread("leader election", candidate.run, stop),
            _thread("parts", parts.run, stop),
            _thread("health", checks.run, stop),
        ]
        for name, provider in providers.items():
            threads.append(_thread(name, supervise, provider, board, stop))
        if self._desk is not None:
            threads.append(_thread("desk", self._desk.run, stop))
        for thread in threads:
            thread.start()
        stop.wait()
        board.bell.set()
        candidate.wake.set()
        deadline = time.monotonic() + FAREWELL
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    """Of work whose last argument is the event that ends it."""
    return threading.Thread(target=_lasting, name=name, args=(target, *arguments), daemon=True)


def _lasting(target: Callable[..., None], *arguments: Any) -> None:
    """A fault of ours must not end what an agent does, and leave it to go on as if it were done."""
    stop: threading.Event = arguments[-1]
    while True:
        try:
            target(*arguments)
        except Exception:
            logger.exception("%s failed unexpectedly, and begins anew", threading.current_thread().name)
        else:
            return
        if stop.wait(AFTER_FAULT):
            return
