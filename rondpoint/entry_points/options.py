"""The middlewares and the redirection of an entry point, from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic
from rondpoint.entry_points.encoded_characters import make_encoded_characters
from rondpoint.entry_points.redirection import Redirection, make_redirection
from rondpoint.entry_points.traefik_1 import translate
from rondpoint.model import Middleware, Router
from rondpoint.settings import Settings

AMBIGUOUS_PATH = "the path leads to different routers with and without its dot segments and empty segments"
"""Why a request is refused on an entry point that keeps paths."""


class EntryPointOptions(Struct, frozen=True):
    """The options of one entry point for all its routers.

    `middlewares` are the names of the middlewares before those of each router; a name without a provider is
    completed with the router's (`qualify_middlewares`). `own` are those of them that only this entry point
    has, by name, with the one of the redirection. `keeps_paths`: paths keep their dot segments and empty
    segments. `appends_peer`: servers get the address of the connection's client in `X-Forwarded-For`.
    `diagnostics` are about invalid options.
    """

    middlewares: tuple[str, ...] = ()
    own: Mapping[str, Middleware] = MappingProxyType({})
    redirection: Redirection | None = None
    keeps_paths: bool = False
    appends_peer: bool = True
    diagnostics: tuple[Diagnostic, ...] = ()


NO_OPTIONS = EntryPointOptions()


def read_entry_points(settings: Settings) -> dict[str, EntryPointOptions]:
    """Return the options by entry point, for those that have some."""
    found = {name: _read(name, settings) for name in settings.entry_points}
    return {name: options for name, options in found.items() if options != NO_OPTIONS}


def router_middlewares(options: EntryPointOptions, router: Router) -> tuple[str, ...]:
    """Return the names of all middlewares of a router on an entry point with these options."""
    return (*qualify_middlewares(options.middlewares, router.name), *router.middlewares)


def qualify_middlewares(names: tuple[str, ...], router_name: str) -> tuple[str, ...]:
    """Return the names with a provider each: names without one get that of the router, as in Traefik."""
    provider = router_name.rpartition("@")[2]
    return tuple(name if "@" in name else f"{name}@{provider}" for name in names)


def _read(name: str, settings: Settings) -> EntryPointOptions:
    point = settings.entry_points[name]
    translated = translate(name, settings)
    redirecting = make_redirection(name, settings)
    refusing = make_encoded_characters(name, settings)
    made = [*refusing, *translated.made, *([redirecting[1]] if redirecting else [])]
    return EntryPointOptions(
        # As in Traefik, encoded characters are refused before any middleware sees the request.
        (
            *(each.middleware.name for each in refusing),
            *point.http.middlewares,
            *(each.middleware.name for each in translated.made),
        ),
        {each.middleware.name: each.middleware for each in made},
        redirecting[0] if redirecting else None,
        not point.http.sanitize_path,
        not point.forwarded_headers.not_append_x_forwarded_for,
        (*translated.diagnostics, *(diagnostic for each in made for diagnostic in each.diagnostics)),
    )
