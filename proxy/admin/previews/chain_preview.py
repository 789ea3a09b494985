"""Says in order what the middlewares on a request's path do to it, and which of them responds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from copy import copy
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from proxy.admin.previews import described_kinds, observed_kinds  # noqa: F401 (they register their functions)
from proxy.admin.previews.effect import PREVIEWS, Effect, Subject, TokensLeft
from proxy.admin.previews.preview_client import PreviewClient
from proxy.middlewares.chains import ChainError
from proxy.middlewares.rewriting.redirects import has_scheme_and_port
from proxy.telemetry.tallies import Tally
from rondpoint.explaining.explanation import ExplainedMember, ExplainedMiddleware, Explanation
from rondpoint.middlewares.canonical import add_defaults
from rondpoint.middlewares.display import shown_options

if TYPE_CHECKING:
    from proxy.context import WorkerContext
    from proxy.http1.request import Request
    from rondpoint.entry_points.redirection import Redirection
    from rondpoint.explaining.active_configuration import ActiveConfiguration
    from rondpoint.model import Middleware

_FIRST_ERROR = 400
_ROUTER = "router "
_UNKNOWN = Effect("does what only the request itself would show")


class PreviewedRequest(Struct, frozen=True):
    """A request that is not sent; `peer` is its client's address, or empty.

    `lines` are the lines about the client that the proxy would add.
    """

    request: Request
    peer: str
    lines: bytes
    tls: bool


def is_redirected(context: WorkerContext, sent: PreviewedRequest, redirection: Redirection) -> bool:
    """Return whether the redirection of an entry point changes the URL of the request."""
    client = PreviewClient(context, sent.peer, sent.lines, tls=sent.tls)
    return not has_scheme_and_port(redirection.middleware.options)(sent.request, client)


def parts_of(explanation: Explanation, configuration: ActiveConfiguration) -> dict[str, tuple[str, ...]]:
    """Return the names of the middlewares that a request meets, by their entry point or router."""
    own = configuration.options_of(explanation.entry_point).middlewares
    # The router of a redirection by the entry point is in no configuration.
    rest = explanation.middlewares[len(own) :]
    parts = {f"entry point {explanation.entry_point}": own}
    for name in (*explanation.parents, explanation.router):
        router = configuration.routers.get(name)
        parts[f"{_ROUTER}{name}"] = rest if router is None else router.middlewares
    return parts


class Previewer:
    """Completes explanations with the middlewares of `context`, whose options are in `middlewares`."""

    def __init__(
        self,
        context: WorkerContext,
        middlewares: Mapping[str, Middleware],
        tokens_left: TokensLeft,
        yield_if_due: Callable[[], None],
    ) -> None:
        self._context = context
        self._middlewares = middlewares
        self._tokens_left = tokens_left
        self._yield_if_due = yield_if_due

    def complete(
        self,
        explanation: Explanation,
        parts: Mapping[str, tuple[str, ...]],
        sent: PreviewedRequest,
        *,
        closed: bool = False,
    ) -> Explanation:
        """Return the explanation with what each middleware does, and with the response of one that responds.

        `parts` are the names of middlewares by their entry point or router, in order (`parts_of`).
        No request reaches any of them if the entry point is `closed`.
        """
        root = next(iter(explanation.parents), explanation.router)
        client = PreviewClient(self._context, sent.peer, sent.lines, root, tls=sent.tls)
        client.entry_point = explanation.entry_point
        request = copy(sent.request)
        steps: list[ExplainedMiddleware] = []
        fault = ""
        for part, names in parts.items():
            reached = not (closed or fault or _responder(steps))
            if part.startswith(_ROUTER):
                # Limits and circuit breakers are by router.
                client.tally = Tally(part.removeprefix(_ROUTER))
            try:
                steps += self._previews(part, names, request, client, reached=reached)
            except ChainError as error:
                fault = fault or str(error)
        if fault:
            return replace(explanation, steps=tuple(steps), status=503, reason=explanation.reason or fault)
        responder = _responder(steps)
        if responder is not None:
            reason = f"middleware {responder.name} {responder.effect}"
            if explanation.status == responder.status and explanation.status < _FIRST_ERROR:
                # The redirection of the entry point, which has its reason already.
                reason = explanation.reason
            return replace(explanation, steps=tuple(steps), status=responder.status, reason=reason)
        members = tuple(self._member(member, request, client) for member in explanation.members)
        return replace(explanation, steps=tuple(steps), members=members)

    def _member(self, member: ExplainedMember, request: Request, client: PreviewClient) -> ExplainedMember:
        """Return the member with what its middlewares do if the service chooses it."""
        if not member.middlewares:
            return member
        try:
            steps = tuple(
                self._previews(
                    f"service {member.service}",
                    member.middlewares,
                    copy(request),
                    client.fork(),
                    reached=True,
                )
            )
        except ChainError:
            # The diagnostics of the explanation say why.
            return member
        return replace(member, steps=steps)

    def _previews(
        self, part: str, names: Collection[str], request: Request, client: PreviewClient, *, reached: bool
    ) -> Iterator[ExplainedMiddleware]:
        """Yield the middlewares with these names, and what they do as long as the request reaches them.

        Raises ChainError.
        """
        kind, _, name = part.partition(" ")
        chain = self._context.chains.compile_chain(tuple(names), kind, name)
        for step, owner in zip(chain, chain.owners, strict=True):
            self._yield_if_due()
            middleware = self._middlewares.get(owner.name)
            if middleware is None:
                raise ChainError(f"middleware {owner.name} has been changed meanwhile: ask again")
            effect = Effect("")
            if reached:
                function = PREVIEWS.get(owner.kind)
                options = add_defaults(middleware.kind, middleware.options)
                subject = Subject(owner.name, options, step, request, client, self._tokens_left)
                effect = _UNKNOWN if function is None else function(subject)
                reached = not effect.status
            yield ExplainedMiddleware(
                owner.name, owner.kind, part, shown_options(middleware), effect.sentence, effect.status
            )


def _responder(steps: Collection[ExplainedMiddleware]) -> ExplainedMiddleware | None:
    """Return the middleware that responds in place of a server, if any."""
    return next((step for step in steps if step.status), None)
