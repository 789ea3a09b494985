"""`/health` as in Traefik 1: response statistics of all workers of this proxy."""

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
from proxy.background.cooperative_yield import CooperativeYield
from proxy.telemetry.exposition.store_snapshot import StoreSnapshot, read_snapshot
from proxy.telemetry.instance import INSTANCE
from rondpoint.go_durations import go_duration
from rondpoint.store.metric_sums import add_worker_counts
from rondpoint.store.metrics import ServerError, WorkerCounts

health = Blueprint("health", __name__)


class RecentError(Struct, frozen=True):
    """A request with a 5xx response."""

    status_code: int
    status: str
    method: str
    host: str
    path: str
    time: str


class Health(Struct, frozen=True):
    """Statistics with Traefik 1's names. Counts are up to a second old; times cover all measured requests.

    `status_code_count` and `count` cover the time since the previous request to the same worker.
    `recent_errors` has the newest first.
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
    """Requests by status, seconds of the measured requests, bytes of bodies, and the last server errors."""

    codes: dict[str, int] = {}
    measured: int = 0
    seconds: float = 0.0
    sent: int = 0
    recent_errors: tuple[ServerError, ...] = ()


class _PreviousTotals:
    """The totals at the previous request to this worker."""

    last = ResponseTotals()


@health.get("/health")
def show_health() -> Response:
    """Return the statistics since this proxy started."""
    worker = runtime()
    now = time()
    try:
        snapshot = read_snapshot(worker.client, worker.keys, now, CooperativeYield(), INSTANCE)
    except redis.RedisError as error:
        raise Refusal(503, f"the store does not respond: {error}") from None
    totals = sum_counts(snapshot, CooperativeYield(), worker.settings.api.statistics.recent_errors)
    before, _PreviousTotals.last = _PreviousTotals.last, totals
    return json_response(build_health(totals, before, oldest_start(snapshot, now), now))


def sum_counts(snapshot: StoreSnapshot, yield_if_due: CooperativeYield, recent_errors: int) -> ResponseTotals:
    """Return the totals of an instance, with up to `faults` of its last server errors."""
    codes: dict[str, int] = {}
    measured, seconds, sent, own = 0, 0.0, 0, WorkerCounts()
    for instance in snapshot.instances:
        for fields in instance.hashes:
            for _, counts in fields.items():
                yield_if_due()
                if isinstance(counts, WorkerCounts):
                    own = add_worker_counts(own, counts)
                    continue
                for cell in counts.cells:
                    code = str(cell.code)
                    codes[code] = codes.get(code, 0) + cell.requests
                    measured += sum(cell.buckets)
                    seconds += cell.seconds
                    sent += cell.sent
    return ResponseTotals(
        dict(sorted(codes.items())), measured, seconds, sent, own.recent_errors[:recent_errors]
    )


def oldest_start(snapshot: StoreSnapshot, now: float) -> float:
    """Return the start of the instance's oldest worker in Unix seconds."""
    times = [worker.started_at for instance in snapshot.instances for worker in instance.workers]
    return min(times, default=now)


def build_health(totals: ResponseTotals, before: ResponseTotals, start: float, now: float) -> Health:
    """Return the response; `before` holds the totals at the previous request."""
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
        recent_errors=tuple(_recent(fault) for fault in totals.recent_errors),
    )


def _recent(fault: ServerError) -> RecentError:
    try:
        phrase = HTTPStatus(fault.status).phrase
    except ValueError:
        # Like Go, use an empty phrase for unregistered status codes.
        phrase = ""
    time = datetime.fromtimestamp(fault.at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return RecentError(fault.status, phrase, fault.method, fault.host, fault.path, time)
