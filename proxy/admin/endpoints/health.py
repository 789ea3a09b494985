"""`/health`, as in Traefik 1: what this proxy has answered, all of its workers together."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from http import HTTPStatus
from time import time

import redis
from flask import Blueprint, Response
from msgspec import Struct

from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal, json_response
from proxy.admin.views.durations import go_duration
from proxy.background.cooperative_yield import CooperativeYield
from proxy.telemetry.exposition.store_snapshot import StoreSnapshot, read_snapshot
from proxy.telemetry.instance import INSTANCE
from rondpoint.store.metric_sums import add_own
from rondpoint.store.metrics import Fault, Own

health = Blueprint("health", __name__)


class RecentError(Struct, frozen=True):
    """A request that was answered with a server's error."""

    status_code: int
    status: str
    method: str
    host: str
    path: str
    time: str


class Health(Struct, frozen=True):
    """Traefik 1's names. Counts are up to a second old; times are those of all requests that were measured.

    `status_code_count` and `count` are since the last look through the same worker. `recent_errors` are the
    newest first.
    """

    pid: int
    uptime: str
    uptime_sec: float
    time: str
    unixtime: int
    status_code_count: dict[str, int]
    total_status_code_count: dict[str, int]
    count: int
    total_count: int
    total_response_time: str
    total_response_time_sec: float
    total_response_size: int
    average_response_size: int
    average_response_time: str
    average_response_time_sec: float
    recent_errors: tuple[RecentError, ...]


class ResponseTotals(Struct, frozen=True):
    """Requests by status; seconds of those that were measured, and bytes of bodies; the last faults."""

    codes: dict[str, int] = {}
    measured: int = 0
    seconds: float = 0.0
    sent: int = 0
    faults: tuple[Fault, ...] = ()


class _PreviousTotals:
    """What a worker saw at its last look."""

    last = ResponseTotals()


@health.get("/health")
def show_health() -> Response:
    """Since this proxy started."""
    worker = runtime()
    now = time()
    try:
        snapshot = read_snapshot(worker.client, worker.keys, now, CooperativeYield(), INSTANCE)
    except redis.RedisError as error:
        raise Refusal(503, f"the store does not answer: {error}") from None
    totals = sum_counts(snapshot, CooperativeYield(), worker.settings.api.statistics.recent_errors)
    before, _PreviousTotals.last = _PreviousTotals.last, totals
    return json_response(build_health(totals, before, oldest_start(snapshot, now), now))


def sum_counts(snapshot: StoreSnapshot, yield_if_due: CooperativeYield, faults: int) -> ResponseTotals:
    """All that an instance has answered, and so many of its last faults."""
    codes: dict[str, int] = {}
    measured, seconds, sent, own = 0, 0.0, 0, Own()
    for instance in snapshot.instances:
        for fields in instance.hashes:
            for counts in fields.values():
                yield_if_due()
                if isinstance(counts, Own):
                    own = add_own(own, counts)
                    continue
                for cell in counts.cells:
                    code = str(cell.code)
                    codes[code] = codes.get(code, 0) + cell.requests
                    measured += sum(cell.buckets)
                    seconds += cell.seconds
                    sent += cell.sent
    return ResponseTotals(dict(sorted(codes.items())), measured, seconds, sent, own.faults[:faults])


def oldest_start(snapshot: StoreSnapshot, now: float) -> float:
    """When the oldest worker of the instance began, in Unix seconds."""
    times = [worker.started_at for instance in snapshot.instances for worker in instance.workers]
    return min(times, default=now)


def build_health(totals: ResponseTotals, before: ResponseTotals, start: float, now: float) -> Health:
    """`before` is what the look before this one saw."""
    total = sum(totals.codes.values())
    recent = {
        code: count - before.codes.get(code, 0)
        for code, count in totals.codes.items()
        if count > before.codes.get(code, 0)
    }
    average = totals.seconds / totals.measured if totals.measured else 0.0
    return Health(
        pid=os.getppid(),
        uptime=go_duration(now - start),
        uptime_sec=now - start,
        time=datetime.fromtimestamp(now, UTC).isoformat(sep=" "),
        unixtime=int(now),
        status_code_count=recent,
        total_status_code_count=totals.codes,
        count=sum(recent.values()),
        total_count=total,
        total_response_time=go_duration(totals.seconds),
        total_response_time_sec=totals.seconds,
        total_response_size=totals.sent,
        average_response_size=totals.sent // totals.measured if totals.measured else 0,
        average_response_time=go_duration(average),
        average_response_time_sec=average,
        recent_errors=tuple(_recent(fault) for fault in totals.faults),
    )


def _recent(fault: Fault) -> RecentError:
    try:
        phrase = HTTPStatus(fault.status).phrase
    except ValueError:
        # As Go has it for those that a server made up.
        phrase = ""
    time = datetime.fromtimestamp(fault.at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return RecentError(fault.status, phrase, fault.method, fault.host, fault.path, time)
