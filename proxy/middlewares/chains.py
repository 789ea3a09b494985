"""The steps of each router, from the middlewares that it names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import count

from proxy.middlewares import in_flight_req, prefixes, replace_path, retry
from proxy.middlewares.step import KINDS, Step
from proxy.middlewares.step_timing import timed
from rondpoint.middlewares.canonical import complete
from rondpoint.middlewares.kinds import MOST
from rondpoint.model import Middleware, Router

log = logging.getLogger(__name__)

# Their kinds are in KINDS once they are imported.
_ = (in_flight_req, prefixes, replace_path, retry)


class ChainError(Exception):
    """A middleware that cannot be performed: its routers serve nothing, rather than unguarded."""


class Chains:
    """Middlewares by name, and the steps of routers that were asked for since the last of them changed.

    Steps are `timed` from when somebody wants traces in detail.
    """

    def __init__(self) -> None:
        self._timed = False
        self._middlewares: dict[str, Middleware] = {}
        self._steps: dict[tuple[str, ...], tuple[Step, ...] | ChainError] = {}

    def put(self, middleware: Middleware) -> None:
        """Add or replace a middleware."""
        self._middlewares[middleware.name] = middleware
        self._steps.clear()

    def remove(self, name: str) -> None:
        """Take a middleware out; a name that is not there is no fault."""
        self._middlewares.pop(name, None)
        self._steps.clear()

    def time_steps(self) -> None:
        """Have each step tell the trace of its request how long it took."""
        if not self._timed:
            self._timed = True
            self._steps.clear()

    def steps(self, router: Router) -> tuple[Step, ...]:
        """The steps of a router, in order. Raises ChainError."""
        return self.of(router.middlewares, "router", router.name)

    def of(self, middlewares: tuple[str, ...], kind: str, name: str) -> tuple[Step, ...]:
        """The steps of these middlewares, in order, for the object that names them. Raises ChainError."""
        found = self._steps.get(middlewares)
        if found is None:
            try:
                found = tuple(self._compiled(middlewares, (), count(1)))
            except ChainError as error:
                log.warning("%s %s answers 503: %s", kind, name, error)
                found = error
            self._steps[middlewares] = found
        if isinstance(found, ChainError):
            raise found
        return found

    def _compiled(
        self, names: tuple[str, ...], above: tuple[str, ...], numbers: Iterator[int]
    ) -> Iterator[Step]:
        for name in names:
            if next(numbers) > MOST:
                raise ChainError(f"there are more than {MOST} middlewares, those within chains included")
            middleware = self._middlewares.get(name)
            if name in above:
                raise ChainError(f"middleware {name} is a part of itself")
            if middleware is None:
                raise ChainError(f"middleware {name} does not exist")
            if middleware.unusable:
                raise ChainError(f"middleware {name} has options that could not be read")
            if middleware.kind == "chain":
                yield from self._compiled(tuple(middleware.options["middlewares"]), (*above, name), numbers)
                continue
            compile_kind = KINDS.get(middleware.kind)
            if compile_kind is None:
                raise ChainError(f"middleware {name} is of kind {middleware.kind}, which is not served yet")
            try:
                step = compile_kind(complete(middleware.kind, middleware.options), name)
            except (ValueError, KeyError) as error:
                raise ChainError(f"middleware {name}: {error}") from None
            yield timed(step, name, middleware.kind) if self._timed else step
