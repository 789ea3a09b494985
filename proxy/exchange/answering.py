"""One request and its answer: router, ticket, server, retry, relay.

This is the path that every proxied request takes. It is kept in few functions, with no objects beyond
the request's and the response's own, because each call and allocation here is paid for by all traffic.
"""

from __future__ import annotations

from random import shuffle
from time import monotonic
from typing import TYPE_CHECKING

import gevent

from proxy.balancing.composed import member_for
from proxy.deadlines import NEVER, after
from proxy.downstream import ClientGoneError
from proxy.exchange.body import RequestBody
from proxy.exchange.relay import CUT, WHOLE, relay_body
from proxy.exchange.tunnel import tunnel
from proxy.extras import extras_of
from proxy.http1.chunked import ChunkError
from proxy.http1.errors import RequestError, ResponseError
from proxy.http1.kinds import STOPPED
from proxy.http1.request import Request, without
from proxy.middlewares.chains import ChainError
from proxy.retrying import Retrying, RetryPolicy
from proxy.upstream.connection import DialError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.downstream import Downstream
    from proxy.http1.response import Response
    from proxy.stream import Stream
    from proxy.upstream.endpoint import Target
    from proxy.upstream.servers import ServedService

# RFC 9110 §9.2.2
_IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
_RESPONSE_HEAD_LIMIT = 65536
_ONCE = RetryPolicy(1)
# Services within services; what goes deeper leads nowhere, as a circle does.
_DEEPEST = 8

_NOT_CONFIGURED = "service unavailable: no configuration has been read yet"
_EXHAUSTED = "service unavailable: the proxy has no file descriptor left for a connection to the server"


