"""Translates Traefik 1's options of an entry point to middlewares of Traefik 3.

Their order is that of Traefik 1.7: authentication, compression, addresses, redirection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.entry_points.own_middleware import OwnMiddleware, make_own_middleware, report
from rondpoint.entry_points.redirection import redirection_targets
from rondpoint.model import Middleware
from rondpoint.settings import Settings
from rondpoint.settings.tree.entry_points import EntryPoint
from rondpoint.settings.tree.entry_points_v1 import AuthOfV1, ForwardOfV1, UsersOfV1


class Translated(Struct, frozen=True):
    """The middlewares in order, and diagnostics about options that have no effect."""

    made: tuple[OwnMiddleware, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def translate(name: str, settings: Settings) -> Translated:
    """Return the middlewares of the entry point `name`."""
    point = settings.entry_points[name]
    diagnostics: list[Diagnostic] = []
    made = [*_auth(name, point)]
    if point.compress:
        made.append(make_own_middleware(name, _own_name(name, "compress"), "compress", {}))
    made += _allow_list(name, point)
    made += _redirect(name, settings)
    if point.redirect is not None and point.redirect.entry_point and point.redirect.regex:
        text = f"entryPoints.{name}.redirect.regex has no effect together with redirect.entryPoint"
        diagnostics.append(report(name, text, severity=Severity.WARNING))
    return Translated(tuple(made), tuple(diagnostics))


def _own_name(entry_point: str, suffix: str) -> str:
    return f"{entry_point}-{suffix}@internal"


def _auth(name: str, point: EntryPoint) -> Iterator[OwnMiddleware]:
    auth = point.auth
    if auth is None:
        return
    if auth.basic is not None:
        yield _users(name, "basic", auth.basic, auth)
    elif auth.digest is not None:
        yield _users(name, "digest", auth.digest, auth)
    elif auth.forward is not None:
        options = _forward_options(auth.forward) | _given(headerField=auth.header_field)
        yield make_own_middleware(
            name, _own_name(name, "auth"), "forwardAuth", options, section="auth.forward"
        )
    else:
        text = f"entryPoints.{name}.auth names no authentication method"
        yield OwnMiddleware(
            Middleware(_own_name(name, "auth"), "basicAuth", {}, unusable=True),
            (report(name, text, "expected basic, digest or forward"),),
        )


def _users(name: str, kind: str, users: UsersOfV1, auth: AuthOfV1) -> OwnMiddleware:
    options = _given(
        users=list(users.users),
        usersFile=users.users_file,
        realm=users.realm,
        removeHeader=users.remove_header,
        headerField=auth.header_field,
    )
    return make_own_middleware(name, _own_name(name, "auth"), f"{kind}Auth", options, section=f"auth.{kind}")


def _forward_options(forward: ForwardOfV1) -> dict[str, Any]:
    options = _given(
        address=forward.address,
        trustForwardHeader=forward.trust_forward_header,
        authResponseHeaders=list(forward.auth_response_headers),
    )
    if forward.tls is not None:
        options["tls"] = _given(
            ca=forward.tls.ca,
            caOptional=forward.tls.ca_optional,
            cert=forward.tls.cert,
            key=forward.tls.key,
            insecureSkipVerify=forward.tls.insecure_skip_verify,
        )
    return options


def _allow_list(name: str, point: EntryPoint) -> Iterator[OwnMiddleware]:
    ranges = point.white_list
    if ranges is None and not point.whitelist_source_range:
        return
    found = (ranges.source_range if ranges is not None else ()) or point.whitelist_source_range
    options: dict[str, Any] = {"sourceRange": list(found)}
    if ranges is not None and ranges.use_x_forwarded_for:
        # The address that the last proxy in front has seen; a client can forge all other addresses.
        options["ipStrategy"] = {"depth": 1}
    section = "whiteList" if ranges is not None else ""
    yield make_own_middleware(name, _own_name(name, "whiteList"), "ipAllowList", options, section=section)


def _redirect(name: str, settings: Settings) -> Iterator[OwnMiddleware]:
    redirect = settings.entry_points[name].redirect
    if redirect is None or redirect.entry_point == name:
        return
    if redirect.entry_point:
        target = redirection_targets(settings)[redirect.entry_point]
        kind, options = (
            "redirectScheme",
            {"scheme": target.scheme, "port": str(target.port), "permanent": redirect.permanent},
        )
    else:
        kind, options = (
            "redirectRegex",
            _given(regex=redirect.regex, replacement=redirect.replacement, permanent=redirect.permanent),
        )
    yield make_own_middleware(name, _own_name(name, "redirect"), kind, options, section="redirect")


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that are not empty."""
    return {name: value for name, value in options.items() if value}
