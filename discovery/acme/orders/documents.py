"""Orders and authorizations as the CA describes them (RFC 8555 §7.1), as far as Rondpoint reads them."""

from __future__ import annotations

from msgspec import Struct

from discovery.acme.orders.failures import Problem


class Identifier(Struct, frozen=True):
    """A name (`dns`) or an address (`ip`)."""

    type: str
    value: str


class ProblemDocument(Struct, frozen=True):
    """An error in a document."""

    type: str = ""
    detail: str = ""
    identifier: Identifier | None = None
    subproblems: tuple[ProblemDocument, ...] = ()

    def problem(self, name: str = "") -> Problem:
        """Return it as a value; `name` is the one at fault if the document names none."""
        own = self.identifier.value if self.identifier else name
        code = self.type.rsplit(":", 1)[-1] or "unknown"
        return Problem(code, self.detail, own, tuple(each.problem(own) for each in self.subproblems))


class ChallengeDocument(Struct, frozen=True):
    type: str
    url: str
    status: str = "pending"
    token: str = ""
    error: ProblemDocument | None = None


class AuthorizationDocument(Struct, frozen=True):
    identifier: Identifier
    status: str
    challenges: tuple[ChallengeDocument, ...] = ()


class OrderDocument(Struct, frozen=True):
    status: str
    finalize: str
    authorizations: tuple[str, ...] = ()
    certificate: str = ""
    error: ProblemDocument | None = None