class NoAnswerError(Exception):
    """A server gave no response; `status` is what the client gets when no other can be tried.

    `elsewhere` tells that the request may go to another server; `unwanted` that there was a response, of a
    kind that a retry middleware wants another attempt for.
    """

    def __init__(self, status: int, *, elsewhere: bool, reason: str = "", unwanted: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.elsewhere = elsewhere
        self.unwanted = unwanted
        self.reason = reason


def answer_request(downstream: Downstream, request: Request) -> bool:
    """Answer `request`; whether the client's connection can take another. Raises ClientGoneError."""
    context = downstream.context
    route = context.table.match(downstream.entry_point, request, downstream)
    if route is None:
        downstream.tally = context.tallies.unrouted
        if not context.configured:
            return downstream.refuse(request, 503, _NOT_CONFIGURED)
        return downstream.refuse(request, 404)
    tally = route.tally
    if tally is None:
        tally = route.tally = context.tallies.of(route.router)
    downstream.tally = tally
    if route.middlewares:
        try:
            for step in context.chains.steps(route.router):
                step(request, downstream)
        except ChainError as error:
            request.kind |= STOPPED
            return downstream.refuse(request, 503, f"service unavailable: {error}")
        except RequestError as error:
            request.kind |= STOPPED
            return downstream.refuse(request, error.status, error.reason)
    service = route.place.served
    if service is None:
        route.place = context.services.ready(route.router.service)
        service = route.place.served
    if service is None or not service.rotation:
        if service is not None and service.composed is not None:
            try:
                service = _led(downstream, request, service)
            except ChainError as error:
                return downstream.refuse(request, 503, f"service unavailable: {error}")
            except RequestError as error:
                return downstream.refuse(request, error.status, error.reason)
        if service is None or not service.rotation:
            return downstream.refuse(request, 503)

    body: RequestBody | None = None
    if request.content_length > 0 or request.chunked:
        try:
            downstream.body = body = RequestBody(downstream, request)
        except ChunkError as error:
            return downstream.refuse(request, 400, str(error))
        except RequestError as error:
            return downstream.refuse(request, error.status, error.reason)

    choose = service.choose
    if choose is None:
        targets: Sequence[Target] = service.rotation
        length = len(targets)
        first = context.tickets.take(service.name) - 1 if length > 1 else 0
    else:
        targets = (choose(service, context.tickets, request, downstream.peer),)
        length, first = 1, 0
    pass_host = route.pass_host_header and service.pass_host_header
    failed: tuple[Target, ...] = ()
    failure: NoAnswerError | None = None
    for position in range(first, first + length):
        target = targets[position % length]
        if target in failed or (target.away and choose is None and not service.all_away):
            continue
        if failed:
            tally.retries += 1
            downstream.retries += 1
        head = _request_head(downstream, request, target, pass_host)
        downstream.target = target
        try:
            if choose is None:
                return _serve_from(downstream, request, target, head, body)
            return _serve_observed(downstream, request, service, target, head, body)
        except NoAnswerError as error:
            failure = error
            failed += (target,)
            if not error.elsewhere or downstream.extras is not None:
                break
    if failure is not None and (failure.elsewhere or failure.unwanted):
        try:
            return _ask_again(downstream, request, service, pass_host, body, failed, failure)
        except NoAnswerError as error:
            failure = error
    body_read = body is not None and body.done
    if body is not None and not body_read:
        request.keep_alive = False
        if body.failure:
            # The client's fault comes first, whatever became of the server's connection.
            failure = NoAnswerError(body.failure, elsewhere=False, reason=body.reason)
    if failure is None:
        return downstream.refuse(request, 503, body_read=body_read)
    return downstream.refuse(request, failure.status, failure.reason, body_read=body_read)


def _led(downstream: Downstream, request: Request, service: ServedService) -> ServedService | None:
    """From a service made of services to the one whose servers take the request, through what guards it.

    None where there is none. Raises ChainError and RequestError.
    """
    context = downstream.context
    found: ServedService | None = service
    for _ in range(_DEEPEST):
        if found is None or found.composed is None:
            return found
        found = member_for(found.composed, context.services, context.tickets, request, downstream)
        if found is not None and found.service.middlewares:
            for step in context.chains.of(found.service.middlewares, "service", found.name):
                step(request, downstream)
    return None


def _ask_again(
    downstream: Downstream,
    request: Request,
    service: ServedService,
    pass_host: bool,
    body: RequestBody | None,
    failed: tuple[Target, ...],
    failure: NoAnswerError,
) -> bool:
    """Ask the servers that were not asked yet, each once; and then all again, as often as is wanted.

    While they fail they are put aside; once that is true of all, those that had been before are asked too.

    Raises NoAnswerError and ClientGoneError.
    """
    context = downstream.context
    retrying = _retrying(downstream)
    retrying.made = len(failed)
    left = [target for target in service.distinct if target not in failed]
    # Lest one server get all that another one leaves.
    shuffle(left)
    again = False
    while True:
        if not (left or again):
            left = [target for target in service.distinct if target not in failed]
            again = not left
        if again or failure.unwanted:
            # What has no answer is not asked for again but by those who want that.
            if not retrying.another() or not (failure.unwanted or retrying.policy.without_answer):
                raise failure
            gevent.sleep(retrying.pause())
            if downstream.has_left():
                raise ClientGoneError
        if not left:
            # By now there may be others.
            now = context.services.get(service.name)
            service = service if now is None or not now.rotation else now
            left = list(service.distinct)
            shuffle(left)
        target = left.pop()
        downstream.tally.retries += 1
        downstream.retries += 1
        head = _request_head(downstream, request, target, pass_host)
        downstream.target = target
        try:
            if service.choose is None:
                return _serve_from(downstream, request, target, head, body)
            return _serve_observed(downstream, request, service, target, head, body)
        except NoAnswerError as error:
            failure = error
            failed += (target,)
            retrying.made += 1
            if not (error.elsewhere or error.unwanted):
                raise


def _retrying(downstream: Downstream) -> Retrying:
    """What the router wants, or else the installation; or nothing more than each server once."""
    extras = downstream.extras
    if extras is not None and extras.retrying is not None:
        return extras.retrying
    return Retrying(downstream.context.retry or _ONCE)


def _repeatable(downstream: Downstream, request: Request, body: RequestBody | None) -> bool:
    """Whether the request may be sent once more although a server may have performed it (RFC 9110 §9.2.2)."""
    if body is not None and body.started:
        return False
    if request.method in _IDEMPOTENT:
        return True
    extras = downstream.extras
    return extras is not None and extras.retrying is not None and extras.retrying.policy.any_method


def _request_head(downstream: Downstream, request: Request, target: Target, pass_host: bool) -> bytes:
    headers = request.headers
    if not (pass_host and request.host):
        headers = b"\r\nHost: " + target.host + without(headers, b"host")
    if request.chunked:
        headers += b"\r\nTransfer-Encoding: chunked"
    elif request.content_length >= 0:
        headers += b"\r\nContent-Length: %d" % request.content_length
    if request.upgrade:
        headers += b"\r\nConnection: Upgrade\r\nUpgrade: " + request.upgrade
    return b"%b %b HTTP/1.1%b%b\r\n\r\n" % (
        request.method,
        request.target,
        headers,
        downstream.forwarded(request.host),
    )


def _serve_from(
    downstream: Downstream, request: Request, target: Target, head: bytes, body: RequestBody | None
) -> bool:
    """Have one server answer. Raises NoAnswerError as long as nothing has been sent to the client."""
    pool = target.pool
    idempotent = request.method in _IDEMPOTENT
    stream = pool.take() if idempotent else pool.take_alive()
    while True:
        reused = stream is not None
        if stream is None:
            try:
                stream = pool.dial()
            except DialError as error:
                if error.unreachable:
                    downstream.context.ejections.put_aside(target, str(error))
                if error.exhausted:
                    raise NoAnswerError(503, elsewhere=False, reason=_EXHAUSTED) from error
                raise NoAnswerError(504 if error.timed_out else 502, elsewhere=True) from error
        try:
            data = _first_bytes(downstream, stream, head, body)
            if data:
                return _relay(downstream, request, target, stream, data, body)
            expired = stream.expired
            # A body that is refused may end in a reset of a server that is well.
            started = body is not None and body.started
            if data is None and not (reused or expired or started or downstream.gone):
                downstream.context.ejections.put_aside(target, "connection reset before an answer")
        except BaseException:
            if body is not None:
                body.stop()
            stream.close()
            raise
        if body is not None:
            body.stop()
        stream.close()
        if downstream.gone:
            raise ClientGoneError
        if body is not None and (body.failure or body.gone):
            raise NoAnswerError(body.failure or 400, elsewhere=False, reason=body.reason)
        if expired:
            raise NoAnswerError(504, elsewhere=False)
        if not _repeatable(downstream, request, body):
            raise NoAnswerError(502, elsewhere=False)
        if not reused:
            raise NoAnswerError(502, elsewhere=True)
        stream = None


def _serve_observed(
    downstream: Downstream,
    request: Request,
    service: ServedService,
    target: Target,
    head: bytes,
    body: RequestBody | None,
) -> bool:
    """As `_serve_from`, for services whose way of choosing looks at what servers do, or keeps clients."""
    endpoint = target.endpoint
    extras = extras_of(downstream)
    extras.ask(endpoint)
    sticky = service.sticky
    if sticky is not None:
        extras.cookie = b"" if sticky.kept(request) is target else sticky.line(target)
    endpoint.active += 1
    try:
        return _serve_from(downstream, request, target, head, body)
    except NoAnswerError as error:
        if not error.unwanted:
            endpoint.fail(monotonic())
        raise
    finally:
        endpoint.active -= 1


def _first_bytes(
    downstream: Downstream, stream: Stream, head: bytes, body: RequestBody | None
) -> bytes | None:
    """Send the request and wait for the answer's first bytes; b"" when none came, None for a reset."""
    timeout = downstream.context.upstream_timeouts.response_header
    downstream.awaiting = stream
    try:
        if body is None:
            stream.send(head)
        else:
            stream.send(head + body.first)
            if not body.done:
                body.start(stream, timeout)
                return stream.recv()
        if timeout:
            stream.deadline = after(timeout)
        return stream.recv()
    except (ConnectionResetError, BrokenPipeError):
        return None
    except OSError:
        return b""
    finally:
        downstream.awaiting = None


def _relay(
    downstream: Downstream,
    request: Request,
    target: Target,
    stream: Stream,
    data: bytes,
    body: RequestBody | None,
) -> bool:
    """Pass the response on that starts with `data`; whether the client's connection can take another."""
    response, data = _final_response(downstream, request, target, stream, data)
    stream.deadline = NEVER
    if body is not None:
        body.answered = True
    downstream.response = response
    answer = response.head
    extras = downstream.extras
    if extras is not None:
        answer = extras.answered(answer)
        retrying = extras.retrying
        if (
            retrying is not None
            and response.status in retrying.policy.statuses
            and retrying.another(1)
            and _repeatable(downstream, request, body)
        ):
            raise NoAnswerError(response.status, elsewhere=False, unwanted=True)
    downstream.status = response.status
    if response.status == 101:
        # RFC 9110 §7.8: the new protocol begins behind the whole request.
        if body is not None and not body.join():
            raise NoAnswerError(502, elsewhere=False)
        downstream.send(
            b"%b\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n%b" % (answer, response.upgrade, data)
        )
        tunnel(downstream, stream)
        return False
    finished = body is None or body.done
    keep_alive = (
        request.keep_alive
        and finished
        and not downstream.context.draining
        and (response.length >= 0 or request.version == 1)
    )
    outcome = relay_body(downstream, stream, response, answer, data, request.version, keep_alive)
    if body is not None and not finished:
        body.stop()
        stream.close()
        if outcome is not CUT:
            downstream.linger()
        return False
    if outcome is WHOLE and response.keep_alive:
        target.pool.give(stream)
        return keep_alive
    stream.close()
    if outcome is CUT and response.length < 0 and not request.version:
        # Only a reset tells this client that the end is not the end.
        downstream.stream.reset()
    return outcome is not CUT and keep_alive


def _final_response(
    downstream: Downstream, request: Request, target: Target, stream: Stream, data: bytes
) -> tuple[Response, bytes]:
    """The response that counts, and the bytes behind its head; interim ones are passed on as they come."""
    try:
        while True:
            response = target.pool.heads.parse(data, request.method, _RESPONSE_HEAD_LIMIT)
            if response is None:
                more = stream.recv()
                if not more:
                    raise NoAnswerError(504 if stream.expired else 502, elsewhere=False)
                data += more
                continue
            data = data[response.size :]
            if response.status >= 200:
                return response, data
            if response.status == 101:
                if not request.upgrade or not response.upgrade:
                    raise NoAnswerError(502, elsewhere=False)
                return response, data
            if request.version:
                downstream.send(response.head + b"\r\n\r\n")
    except (ResponseError, OSError) as error:
        raise NoAnswerError(502, elsewhere=False) from error
