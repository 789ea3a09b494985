"""Which certificates are due, and when to look again."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from discovery.acme.planning.wanted import WantedCertificate
from rondpoint.store.acme import AcmeState
from rondpoint.tls.names import WILDCARD, covers
from rondpoint.tls.renewal import renewal_time


class HeldCertificate(Struct, frozen=True):
    """A certificate that the store holds under `id`, as far as planning reads it."""

    id: str
    resolver: str
    names: tuple[str, ...]
    not_before: float
    not_after: float


class DueOrder(Struct, frozen=True):
    """A certificate to order now; `replaces` is the id of the one that it renews, if there is one."""

    wanted: WantedCertificate
    replaces: str = ""


class Plan(Struct, frozen=True):
    """What is due: orders, the most urgent first, and held certificates whose time of renewal is to be asked.

    `again_at` is when something else becomes due, in Unix seconds.
    """

    orders: tuple[DueOrder, ...] = ()
    questions: tuple[HeldCertificate, ...] = ()
    again_at: float = math.inf


def make_plan(
    wanted: Iterable[WantedCertificate],
    held: Mapping[str, HeldCertificate],
    states: Mapping[str, AcmeState],
    pauses: Mapping[str, float],
    busy: Collection[str],
    now: float,
) -> Plan:
    """Return what is due at `now`.

    `pauses` are the times by resolver before which its CA gets no requests; `busy` are ids to leave alone.
    """
    finder = _Finder(held.values())
    orders: list[tuple[float, DueOrder]] = []
    questions: list[HeldCertificate] = []
    again_at = math.inf
    for each in wanted:
        holder = held.get(each.id) or finder.covering(each.domain.names, now)
        pause = pauses.get(each.resolver, 0.0)
        if each.id not in busy:
            due = max(_due(each, holder, states), pause)
            if due <= now:
                expiry = holder.not_after if holder is not None else 0.0
                orders.append((expiry, DueOrder(each, holder.id if holder is not None else "")))
                continue
            again_at = min(again_at, due)
        if holder is not None and holder.id == each.id:
            state = states.get(each.id)
            ask_at = max(state.ask_at if state is not None else 0.0, pause)
            if ask_at > now:
                again_at = min(again_at, ask_at)
            elif each.id not in busy:
                questions.append(holder)
    orders.sort(key=lambda one: (one[0], one[1].wanted.id))
    return Plan(tuple(order for _, order in orders), tuple(questions), again_at)


def _due(wanted: WantedCertificate, holder: HeldCertificate | None, states: Mapping[str, AcmeState]) -> float:
    """Return when to order, without regard to pauses."""
    state = states.get(wanted.id)
    retry = state.next_attempt if state is not None else 0.0
    return max(retry, renewal_due(holder, states)) if holder is not None else retry


def renewal_due(holder: HeldCertificate, states: Mapping[str, AcmeState]) -> float:
    """Return when to renew a certificate: as the CA said, or by its life."""
    state = states.get(holder.id)
    if state is not None and state.renew_at:
        return state.renew_at
    return renewal_time(holder.not_before, holder.not_after, holder.id)


class _Finder:
    """Finds held certificates by the names that they are valid for."""

    def __init__(self, held: Iterable[HeldCertificate]) -> None:
        self._by_name: dict[str, list[HeldCertificate]] = {}
        for each in held:
            for name in each.names:
                self._by_name.setdefault(name, []).append(each)

    def covering(self, names: Sequence[str], now: float) -> HeldCertificate | None:
        """Return the certificate for all these names that is valid for the longest time, if there is one."""
        first = names[0]
        candidates = [
            *self._by_name.get(first, ()),
            *self._by_name.get(WILDCARD + first.partition(".")[2], ()),
        ]
        usable = [
            each
            for each in candidates
            if each.not_after > now and all(covers(each.names, name) for name in names)
        ]
        return max(usable, key=lambda each: (each.not_after, each.id), default=None)
