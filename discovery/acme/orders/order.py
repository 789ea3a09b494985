"""Orders one certificate, or continues an order that an earlier leader began."""

from __future__ import annotations

import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from discovery.acme.challenges.challenge import ChallengeResponder
from discovery.acme.orders import chains
from discovery.acme.orders.account import AccountConnection
from discovery.acme.orders.authorizations import authorize
from discovery.acme.orders.ca_connection import RefusedError
from discovery.acme.orders.documents import OrderDocument
from discovery.acme.orders.failures import FailureKind, OrderError, OrderFailure, Problem, failure_of
from discovery.acme.orders.options import CertificateOptions
from discovery.acme.orders.polling import poll
from discovery.acme.orders.private_keys import generate_key, load_key, signing_request
from rondpoint.tls.names import is_address

logger = logging.getLogger(__name__)

READY_TIMEOUT = 30.0
"""Seconds within which an order has to become ready after all its names were validated."""


class PendingOrder(Struct, frozen=True):
    """An order that the CA knows: its URL, its names, and the private key of its certificate as PEM.

    With it, another leader gets the certificate without a second order, whatever was done already.
    """

    url: str
    names: tuple[str, ...]
    key: str

    def __repr__(self) -> str:
        # The key must not get into logs.
        return f"PendingOrder({self.url!r})"


class IssuedCertificate(Struct, frozen=True):
    """A certificate: its chain (leaf first) and its private key, as PEM."""

    chain: str
    key: str

    def __repr__(self) -> str:
        return "IssuedCertificate()"


class OrderRequest(Struct, frozen=True):
    """Names (lower case, ASCII) and options to order, and the renewal identifier of the old certificate."""

    names: tuple[str, ...]
    options: CertificateOptions
    replaces: str = ""


def obtain(
    connection: AccountConnection,
    request: OrderRequest,
    responders: Sequence[ChallengeResponder],
    pending: PendingOrder | None,
    save: Callable[[PendingOrder], None],
) -> IssuedCertificate:
    """Return a certificate as requested. Raises OrderError.

    Continue a `pending` order for the same names, unless the CA gave it up. `save` gets each new order before
    anything is done for it.
    """
    connection.sign_in()
    if pending is not None and sorted(pending.names) == sorted(request.names):
        document = _resume(connection, pending)
        if document is not None:
            logger.info("continuing the order for %s", ", ".join(request.names))
            return _complete(connection, request, responders, pending, document)
    pending, document = _begin(connection, request)
    save(pending)
    return _complete(connection, request, responders, pending, document)


def _resume(connection: AccountConnection, pending: PendingOrder) -> OrderDocument | None:
    """Return the state of the order; None if the CA has forgotten it or given it up."""
    try:
        response = connection.post(pending.url, None, "the order")
    except RefusedError as error:
        if error.failure.kind is not FailureKind.REFUSED:
            raise
        return None
    document = connection.ca.decode(response, OrderDocument, "the order")
    return None if document.status == "invalid" else document


def _begin(connection: AccountConnection, request: OrderRequest) -> tuple[PendingOrder, OrderDocument]:
    key = generate_key(request.options.key_type)
    identifiers = [{"type": "ip" if is_address(name) else "dns", "value": name} for name in request.names]
    body: dict[str, Any] = {"identifiers": identifiers}
    if request.options.profile:
        body["profile"] = request.options.profile
    url, subject = connection.ca.directory["newOrder"], "the order"
    if request.replaces:
        try:
            response = connection.post(url, {**body, "replaces": request.replaces}, subject)
        except RefusedError as error:
            if error.failure.kind is not FailureKind.REFUSED:
                raise
            # The old certificate may belong to another account, or have been replaced (RFC 9773 §5).
            response = connection.post(url, body, subject)
    else:
        response = connection.post(url, body, subject)
    document = connection.ca.decode(response, OrderDocument, subject)
    location = response.headers.get("Location", "")
    if not location:
        raise OrderError(OrderFailure(FailureKind.UNREACHABLE, "the authority sent no URL of the order"))
    return PendingOrder(location, request.names, key), document


def _complete(
    connection: AccountConnection,
    request: OrderRequest,
    responders: Sequence[ChallengeResponder],
    pending: PendingOrder,
    document: OrderDocument,
) -> IssuedCertificate:
    if document.status == "pending":
        authorize(connection, document.authorizations, responders)
        document = _await(connection, pending, ("pending",), READY_TIMEOUT)
    if document.status == "ready":
        _finalize(connection, request, pending, document)
        document = _await(connection, pending, ("ready", "processing"), request.options.timeout)
    elif document.status == "processing":
        document = _await(connection, pending, ("processing",), request.options.timeout)
    if document.status != "valid" or not document.certificate:
        problem = document.error.problem() if document.error else Problem(f"the order is {document.status}")
        raise OrderError(failure_of(problem, event="the authority refused the order"))
    chain = chains.download(connection, document.certificate, request.options.preferred_chain)
    chains.check(chain, pending.key, pending.names)
    return IssuedCertificate(chain, pending.key)


def _await(
    connection: AccountConnection, pending: PendingOrder, unfinished: tuple[str, ...], timeout: float
) -> OrderDocument:
    return poll(
        connection,
        pending.url,
        OrderDocument,
        lambda document: document.status not in unfinished,
        timeout=timeout,
        subject="the order",
    )


def _finalize(
    connection: AccountConnection, request: OrderRequest, pending: PendingOrder, document: OrderDocument
) -> None:
    options = request.options
    signed = signing_request(
        load_key(pending.key), pending.names, options.emails, common_name=options.common_name
    )
    encoded = urlsafe_b64encode(signed.public_bytes(Encoding.DER)).rstrip(b"=").decode()
    try:
        connection.post(document.finalize, {"csr": encoded}, "the certificate signing request")
    except RefusedError as error:
        # Another request may have finalized it already; its state says so.
        if error.problem.code != "orderNotReady":
            raise
