"""Waits until name servers show new TXT records, so that the CA does not look too early."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from functools import partial

from discovery.acme.dns.bounded_calls import call_within
from discovery.acme.dns.errors import DnsChallengeError, PropagationError, QueryError, StoppedError
from discovery.acme.dns.name_servers import NameServer, NameServers
from discovery.acme.dns.options import Propagation
from discovery.acme.dns.records import ChallengeRecord
from discovery.acme.dns.timing import Timing

_log = logging.getLogger(__name__)


def wait_until_visible(
    records: Sequence[ChallengeRecord],
    servers: NameServers,
    options: Propagation,
    timing: Timing,
    stop: threading.Event,
    *,
    timeout_variable: str,
) -> None:
    """Return when all name servers that the options name show all records.

    Raises PropagationError after the provider's time-out; the hint names its variable, `timeout_variable`.
    Raises StoppedError as soon as `stop` is set.
    """
    _wait(stop, options.delay_before_checks)
    if options.disable_checks or not _asks_anybody(options):
        return
    if options.require_all_rns:
        # A recursive server that looks too early remembers for the zone's negative TTL that nothing is there.
        _wait(stop, timing.polling_interval)
    deadline = time.monotonic() + timing.propagation_timeout
    waiting = list(records)
    reported = False
    while True:
        check = partial(_first_failure, waiting, servers, options)
        failure = call_within(None, stop, "the check of DNS records", check)
        if failure is None:
            return
        _log.log(logging.DEBUG if reported else logging.INFO, "waiting for DNS records: %s", failure)
        reported = True
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise PropagationError(
                f"not visible within {timing.propagation_timeout:g} s: {failure}",
                f"set {timeout_variable} to more seconds; if this machine cannot ask these name servers, "
                "set propagation.disableANSChecks",
            )
        _wait(stop, min(timing.polling_interval, remaining))


def _asks_anybody(options: Propagation) -> bool:
    return options.require_all_rns or not options.disable_ans_checks


def _first_failure(
    waiting: list[ChallengeRecord], servers: NameServers, options: Propagation
) -> DnsChallengeError | None:
    """Remove the records that all servers show; return why the first of the others is missing."""
    while waiting:
        try:
            _check(waiting[0], servers, options)
        except (QueryError, PropagationError) as failure:
            return failure
        waiting.pop(0)
    return None


def _check(record: ChallengeRecord, servers: NameServers, options: Propagation) -> None:
    if options.require_all_rns:
        for server in servers.recursive:
            _check_server(record, servers, server, recursive=True)
    if not options.disable_ans_checks:
        zone = servers.find_zone(record.name)
        for server in servers.authoritative(zone):
            _check_server(record, servers, server, recursive=False)


def _check_server(
    record: ChallengeRecord, servers: NameServers, server: NameServer, *, recursive: bool
) -> None:
    found = servers.texts(record.name, server, recursive=recursive)
    if record.value not in found:
        shown = ", ".join(sorted(found)) or "none"
        raise PropagationError(
            f"name server {server} has no TXT record {record.name} with {record.value}; it has {shown}"
        )


def _wait(stop: threading.Event, seconds: float) -> None:
    if stop.wait(seconds):
        raise StoppedError("the wait for DNS records was interrupted")
