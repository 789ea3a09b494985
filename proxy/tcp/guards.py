"""Compiles the middlewares of TCP routers to guards, which admit a connection or refuse it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.middlewares.sources.address_ranges import AddressRanges

if TYPE_CHECKING:
    from proxy.limits.in_flight_limits import InFlightLimits
    from rondpoint.model import Middleware

log = logging.getLogger(__name__)

Release = Callable[[], None]
"""Is due at the end of a connection."""

Guard = Callable[[str, str], Release | None]
"""Admits a connection of the client with this address to the router with this name. Raises RefusedError."""


class RefusedError(Exception):
    """A middleware refuses the connection; the message is the reason."""


class NoServerError(RefusedError):
    """No server can take the connection."""


class GuardError(Exception):
    """A middleware cannot be applied: its routers take no connections rather than serve without it."""


class Guards:
    """TCP middlewares by name, and their guards, made when a router first needs them.

    Connections above the limits of `inFlightConn` are counted by `limits`.
    """

    def __init__(self, limits: InFlightLimits) -> None:
        self._limits = limits
        self._middlewares: dict[str, Middleware] = {}
        self._guards: dict[tuple[str, ...], tuple[Guard, ...] | GuardError] = {}

    def put(self, middleware: Middleware) -> None:
        """Add or replace a middleware."""
        self._middlewares[middleware.name] = middleware
        self._forget(middleware.name)

    def remove(self, name: str) -> None:
        """Remove a middleware; ignore an unknown name."""
        self._middlewares.pop(name, None)
        self._forget(name)

    def compile(self, middlewares: tuple[str, ...], router: str) -> tuple[Guard, ...]:
        """Return the guards of these middlewares, in their order. Raises GuardError.

        They are the same tuple until one of the middlewares changes.
        """
        found = self._guards.get(middlewares)
        if found is None:
            try:
                found = tuple(map(self._compile, middlewares))
            except GuardError as error:
                log.warning("TCP router %s takes no connections: %s", router, error)
                found = error
            self._guards[middlewares] = found
        if isinstance(found, GuardError):
            raise found
        return found

    def _forget(self, name: str) -> None:
        self._guards = {names: found for names, found in self._guards.items() if name not in names}

    def _compile(self, name: str) -> Guard:
        middleware = self._middlewares.get(name)
        if middleware is None:
            raise GuardError(f"TCP middleware {name} does not exist")
        if middleware.unusable:
            raise GuardError(f"TCP middleware {name} has options that could not be read")
        options = middleware.options
        try:
            if middleware.kind in ("ipAllowList", "ipWhiteList"):
                return _allow_list(options)
            if middleware.kind == "inFlightConn":
                return self._in_flight_limit(name, options)
        except (ValueError, KeyError, TypeError) as error:
            raise GuardError(f"TCP middleware {name}: {error}") from None
        raise GuardError(f"TCP middleware {name} is of kind {middleware.kind}, which TCP routers do not have")

    def _in_flight_limit(self, name: str, options: Mapping[str, Any]) -> Guard:
        amount, limits = int(options["amount"]), self._limits

        def limit(address: str, router: str) -> Release:
            # An HTTP middleware may have the same name.
            pool = limits.enter(f"tcp\0{name}\0{router}\0{address}", amount)
            if pool is None:
                raise RefusedError(f"the client has {amount} connections already")
            return partial(limits.leave, pool)

        return limit


def _allow_list(options: Mapping[str, Any]) -> Guard:
    networks = options["sourceRange"]
    if not networks:
        raise ValueError("sourceRange is empty")
    holds = AddressRanges(networks).holds

    def check(address: str, _router: str) -> None:
        if not holds(address):
            raise RefusedError("the client's address is not allowed here")

    return check
