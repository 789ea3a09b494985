"""Redirections to another entry point: of all requests of one (`http.redirections`), and their targets."""

from __future__ import annotations

from http import HTTPStatus

from msgspec import Struct

from rondpoint.entry_points.own_middleware import OwnMiddleware, make_own_middleware
from rondpoint.model import Middleware, Router
from rondpoint.settings import Settings
from rondpoint.settings.values import split_address

ACME_CHALLENGES = "/.well-known/acme-challenge/"
"""The paths of ACME's HTTP challenge (RFC 8555 §8.3), which must be served without TLS."""


class RedirectionTarget(Struct, frozen=True):
    """The scheme and the port of an entry point to which clients are redirected."""

    scheme: str
    port: int


def redirection_targets(settings: Settings) -> dict[str, RedirectionTarget]:
    """Return the targets by the names of the entry points."""
    return {
        name: RedirectionTarget("http" if point.tls is None else "https", point.port)
        for name, point in settings.web_entry_points.items()
    }


class Redirection(Struct, frozen=True):
    """Redirects the requests of an entry point before any router takes them.

    `name` is the router's name in logs, metrics and explanations, `target` the new scheme and port.
    `middleware` makes the response. Routers of a higher `priority` take requests first; None means that no
    router does.
    """

    name: str
    target: str
    middleware: Middleware
    permanent: bool
    priority: int | None = None

    def gives_way(self, router: Router, path: str) -> bool:
        """Return whether this router takes its request all the same; `path` is normalised."""
        if self.priority is not None and router.priority > self.priority:
            return True
        return path.startswith(ACME_CHALLENGES)

    def status(self, method: str) -> int:
        """Return the status of the response to a request with this method."""
        if method == "GET":
            return HTTPStatus.MOVED_PERMANENTLY if self.permanent else HTTPStatus.FOUND
        return HTTPStatus.PERMANENT_REDIRECT if self.permanent else HTTPStatus.TEMPORARY_REDIRECT


def make_redirection(name: str, settings: Settings) -> tuple[Redirection, OwnMiddleware] | None:
    """Return the redirection of the entry point `name` with its middleware, or None without one."""
    options = settings.entry_points[name].http.redirections.entry_point
    if options is None:
        return None
    is_port = options.to.startswith(":")
    port = split_address(options.to)[1] if is_port else settings.entry_points[options.to].port
    router = f"{name}-to-{port if is_port else options.to}@internal"
    made = make_own_middleware(
        name,
        f"redirect-{router}",
        "redirectScheme",
        {"scheme": options.scheme, "port": str(port), "permanent": options.permanent},
        section="http.redirections.entryPoint",
    )
    target = f"{options.scheme}, port {port}"
    return Redirection(router, target, made.middleware, options.permanent, options.priority), made
