"""Proves to the CA that names lead here: authorizations of an order, by challenges of one kind."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Sequence

from msgspec import Struct

from discovery.acme.challenges.challenge import DNS_01, Challenge, ChallengeResponder, ResponderError
from discovery.acme.orders.account import AccountConnection
from discovery.acme.orders.ca_connection import RefusedError
from discovery.acme.orders.documents import AuthorizationDocument, ChallengeDocument
from discovery.acme.orders.failures import FailureKind, OrderError, OrderFailure, Problem, failure_of
from discovery.acme.orders.polling import poll

logger = logging.getLogger(__name__)

VALIDATION_TIMEOUT = 90.0
"""Seconds within which the CA has to validate all names; it may look from several places, several times."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")


class _Pending(Struct, frozen=True):
    """An authorization that needs a response: its URL, and the challenge with the URL that starts it."""

    url: str
    challenge_url: str
    challenge: Challenge
    responder: ChallengeResponder


def authorize(
    connection: AccountConnection, urls: Sequence[str], responders: Sequence[ChallengeResponder]
) -> None:
    """Make all authorizations at these URLs valid; those that are valid need no challenge.

    Each name gets the first of the responders whose kind of challenge the CA offers for it.

    What was presented is removed again, also after failures. Raises OrderError, with every name at fault.
    """
    pending = _pending(connection, urls, responders)
    try:
        _present(connection, pending)
        for each in pending:
            _start_validation(connection, each)
        _await_all(connection, pending)
    except OrderError as error:
        # The CA may still be validating for the leader that continues this order. Responses in the store
        # expire, records of a DNS zone do not.
        interrupted_now = error.failure.kind is FailureKind.INTERRUPTED
        _clean_up(each for each in pending if not interrupted_now or each.responder.kind == DNS_01)
        raise
    _clean_up(pending)


def _pending(
    connection: AccountConnection, urls: Sequence[str], responders: Sequence[ChallengeResponder]
) -> list[_Pending]:
    pending, problems = [], []
    for url in urls:
        document = _authorization(connection, url)
        if document.status == "valid":
            continue
        if document.status != "pending":
            problems.append(_failed(document, [responder.kind for responder in responders]))
            continue
        challenge, responder = _challenge(document, responders)
        response = _response(connection, document, challenge)
        pending.append(_Pending(url, challenge.url, response, responder))
    if problems:
        raise _refusal(problems)
    return pending


def _challenge(
    document: AuthorizationDocument, responders: Sequence[ChallengeResponder]
) -> tuple[ChallengeDocument, ChallengeResponder]:
    name = document.identifier.value
    offered = {each.type: each for each in document.challenges if _TOKEN.fullmatch(each.token)}
    for responder in responders:
        if responder.kind in offered:
            return offered[responder.kind], responder
    wanted = " or ".join(responder.kind for responder in responders)
    others = ", ".join(sorted(offered)) or "none"
    raise OrderError(
        OrderFailure(
            FailureKind.NAMES,
            f"the authority offers no {wanted} challenge for {name}, only: {others}",
            "choose another challenge in the resolver; a wildcard needs dnsChallenge",
            (name,),
        )
    )


def _response(
    connection: AccountConnection, document: AuthorizationDocument, challenge: ChallengeDocument
) -> Challenge:
    key_authorization = f"{challenge.token}.{connection.ca.thumbprint}"
    return Challenge(challenge.type, document.identifier.value, challenge.token, key_authorization)


def _present(connection: AccountConnection, pending: Sequence[_Pending]) -> None:
    by_responder: dict[str, list[_Pending]] = {}
    try:
        for each in pending:
            each.responder.present(each.challenge)
            by_responder.setdefault(each.responder.kind, []).append(each)
        for group in by_responder.values():
            group[0].responder.wait_until_visible([each.challenge for each in group])
    except ResponderError as error:
        connection.ca.wait(0)
        raise OrderError(OrderFailure(FailureKind.CHALLENGE, str(error), error.hint)) from None


def _start_validation(connection: AccountConnection, pending: _Pending) -> None:
    """Tell the CA that the response can be seen."""
    try:
        connection.post(pending.challenge_url, {}, f"the challenge for {pending.challenge.name}")
    except RefusedError:
        # An earlier leader may have told it, and the CA may have validated the name since.
        if _authorization(connection, pending.url).status == "pending":
            raise


def _authorization(connection: AccountConnection, url: str) -> AuthorizationDocument:
    subject = "an authorization"
    return connection.ca.decode(connection.post(url, None, subject), AuthorizationDocument, subject)


def _await_all(connection: AccountConnection, pending: Iterable[_Pending]) -> None:
    problems: list[Problem] = []
    deadline = time.monotonic() + VALIDATION_TIMEOUT
    for each in pending:
        document = _await_result(connection, each, deadline - time.monotonic())
        if document.status != "valid":
            problems.append(_failed(document, [each.challenge.kind]))
    if problems:
        raise _refusal(problems)


def _await_result(connection: AccountConnection, pending: _Pending, timeout: float) -> AuthorizationDocument:
    """Return the authorization once it is decided, or with the reason why it may stay undecided."""
    seen: list[AuthorizationDocument] = []

    def is_decided(document: AuthorizationDocument) -> bool:
        seen.append(document)
        return document.status != "pending"

    try:
        subject = f"the validation of {pending.challenge.name}"
        return poll(
            connection, pending.url, AuthorizationDocument, is_decided, timeout=timeout, subject=subject
        )
    except OrderError as error:
        if error.failure.kind is not FailureKind.UNREACHABLE:
            raise
        # Some authorities keep an authorization pending after a failure, for the client to try again.
        if seen and any(challenge.error for challenge in seen[-1].challenges):
            return seen[-1]
        raise


def _failed(document: AuthorizationDocument, kinds: Sequence[str]) -> Problem:
    name = document.identifier.value
    errors = {challenge.type: challenge.error for challenge in document.challenges if challenge.error}
    for kind in (*kinds, *errors):
        if (error := errors.get(kind)) is not None:
            return error.problem(name)
    return Problem("unauthorized", f"the authorization is {document.status}", name)


def _refusal(problems: Sequence[Problem]) -> OrderError:
    return OrderError(
        failure_of(
            Problem("compound", "", "", tuple(problems)), event="the authority could not validate names"
        )
    )


def _clean_up(pending: Iterable[_Pending]) -> None:
    for each in pending:
        try:
            each.responder.clean_up(each.challenge)
        except ResponderError as error:
            logger.warning("the response to %r could not be removed: %s", each.challenge, error)
