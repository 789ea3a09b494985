"""The life of a client's connection: one request after the other, each answered before the next is read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from time import monotonic, time

from proxy.downstream.connection import ClientConnection
from proxy.exchange.errors import ClientGoneError
from proxy.exchange.request_handler import handle_request
from proxy.http1.error_response import answer
from proxy.http1.errors import RequestError
from proxy.http1.request import Request
from proxy.telemetry.tallies import EXTENSION_METHOD, FAULT_STATUS

RequestHandler = Callable[[ClientConnection, Request], bool]
"""Responds to a request; returns whether the connection can take another. Raises ClientGoneError."""

CLIENT_GONE = 499
"""What nginx and Traefik call the status of a request whose client left before an answer had begun."""


def serve(downstream: ClientConnection, handle: RequestHandler = handle_request) -> None:
    """Answer requests until either side ends the connection, and close it."""
    context = downstream.context
    observer = downstream.observer
    tallies = context.tallies
    bounds, servers = tallies.bounds, tallies.servers
    label_set = downstream.label_set
    try:
        while True:
            try:
                request = downstream.next_request()
            except RequestError as error:
                downstream.tally = tally = tallies.unrouted
                tally.cell(label_set, EXTENSION_METHOD, error.status).unmeasured += 1
                tally.changed = True
                if observer is not None:
                    observer.add_malformed(downstream, error.status, context.requests)
                downstream.send(answer(error.status, reason=error.reason))
                downstream.linger()
                return
            if request is None:
                return
            context.requests = number = context.requests + 1
            downstream.status = CLIENT_GONE
            downstream.sent = 0
            # A middleware may have the server asked for another.
            target = request.target
            started = monotonic()
            try:
                goes_on = handle(downstream, request)
            finally:
                if downstream.extras is not None:
                    downstream.extras.run_end_calls()
                    downstream.extras = None
                seconds = monotonic() - started
                tally, status = downstream.tally, downstream.status
                where = (
                    label_set if not request.kind else tallies.label_sets.for_kind(label_set, request.kind)
                )
                cell = tally.last
                if (
                    cell is None
                    or cell.status != status
                    or cell.label_set != where
                    or cell.method != request.method
                ):
                    cell = tally.cell(where, request.method, status)
                    if status >= FAULT_STATUS:
                        tallies.recent_errors.append((time(), status, request.method, request.host, target))
                asked = downstream.target
                if status != 101:
                    place = bisect_left(bounds, seconds)
                    cell.buckets[place] += 1
                    cell.seconds += seconds
                    cell.sent += downstream.sent
                    if asked is not None:
                        its_cell = asked.cell
                        if its_cell.status != status:
                            its_cell = servers.cell(asked, status)
                        its_cell.buckets[place] += 1
                        its_cell.seconds += seconds
                        its_cell.changed = True
                else:
                    cell.unmeasured += 1
                    if asked is not None:
                        servers.count_upgrade(asked)
                tally.changed = True
                if observer is not None:
                    request.target = target
                    observer.add(downstream, request, seconds, number)
                    downstream.refused, downstream.retries = False, 0
                # Lest the next request be counted at a server that it never came to.
                downstream.target = None
                body = downstream.body
                if body is not None:
                    cell.received += body.received
                    downstream.body = None
            if not goes_on:
                if (
                    # The client did not ask for the end, and may have sent its next request by now.
                    (context.draining and request.keep_alive and request.version)
                    # In TLS, the announcement of a client's end is bytes, too.
                    or downstream.stream.unread
                ):
                    downstream.linger()
                return
    except ClientGoneError:
        return
    finally:
        downstream.stream.close()
