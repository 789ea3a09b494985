"""Why an order failed, as a value: what happened, what mends it, and when to try again."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct


class FailureKind(Enum):
    """What a failure is about, which decides when to try again."""

    UNREACHABLE = "unreachable"
    """The CA did not respond, or cannot serve at present; nothing is wrong with the order."""
    RATE_LIMITED = "rate limited"
    """The CA refuses requests of this account or address until `not_before`."""
    NAMES = "names"
    """The CA refused some of the names, or could not validate them."""
    ACCOUNT = "account"
    """The CA refused the account, so every order of the resolver would fail."""
    REFUSED = "refused"
    """The CA refused the order as a whole."""
    CHALLENGE = "challenge"
    """The response to a challenge could not be published."""
    INTERRUPTED = "interrupted"
    """The agent stops or lost its lease; another leader continues."""


class OrderFailure(Struct, frozen=True):
    """A failure. `names` are the names at fault, if the CA says so; `not_before` is in Unix seconds, or 0."""

    kind: FailureKind
    message: str
    hint: str = ""
    names: tuple[str, ...] = ()
    not_before: float = 0.0


class OrderError(Exception):
    """Carries an OrderFailure to the caller that decides what happens next."""

    def __init__(self, failure: OrderFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def interrupted() -> OrderError:
    """Return the error of an order that has to be left because the agent stops or lost its lease."""
    return OrderError(OrderFailure(FailureKind.INTERRUPTED, "the agent stops or no longer leads"))


class Problem(Struct, frozen=True):
    """An error of the CA (RFC 8555 §6.7): `code` is the last part of its type, `name` the one at fault."""

    code: str
    detail: str = ""
    name: str = ""
    subproblems: tuple[Problem, ...] = ()


HINTS: Mapping[str, str] = {
    "accountDoesNotExist": "the account is registered anew by itself",
    "badCSR": "choose another keyType",
    "badPublicKey": "choose another keyType",
    "caa": "a CAA record of the domain forbids this authority: add one that allows it, or use another one",
    "connection": "the authority must reach every address of the name from the internet: check A and AAAA "
    "records and firewalls",
    "dns": "the name must exist in the public DNS: check its records, and remove stale AAAA records",
    "dnssec": "the DNSSEC signatures of the domain are wrong: repair them at the DNS provider",
    "externalAccountRequired": "get a key from the authority, and set eab.kid and eab.hmacEncoded",
    "incorrectResponse": "another server responds for this name: check that its DNS records lead here alone",
    "invalidContact": "correct the resolver's email",
    "invalidProfile": "choose a profile of this authority",
    "rateLimited": "wait; until then, certificates that exist are served as before",
    "rejectedIdentifier": "this authority does not certify the name: remove it from the rule or tls.domains",
    "tls": "the authority found no usable TLS on port 443 of the name: check what is in front of Rondpoint",
    "unauthorized": "another server responds for this name: check that its DNS records lead here alone",
    "unsupportedContact": "correct the resolver's email",
    "unsupportedIdentifier": "this authority does not certify such names",
    "userActionRequired": "the authority's terms changed: read them at the address in the message",
}

# The same code means something else about an account or an order than about a name.
_ABOUT_NAMES = frozenset(
    {"caa", "connection", "dns", "dnssec", "incorrectResponse", "rejectedIdentifier", "tls", "unauthorized"}
)


def failure_of(problem: Problem, *, event: str, retry_at: float = 0.0) -> OrderFailure:
    """Describe a problem; `event` says what happened, `retry_at` when the CA may be asked again."""
    leaves = _leaves(problem)
    names = tuple(dict.fromkeys(leaf.name for leaf in leaves if leaf.name))
    message = f"{event}: {'; '.join(_describe(leaf) for leaf in leaves)}"
    if problem.code == "rateLimited":
        return OrderFailure(FailureKind.RATE_LIMITED, message, HINTS["rateLimited"], names, retry_at)
    if problem.code == "serverInternal":
        hint = "this is the authority's fault: Rondpoint tries again by itself"
        return OrderFailure(FailureKind.UNREACHABLE, message, hint, names, retry_at)
    kind = FailureKind.NAMES if names else FailureKind.REFUSED
    return OrderFailure(kind, message, _hint(leaves), names, retry_at)


def _leaves(problem: Problem) -> list[Problem]:
    if not problem.subproblems:
        return [problem]
    return [leaf for inner in problem.subproblems for leaf in _leaves(inner)]


def _describe(problem: Problem) -> str:
    text = f"{problem.detail} ({problem.code})" if problem.detail else problem.code
    return f"{problem.name}: {text}" if problem.name else text


def _hint(problems: list[Problem]) -> str:
    usable = [each.code for each in problems if each.name or each.code not in _ABOUT_NAMES]
    return "; ".join(dict.fromkeys(HINTS[code] for code in usable if code in HINTS))
