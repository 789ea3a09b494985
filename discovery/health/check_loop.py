"""The thread of the health checks: an event loop that probes each server at its service's interval."""

from __future__ import annotations

import asyncio
import logging
import resource
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from random import uniform

from discovery.connections.stopping import on_stop
from discovery.health.check_plan import Check, ServerCheck, ServerKey, next_delay, plan_checks
from discovery.health.check_request import first_request
from discovery.health.connection_faults import UndecidedError
from discovery.health.prober import Prober
from discovery.health.server_states import stored_faults
from discovery.health.tcp_prober import TcpProber
from rondpoint.configuration import Configuration
from rondpoint.model import ServersTransport
from rondpoint.servers_transports.client_context import OpenKey
from rondpoint.servers_transports.contexts import ClientContexts
from rondpoint.store.state import State

logger = logging.getLogger(__name__)

MAX_CONCURRENT = 1000
"""The most servers that are probed at the same time; fewer if the limit of file descriptors is low."""

FIRST_CHECK_JITTER = 0.5
"""Seconds over which the first checks are spread, so that thousands do not start at once."""

NO_SERVICES = Configuration()


class CheckLoop:
    """Health checks of the servers in the configuration last passed to `follow`.

    `faults` holds the reason for each server that is down. When a probe changes it, the checks' thread
    replaces the whole mapping, increments `version` and calls `on_change`. All methods except `run` are for
    the one thread that publishes. Services without a transport are checked under `default_transport`;
    `open_key` opens the sealed keys of transports.
    """

    def __init__(
        self, on_change: Callable[[], None], default_transport: ServersTransport, open_key: OpenKey = str
    ) -> None:
        self.faults: Mapping[ServerKey, str] = {}
        self.version = 0
        self._on_change = on_change
        self._contexts = ClientContexts(default_transport, open_key)
        self._plan: dict[ServerKey, Check] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._plan_changed = asyncio.Event()

    def follow(self, configuration: Configuration) -> None:
        """Check the servers of this configuration only; forget the faults of all others."""
        plan = plan_checks(configuration)
        if plan == self._plan:
            return
        with self._lock:
            self._plan = plan
            self.faults = {key: fault for key, fault in self.faults.items() if key in plan}
        self._wake()

    def suspend(self) -> None:
        """Stop checking, because another agent checks."""
        self.follow(NO_SERVICES)

    def restore(self, state: State | None) -> None:
        """Take over the servers that are down in the store as down, until they have been probed."""
        if state is not None:
            with self._lock:
                self.faults = {**stored_faults(state), **self.faults}

    def run(self, stop: threading.Event) -> None:
        """Run the checks until `stop` is set."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, on_stop(stop, self._wake):
            runner.run(self._work(stop))

    def _wake(self) -> None:
        # A loop that has ended needs no waking.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._plan_changed.set)

    async def _work(self, stop: threading.Event) -> None:
        probers, slots = _Probers(self._contexts), asyncio.Semaphore(_max_concurrent())
        running: dict[ServerKey, Check] = {}
        tasks: dict[ServerKey, asyncio.Task[None]] = {}
        while not stop.is_set():
            plan = self._plan
            for key in [each for each, server_check in running.items() if plan.get(each) != server_check]:
                del running[key]
                tasks.pop(key).cancel()
            for key in plan.keys() - running.keys():
                running[key] = plan[key]
                tasks[key] = asyncio.create_task(self._check_repeatedly(key, plan[key], probers, slots))
            await self._plan_changed.wait()
            self._plan_changed.clear()

    async def _check_repeatedly(
        self, key: ServerKey, server_check: Check, probers: _Probers, slots: asyncio.Semaphore
    ) -> None:
        check, probe = server_check.check, probers.probe_of(server_check)
        failures, was_healthy = 0, False
        await asyncio.sleep(uniform(0, min(FIRST_CHECK_JITTER, check.interval)))  # noqa: S311 (jitter, not a secret)
        while True:
            try:
                async with slots:
                    fault = await probe()
            except UndecidedError as error:
                logger.warning("server %s of service %s cannot be checked: %s", key[1], key[0], error)
            except Exception:
                # A bug that one server triggers must not end its checks, which would freeze its state for
                # good.
                logger.exception("checking server %s of service %s failed unexpectedly", key[1], key[0])
            else:
                failures = failures + 1 if fault else 0
                was_healthy = was_healthy or not fault
                self._record(key, server_check, fault)
            await asyncio.sleep(next_delay(check, failures, was_healthy=was_healthy))

    def _record(self, key: ServerKey, server_check: Check, fault: str) -> None:
        with self._lock:
            before = self.faults.get(key, "")
            # The plan may have changed during the probe.
            if fault == before or self._plan.get(key) != server_check:
                return
            faults = {**self.faults, key: fault}
            if not fault:
                del faults[key]
            self.faults = faults
            self.version += 1
        if not fault:
            logger.info("server %s of service %s is up again", key[1], key[0])
        self._on_change()


class _Probers:
    """The probers of both protocols."""

    def __init__(self, contexts: ClientContexts) -> None:
        self._prober = Prober(contexts)
        self._tcp_prober = TcpProber(contexts)

    def probe_of(self, server_check: Check) -> Callable[[], Awaitable[str]]:
        """Return the function that probes this server once, like `Prober.probe`."""
        one = server_check
        if isinstance(one, ServerCheck):
            request = first_request(one.server, one.check)
            return partial(self._prober.probe, request, one.check, one.transport)
        return partial(self._tcp_prober.probe, one.server, one.check, one.transport)


def _max_concurrent() -> int:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        MAX_CONCURRENT
        if descriptors == resource.RLIM_INFINITY
        else max(1, min(MAX_CONCURRENT, descriptors // 2))
    )
