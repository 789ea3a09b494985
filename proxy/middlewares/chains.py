"""Compiles the middlewares of each router to steps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

# Importing these modules registers their kinds in KINDS.
from proxy.middlewares import (  # noqa: F401
    buffering,
    content_type,
    encoded_characters,
    pass_tls_client_cert,
    timeouts,
)
from proxy.middlewares.authentication import basic_auth, digest_auth, forward_auth  # noqa: F401
from proxy.middlewares.compression import compress  # noqa: F401
from proxy.middlewares.failures import circuit_breaker, error_pages, retry  # noqa: F401
from proxy.middlewares.grpc_web import grpc_web  # noqa: F401
from proxy.middlewares.headers import header_modifiers, headers  # noqa: F401
from proxy.middlewares.python import plugin  # noqa: F401
from proxy.middlewares.rewriting import (  # noqa: F401
    prefixes,
    redirect_entry_point,
    redirects,
    replace_path,
    url_rewrite,
)
from proxy.middlewares.sources import in_flight_req, ip_allow_list, rate_limit  # noqa: F401
from proxy.middlewares.step import KINDS, CompiledChain, CompileScope, Step, StepOwner
from proxy.middlewares.step_timing import time_step
from rondpoint.middleware.installed import InstalledMiddlewares
from rondpoint.middlewares.canonical import add_defaults
from rondpoint.middlewares.kinds import MAX_MIDDLEWARES
from rondpoint.model import Middleware

if TYPE_CHECKING:
    import ssl

    from proxy.upstream.auxiliary_pools import AuxiliaryPools, ServerAddress
    from proxy.upstream.pool import Pool
    from rondpoint.entry_points.redirection import RedirectionTarget
    from rondpoint.servers_transports.client_context import OpenKey

log = logging.getLogger(__name__)


class ChainError(Exception):
    """A middleware cannot be applied: its routers respond with 503 rather than serve without it."""


class Chains:
    """Middlewares by name, and the compiled steps, cached until a middleware changes.

    Steps are timed once any entry point or router wants detailed traces. `pools` hold the connections of
    middlewares to auxiliary servers, and are closed with them; without `pools`, such middlewares cannot be
    applied. `entry_points` are targets of redirections by name, `installed` the middlewares in Python.
    `open_key` opens private keys that providers have sealed.
    """

    def __init__(
        self,
        pools: AuxiliaryPools | None = None,
        entry_points: Mapping[str, RedirectionTarget] | None = None,
        installed: InstalledMiddlewares | None = None,
        open_key: OpenKey = str,
    ) -> None:
        self._pools = pools
        self._entry_points = entry_points or {}
        self._installed = installed or InstalledMiddlewares()
        self._open_key = open_key
        self._timing_enabled = False
        self._middlewares: dict[str, Middleware] = {}
        self._steps: dict[tuple[str, ...], CompiledChain | ChainError] = {}

    def __contains__(self, name: object) -> bool:
        """Return whether there is a middleware with this name."""
        return name in self._middlewares

    def put(self, middleware: Middleware) -> None:
        """Add or replace a middleware."""
        self._middlewares[middleware.name] = middleware
        self._steps.clear()
        self._close_pools(middleware.name)

    def remove(self, name: str) -> None:
        """Remove a middleware; ignore an unknown name."""
        self._middlewares.pop(name, None)
        self._steps.clear()
        self._close_pools(name)

    def _open_pool(
        self, owner: str, address: ServerAddress, create_context: Callable[[], ssl.SSLContext] | None
    ) -> Pool:
        if self._pools is None:
            raise ValueError("there are no pools for its auxiliary server")
        return self._pools.open(owner, address, create_context)

    def _close_pools(self, owner: str) -> None:
        if self._pools is not None:
            self._pools.close(owner)

    def time_steps(self) -> None:
        """Make each step record its duration in the trace of the request."""
        if not self._timing_enabled:
            self._timing_enabled = True
            self._steps.clear()

    def compile_chain(self, middlewares: tuple[str, ...], kind: str, name: str) -> CompiledChain:
        """Return the steps of these middlewares in order; `kind` and `name` are their router or service.

        Raises ChainError.
        """
        found = self._steps.get(middlewares)
        if found is None:
            try:
                found = CompiledChain.of(self._compile(middlewares, (), count(1)))
            except ChainError as error:
                log.warning("%s %s responds with 503: %s", kind, name, error)
                found = error
            self._steps[middlewares] = found
        if isinstance(found, ChainError):
            raise found
        return found

    def _compile(
        self, names: tuple[str, ...], above: tuple[str, ...], numbers: Iterator[int]
    ) -> Iterator[tuple[Step, StepOwner]]:
        for name in names:
            if next(numbers) > MAX_MIDDLEWARES:
                raise ChainError(
                    f"there are more than {MAX_MIDDLEWARES} middlewares, those within chains included"
                )
            middleware = self._middlewares.get(name)
            if name in above:
                raise ChainError(f"middleware {name} is a part of itself")
            if middleware is None:
                raise ChainError(f"middleware {name} does not exist")
            if middleware.unusable:
                raise ChainError(f"middleware {name} has options that could not be read")
            if middleware.kind == "chain":
                yield from self._compile(tuple(middleware.options["middlewares"]), (*above, name), numbers)
                continue
            compile_kind = KINDS.get(middleware.kind)
            if compile_kind is None:
                raise ChainError(f"middleware {name} is of kind {middleware.kind}, which is not served yet")
            scope = CompileScope(
                name, partial(self._open_pool, name), self._entry_points, self._installed, self._open_key
            )
            try:
                step = compile_kind(add_defaults(middleware.kind, middleware.options), scope)
            except (ValueError, KeyError) as error:
                raise ChainError(f"middleware {name}: {error}") from None
            if self._timing_enabled:
                step = time_step(step, name, middleware.kind)
            yield step, StepOwner(name, middleware.kind)
