"""Middlewares that a compose file without a proxy names and does not define: another one may define them."""

from __future__ import annotations

from msgspec.structs import replace

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Middleware, Router
from rondpoint.rules.suggestions import find_nearest

_TOGETHER = "check that file together with this one"


def assume_other_compose_files(provider: str, own: Configuration) -> Configuration:
    """Return the configuration with the middlewares that its routers name and do not define.

    Without a proxy, a compose file is one of several with the same engine. A warning names each middleware.
    """
    routers = [*own.routers.values()]
    missing = {
        name: router
        for router in reversed(routers)
        for name in router.middlewares
        if name.endswith(f"@{provider}") and name not in own.middlewares
    }
    if not missing:
        return own
    return replace(
        own,
        middlewares={**own.middlewares, **{name: Middleware(name, "") for name in missing}},
        diagnostics=(
            *own.diagnostics,
            *(_warn(provider, router, name, own) for name, router in sorted(missing.items())),
        ),
    )


def _warn(provider: str, router: Router, name: str, own: Configuration) -> Diagnostic:
    message = f"its middleware {name!r} is not defined here, so another compose file must define it"
    nearest = find_nearest(name, sorted(own.middlewares))
    hint = f"did you mean {nearest!r}? Else {_TOGETHER}" if nearest else _TOGETHER
    return Diagnostic(Severity.WARNING, provider, f"router {router.name}", message, hint)
