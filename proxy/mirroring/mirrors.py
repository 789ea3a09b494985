"""Sends copies of requests to mirrors, after the exchange between client and main service has ended."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from sys import maxsize
from typing import TYPE_CHECKING, NamedTuple, Protocol

import gevent

from proxy.http1.errors import RequestError
from proxy.http1.request import Request
from proxy.middlewares.chains import ChainError, Chains
from proxy.middlewares.request_content import ContentTooLargeError, read_content
from proxy.middlewares.step import Client, SharedState
from proxy.mirroring.copy_budget import MAX_UNANNOUNCED_BYTES, CopyBudget
from proxy.mirroring.request_copy import CopiedClient, copy_request
from proxy.per_request.extras import extras_of
from proxy.per_request.local_response import LocalResponse
from proxy.services.composite_members import choose_member
from proxy.subrequests.service_subrequest import send_to_service
from proxy.upstream.subrequest import SubrequestError
from rondpoint.model import MAX_COMPOSITION_DEPTH

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.balancing.composite_service import CompositeService

TIMEOUT = 60.0
"""Seconds that a mirror may take for its whole response."""

_CLIENT_LEFT = 499


class MirroringContext(SharedState, Protocol):
    """The state of a worker that mirroring needs."""

    @property
    def chains(self) -> Chains: ...

    @property
    def copies(self) -> CopyBudget: ...


def mirror_request(
    context: MirroringContext, client: Client, request: Request, service: CompositeService
) -> None:
    """Copy this request to the mirrors that get one by their percentages, once the exchange has ended.

    If its content is to be copied, all of it is read first, and stays in the client's buffer; a request with
    too much of it is not copied. Raises RequestError if the content is invalid, late or incomplete.
    """
    mirroring = service.mirroring
    # A copy could not take part in the new protocol.
    if mirroring is None or request.upgrade:
        return
    mirrors = service.choose_mirrors(context.tickets)
    if not mirrors:
        return
    content = b""
    if mirroring.mirror_body and request.has_body:
        found = _take_content(context.copies, client, request, service, len(mirrors))
        if found is None:
            return
        content = found
    extras = extras_of(client)
    forwarded = extras.apply_forwarded_steps(client.forwarded(request.host))
    copies = [
        _Copy(mirror, copy_request(request, content), CopiedClient(client, forwarded, content))
        for mirror in mirrors
    ]
    extras.call_at_end(partial(_dispatch, context, client, service.name, copies, len(content)))


def _take_content(
    budget: CopyBudget, client: Client, request: Request, service: CompositeService, copies: int
) -> bytes | None:
    """Return the whole content, for which the budget has reserved bytes; None if it is not to be copied."""
    most = service.max_body_size
    if request.content_length > most:
        return None
    size = min(most, MAX_UNANNOUNCED_BYTES) if request.chunked else request.content_length
    if not budget.reserve(size):
        budget.drop(copies, service.name)
        return None
    content: bytes | None = None
    try:
        content = read_content(request, client, size)
    except ContentTooLargeError:
        if size < most:
            budget.drop(copies, service.name)
    finally:
        budget.release(size if content is None else size - len(content))
    return content


class _Copy(NamedTuple):
    """A copy for the service named `mirror`."""

    mirror: str
    request: Request
    client: CopiedClient


class _HeldContent:
    """The reserved bytes of content that several copies share; the last one gives them back."""

    __slots__ = ("_budget", "_copies", "_size")

    def __init__(self, budget: CopyBudget, size: int, copies: int) -> None:
        self._budget = budget
        self._size = size
        self._copies = copies

    def release(self) -> None:
        """Record that one copy needs the content no more."""
        self._copies -= 1
        if not self._copies:
            self._budget.release(self._size)


def _dispatch(
    context: MirroringContext, client: Client, service: str, copies: Sequence[_Copy], size: int
) -> None:
    """Begin to send the copies, unless the client has left before the response, as in Traefik."""
    budget = context.copies
    held = _HeldContent(budget, size, len(copies))
    for copy in copies:
        if client.status == _CLIENT_LEFT:
            held.release()
        elif budget.begin():
            gevent.spawn(_deliver, context, copy, held)
        else:
            held.release()
            budget.drop(1, service)


def _deliver(context: MirroringContext, copy: _Copy, held: _HeldContent) -> None:
    client = copy.client
    sent = False
    try:
        client.status = _send(context, copy)
        sent = True
    except (LocalResponse, RequestError) as refusal:
        client.status = refusal.status
    except (ChainError, SubrequestError):
        client.status = 502
    finally:
        context.copies.end(sent=sent)
        held.release()
        if client.extras is not None:
            client.extras.run_end_calls()


def _send(context: MirroringContext, copy: _Copy) -> int:
    """Send the copy to a server of its mirror, and return the status of the response, which is dropped."""
    request, client = copy.request, copy.client
    service = _find_service(context, copy)
    forwarded = client.forwarded(request.host)
    if client.extras is not None:
        forwarded = client.extras.apply_forwarded_steps(forwarded)
    # A middleware of the mirror may have moved or replaced it.
    content = read_content(request, client, -1)
    response = send_to_service(
        context,
        service.name,
        request.method,
        request.target,
        request.headers + forwarded,
        content,
        timeout=TIMEOUT,
        limit=maxsize,
        discard=True,
        peer=client.peer,
    )
    return response.status


def _find_service(context: MirroringContext, copy: _Copy) -> BalancedService:
    """Return the service whose servers take the copy, after the middlewares of the mirror and its members.

    Raises SubrequestError if there is none, and what the middlewares raise.
    """
    request, client = copy.request, copy.client
    service = context.services.get(copy.mirror)
    for _ in range(MAX_COMPOSITION_DEPTH):
        if service is None:
            break
        if service.service.middlewares:
            for step in context.chains.compile_chain(service.service.middlewares, "service", service.name):
                step(request, client)
        if service.composite is None:
            return service
        mirror_request(context, client, request, service.composite)
        service = choose_member(service.composite, context.services, context.tickets, request, client)
    raise SubrequestError(f"service {copy.mirror} has no server")
