"""Proves to the CA that names lead here: authorizations of an order, by challenges of one kind."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from discovery.acme.challenges.challenge import DNS_01, Challenge, ChallengeResponder, ResponderError
from discovery.acme.orders.account import AccountConnection
from discovery.acme.orders.documents import AuthorizationDocument, ChallengeDocument
from discovery.acme.orders.failures import FailureKind, OrderError, OrderFailure, Problem, failure_of
from discovery.acme.orders.polling import poll

logger = logging.getLogger(__name__)

VALIDATION_TIMEOUT = 180.0
"""Seconds within which the CA has to validate one name; it may look from several places, several times."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")


class _Pending(Struct, frozen=True):
    """An authorization that needs a response: its URL, and the challenge with the URL that starts it."""

    url: str
    challenge_url: str
    challenge: Challenge


def authorize(connection: AccountConnection, urls: Sequence[str], responder: ChallengeResponder) -> None:
    """Make all authorizations at these URLs valid; those that are valid need no challenge.

    What was presented is removed again, also after failures. Raises OrderError, with every name at fault.
    """
    pending = _pending(connection, urls, responder.kind)
    try:
        _present(pending, responder)
        for each in pending:
            connection.post(each.challenge_url, {}, f"the challenge for {each.challenge.name}")
        _await_all(connection, pending)
    except OrderError as error:
        # The CA may still be validating for the leader that continues this order. Responses in the store
        # expire, records of a DNS zone do not.
        if error.failure.kind is not FailureKind.INTERRUPTED or responder.kind == DNS_01:
            _clean_up(pending, responder)
        raise
    _clean_up(pending, responder)


def _pending(connection: AccountConnection, urls: Sequence[str], kind: str) -> list[_Pending]:
    pending, problems = [], []
    for url in urls:
        subject = "an authorization"
        document = connection.ca.decode(connection.post(url, None, subject), AuthorizationDocument, subject)
        if document.status == "valid":
            continue
        if document.status != "pending":
            problems.append(_failed(document, kind))
            continue
        challenge = _challenge(connection, document, kind)
        pending.append(_Pending(url, challenge.url, _response(connection, document, challenge)))
    if problems:
        raise _refusal(problems)
    return pending


def _challenge(
    connection: AccountConnection, document: AuthorizationDocument, kind: str
) -> ChallengeDocument:
    name = document.identifier.value
    for challenge in document.challenges:
        if challenge.type == kind and _TOKEN.fullmatch(challenge.token):
            return challenge
    offered = ", ".join(sorted(challenge.type for challenge in document.challenges)) or "none"
    raise OrderError(
        OrderFailure(
            FailureKind.NAMES,
            f"the CA offers no {kind} challenge for {name}, only: {offered}",
            "choose another challenge in the resolver; a wildcard needs dnsChallenge",
            (name,),
        )
    )


def _response(
    connection: AccountConnection, document: AuthorizationDocument, challenge: ChallengeDocument
) -> Challenge:
    key_authorization = f"{challenge.token}.{connection.ca.thumbprint}"
    return Challenge(challenge.type, document.identifier.value, challenge.token, key_authorization)


def _present(pending: Iterable[_Pending], responder: ChallengeResponder) -> None:
    challenges = [each.challenge for each in pending]
    try:
        for challenge in challenges:
            responder.present(challenge)
        if challenges:
            responder.wait_until_visible(challenges)
    except ResponderError as error:
        raise OrderError(OrderFailure(FailureKind.CHALLENGE, str(error), error.hint)) from None


def _await_all(connection: AccountConnection, pending: Iterable[_Pending]) -> None:
    problems = []
    for each in pending:
        document = poll(
            connection,
            each.url,
            AuthorizationDocument,
            lambda document: document.status != "pending",
            timeout=VALIDATION_TIMEOUT,
            subject=f"the validation of {each.challenge.name}",
        )
        if document.status != "valid":
            problems.append(_failed(document, each.challenge.kind))
    if problems:
        raise _refusal(problems)


def _failed(document: AuthorizationDocument, kind: str) -> Problem:
    name = document.identifier.value
    errors = {challenge.type: challenge.error for challenge in document.challenges if challenge.error}
    error = errors.get(kind) or next(iter(errors.values()), None)
    if error is not None:
        return error.problem(name)
    return Problem("unauthorized", f"the authorization is {document.status}", name)


def _refusal(problems: Sequence[Problem]) -> OrderError:
    return OrderError(failure_of(Problem("compound", "", "", tuple(problems)), action="names"))


def _clean_up(pending: Iterable[_Pending], responder: ChallengeResponder) -> None:
    for each in pending:
        try:
            responder.clean_up(each.challenge)
        except ResponderError as error:
            logger.warning("the response to %r could not be removed: %s", each.challenge, error)
