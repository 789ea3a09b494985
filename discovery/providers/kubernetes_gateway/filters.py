"""Turns the filters of routes and their backends into middlewares, as a dynamic file has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

_TIMEOUTS = ("request", "backendRequest")


class UnsupportedFilterError(Exception):
    """A filter that cannot be served: its requests must not pass without it."""


class Filters(Struct, frozen=True):
    """Middlewares in order: options by name, or None for one of another provider; and mirrored backends."""

    middlewares: Mapping[str, Mapping[str, Any] | None]
    mirrors: tuple[Mapping[str, Any], ...]


def read_filters(filters: Iterable[Mapping[str, Any]], namespace: str, name: str, prefix: str) -> Filters:
    """Read the filters of an object in this namespace. Raises UnsupportedFilterError.

    Their middlewares are called `name`, with their kinds and numbers. `prefix` is the path prefix that the
    route matches.
    """
    middlewares: dict[str, Mapping[str, Any] | None] = {}
    mirrors: list[Mapping[str, Any]] = []
    for number, written in enumerate(filters):
        kind = str(written.get("type") or "")
        options = written.get(f"{kind[:1].lower()}{kind[1:]}") or {}
        own = f"{name}-{kind.lower()}-{number}"
        match kind:
            case "RequestHeaderModifier" | "ResponseHeaderModifier":
                middlewares[own] = {f"{kind[0].lower()}{kind[1:]}": _modifier(options)}
            case "RequestRedirect":
                middlewares[own] = {"requestRedirect": _redirect(options, prefix)}
            case "URLRewrite":
                middlewares[own] = {"urlRewrite": _rewrite(written.get("urlRewrite") or {}, prefix)}
            case "RequestMirror":
                mirrors.append(options)
            case "ExtensionRef":
                middlewares[_middleware_reference(options, namespace)] = None
            case _:
                raise UnsupportedFilterError(f"filters of type {kind or 'none'} are not supported")
    return Filters(middlewares, tuple(mirrors))


def read_timeouts(rule: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    """Return the middleware for the `timeouts` of a rule, by its name; none if they limit nothing."""
    written = rule.get("timeouts") or {}
    limits = {option: str(written[option]) for option in _TIMEOUTS if written.get(option)}
    return {f"{name}-timeouts": {"timeouts": limits}} if limits else {}


def _middleware_reference(reference: Mapping[str, Any], namespace: str) -> str:
    group, kind, name = (str(reference.get(field) or "") for field in ("group", "kind", "name"))
    if (group, kind) != ("traefik.io", "Middleware"):
        raise UnsupportedFilterError(f"a filter of kind {group}/{kind} is not supported")
    return f"{namespace}-{name}@kubernetescrd"


def _modifier(options: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for verb in ("set", "add"):
        if options.get(verb):
            found[verb] = {str(each.get("name")): str(each.get("value") or "") for each in options[verb]}
    if options.get("remove"):
        found["remove"] = [str(each) for each in options["remove"]]
    return found or {"set": {}}


def _redirect(options: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found = {name: str(options[name]) for name in ("scheme", "hostname", "port") if options.get(name)}
    return {**found, **_path(options, prefix), "statusCode": int(options.get("statusCode") or 302)}


def _rewrite(options: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found = {"hostname": str(options["hostname"])} if options.get("hostname") else {}
    found |= _path(options, prefix)
    if not found:
        raise UnsupportedFilterError("a filter of type URLRewrite without hostname and path is not supported")
    return found


def _path(options: Mapping[str, Any], prefix: str) -> dict[str, str]:
    path = options.get("path") or {}
    match path.get("type"):
        case None:
            return {}
        case "ReplaceFullPath":
            return {"path": str(path.get("replaceFullPath") or "/")}
        case "ReplacePrefixMatch":
            return {"path": str(path.get("replacePrefixMatch") or ""), "pathPrefix": prefix}
        case kind:
            raise UnsupportedFilterError(f"paths of type {kind} are not supported")
