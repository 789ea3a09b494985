"""The middleware redirectEntryPoint, as in Traefik 1: redirects to the scheme and port of an entry point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.middlewares.rewriting.redirects import redirect_scheme
from proxy.middlewares.step import Client, CompileScope, Step, scoped_kind

if TYPE_CHECKING:
    from proxy.http1.request import Request


@scoped_kind("redirectEntryPoint")
def redirect_entry_point(options: Mapping[str, Any], scope: CompileScope) -> Step:
    """Redirect requests of other entry points to this one; its own requests pass."""
    name = options["entryPoint"]
    target = scope.entry_points.get(name)
    if target is None:
        raise ValueError(f"entry point {name} does not exist")
    redirect = redirect_scheme(
        {"scheme": target.scheme, "port": str(target.port), "permanent": options["permanent"]}
    )

    def step(request: Request, client: Client) -> None:
        # The Host may name another port than the entry point's, which a port mapping hides.
        if client.entry_point != name:
            redirect(request, client)

    return step
