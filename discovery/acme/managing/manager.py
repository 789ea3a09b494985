"""The thread that keeps certificates: while this agent leads, it orders what is wanted, and renews it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

import redis

from discovery.acme.managing.ca_pauses import CaPauses
from discovery.acme.managing.memory import Memory
from discovery.acme.managing.outcomes import Answers, Outcome
from discovery.acme.managing.published import ReadCertificates, View, failure_diagnostic
from discovery.acme.orders.failures import FailureKind
from discovery.acme.planning.plan import DueOrder, HeldCertificate, make_plan
from discovery.acme.planning.wanted import WantedCertificate
from discovery.acme.storage.resolver_files import ResolverFiles
from discovery.acme.storage.take_over import take_over
from discovery.acme.store import AcmeStore
from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.tree.certificates_resolvers import ResolverOptions
from rondpoint.store.acme import AcmeAccount
from rondpoint.store.publish import NotLeadingError
from rondpoint.store.sealing import Sealer
from rondpoint.tls.model import Certificate

logger = logging.getLogger(__name__)

MAX_ORDERS = 4
"""Orders under way at the same time."""

LONGEST_WAIT = 3600.0
"""Seconds after which the manager looks again in any case: the clock may have been set."""

FILE_RETRY = 30.0
"""Seconds until the file of a resolver that must not order without it is read again."""

STORE_RETRY = 1.0
"""Seconds until the store is tried again."""


class Manager:
    """Orders and renews the certificates last passed to `want`, and stores each at once.

    `lease` returns the lease that this agent leads with, or an empty text; `make_store` creates an AcmeStore
    for one thread. `show` gets each new view. `wake_up` ends the wait of `run`. All methods but `run` may be
    called from any thread.
    """

    def __init__(
        self,
        resolvers: Mapping[str, ResolverOptions],
        make_store: Callable[[], AcmeStore],
        sealer: Sealer,
        lease: Callable[[], str],
        show: Callable[[View], None],
        wake_up: threading.Event,
    ) -> None:
        self._wake_up = wake_up
        self._resolvers = resolvers
        self._make_store = make_store
        self._store = make_store()
        self._sealer = sealer
        self._lease = lease
        self._show = show
        self._wanted: tuple[WantedCertificate, ...] | None = None
        self._seen: tuple[WantedCertificate, ...] | None = None
        self._memory = Memory()
        self._read = ReadCertificates(sealer)
        self._files = ResolverFiles(resolvers)
        self._held: dict[str, HeldCertificate] = {}
        self._pauses = CaPauses(resolvers)
        self._reports: SimpleQueue[tuple[threading.Event, Outcome | Answers]] = SimpleQueue()
        self._ordering: set[str] = set()
        self._asking: set[str] = set()
        self._abandon = threading.Event()
        self._compare_again = threading.Event()
        self._leads_with = ""
        self._view: View | None = None
        self._published: Mapping[str, Certificate] = {}
        self._unusable: tuple[Diagnostic, ...] = ()
        self._faults: tuple[Diagnostic, ...] = ()
        self._take_over_again_at = math.inf
        self._blocked: frozenset[str] = frozenset()
        self._store_fault = ""

    def want(self, wanted: tuple[WantedCertificate, ...]) -> None:
        """Keep these certificates from now on."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake_up.set()

    def store_again(self) -> None:
        """Compare the store with what is known here, and write what it lacks."""
        # A store that was emptied may give this agent the same lease as before.
        self._compare_again.set()
        self._wake_up.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` and then `wake_up` are set; leave orders under way to the next leader."""
        try:
            while not stop.is_set():
                self._wake_up.clear()
                self._wake_up.wait(self._step())
        finally:
            self._stand_by()

    def _step(self) -> float:
        """Do what is due, and return the seconds until something else is."""
        try:
            pause = self._lead() if self._lease() else self._stand_by()
        except NotLeadingError as error:
            logger.debug("nothing is written about ACME: %s", error)
            return STORE_RETRY
        except redis.RedisError as redis_error:
            if str(redis_error) != self._store_fault:
                self._store_fault = str(redis_error)
                logger.warning("the store cannot be used for ACME, which waits: %s", redis_error)
            return STORE_RETRY
        self._store_fault = ""
        return pause

    def _stand_by(self) -> float:
        """Leave all orders: the leader continues them. Threads end by themselves."""
        self._abandon.set()
        self._abandon = threading.Event()
        self._ordering.clear()
        self._asking.clear()
        self._leads_with = ""
        self._view = None
        return LONGEST_WAIT

    def _lead(self) -> float:
        lease = self._lease()
        if lease != self._leads_with or time.time() >= self._take_over_again_at:
            self._compare_again.set()
        if self._compare_again.is_set():
            self._compare_again.clear()
            try:
                self._take_over(led_before=bool(self._leads_with))
            except BaseException:
                self._compare_again.set()
                raise
            self._leads_with = lease
        self._take_reports()
        wanted, now = self._wanted, time.time()
        if wanted is None:
            return LONGEST_WAIT
        if wanted != self._seen:
            ends = {identity: each.not_after for identity, each in self._held.items()}
            if self._memory.forget(wanted, ends, now):
                self._certificates_changed()
            self._seen = wanted
        again_at = min(self._start_due(wanted, now), self._take_over_again_at)
        self._update_view(wanted, now)
        self._memory.save(self._store)
        return max(0.0, min(again_at - time.time(), LONGEST_WAIT))

    def _take_over(self, *, led_before: bool) -> None:
        """Bring store, files and memory together."""
        self._take_over_again_at = math.inf
        taken = take_over(self._store, self._files)
        self._memory.load(taken.contents, self._store, led_before=led_before)
        self._blocked = taken.blocked | (self._memory.unreadable & self._resolvers.keys())
        self._faults = taken.diagnostics
        # The publication loop may have dropped the view that it had.
        self._view = None
        if taken.blocked:
            self._take_over_again_at = time.time() + FILE_RETRY
        self._certificates_changed()

    def _take_reports(self) -> None:
        while True:
            try:
                abandoned, report = self._reports.get_nowait()
            except Empty:
                return
            if abandoned is self._abandon:
                self._take(report)

    def _take(self, report: Outcome | Answers) -> None:
        now = time.time()
        if isinstance(report, Answers):
            self._asking -= set(report.ids)
            self._memory.answer(report, now)
            return
        self._ordering.discard(report.wanted.id)
        self._memory.finish(report, now)
        self._count(report)
        if report.certificate is not None:
            self._pauses.succeeded(report.wanted.resolver)
            self._certificates_changed()
            self._faults = self._files.save(self._memory.contents)
        elif report.failure is not None:
            self._pauses.failed(report.wanted.resolver, report.failure, now)
            names = ", ".join(report.wanted.domain.names)
            logger.warning(
                "no certificate for %s: %s (%s)", names, report.failure.message, report.failure.hint
            )

    def _count(self, report: Outcome) -> None:
        if report.failure is not None and report.failure.kind is FailureKind.INTERRUPTED:
            # Another leader continues it.
            return
        outcome = "obtained" if report.failure is None else report.failure.kind.value.replace(" ", "_")
        # A lost count is better than a certificate that waits for the store.
        with suppress(redis.RedisError):
            self._store.count(report.wanted.resolver, outcome)

    def _certificates_changed(self) -> None:
        self._held, self._published, self._unusable = self._read.read(self._memory.certificates)

    def _start_due(self, wanted: Sequence[WantedCertificate], now: float) -> float:
        busy = self._ordering | self._asking | self._memory.unreadable
        pauses = self._pauses.by_resolver()
        pauses |= dict.fromkeys(self._blocked, math.inf)
        plan = make_plan(wanted, self._held, self._memory.states, pauses, busy, now)
        free = MAX_ORDERS - len(self._ordering)
        for order in plan.orders[: max(0, free)]:
            self._start_order(order)
        for order in plan.orders[max(0, free) :]:
            self._memory.queue(order.wanted)
        by_resolver: dict[str, list[str]] = {}
        for each in plan.questions:
            if each.id not in self._ordering and each.resolver in self._memory.accounts:
                by_resolver.setdefault(each.resolver, []).append(each.id)
        for resolver, ids in by_resolver.items():
            self._start_questions(resolver, ids)
        return plan.again_at

    def _start_order(self, order: DueOrder) -> None:
        # Imported only now: an agent without resolvers does without the large libraries behind them.
        from discovery.acme.managing.job import OrderJob  # noqa: PLC0415

        wanted = order.wanted
        options = self._resolvers[wanted.resolver]
        job = OrderJob(
            wanted,
            options,
            self._account(wanted.resolver, options),
            self._memory.orders.get(wanted.id),
            self._memory.certificates.get(order.replaces),
            self._make_store(),
            self._sealer,
            self._abandon,
        )
        self._ordering.add(wanted.id)
        self._memory.begin(wanted)
        self._start(f"order {wanted.domain.main}", job.run, job.failed_unexpectedly)

    def _start_questions(self, resolver: str, ids: Sequence[str]) -> None:
        from discovery.acme.managing.job import QuestionsJob  # noqa: PLC0415

        job = QuestionsJob(
            resolver,
            self._resolvers[resolver],
            self._memory.accounts[resolver],
            {identity: self._memory.certificates[identity] for identity in ids},
            self._abandon,
        )
        self._asking.update(ids)
        self._start(f"renewals of {resolver}", job.run, job.failed_unexpectedly)

    def _account(self, resolver: str, options: ResolverOptions) -> AcmeAccount:
        """Return the resolver's account; a new one is stored before the CA gets to know it."""
        from discovery.acme.managing.resolver_options import ca_options  # noqa: PLC0415
        from discovery.acme.orders.account import account_for  # noqa: PLC0415

        known = self._memory.accounts.get(resolver)
        account = account_for(ca_options(options), known)
        if account is not known:
            self._store.write(accounts={resolver: account})
            self._memory.accounts[resolver] = account
        return account

    def _start(
        self, name: str, run: Callable[[], Outcome | Answers], failed: Callable[[], Outcome | Answers]
    ) -> None:
        abandon = self._abandon

        def work() -> None:
            try:
                report = run()
            except Exception:
                logger.exception("%s failed unexpectedly", name)
                report = failed()
            self._reports.put((abandon, report))
            self._wake_up.set()

        threading.Thread(target=work, name=name, daemon=True).start()

    def _update_view(self, wanted: Sequence[WantedCertificate], now: float) -> None:
        diagnostics = [*self._faults, *self._unusable]
        for each in wanted:
            state = self._memory.states.get(each.id)
            if state is not None and state.error:
                diagnostics.append(failure_diagnostic(state, each.subject, self._held.get(each.id), now))
        view = View(self._published, tuple(diagnostics))
        if view != self._view:
            self._view = view
            self._show(view)
