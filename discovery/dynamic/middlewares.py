"""Middlewares of Traefik 3 trees: named here, whether or not the proxy serves their kind yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from discovery.decoding.names import qualify
from discovery.decoding.report import Report, shown_names
from discovery.decoding.section import Section
from rondpoint.model import Middleware, Router
from rondpoint.rules.names import did_you_mean

SERVED_KINDS: frozenset[str] = frozenset()
"""Kinds that the proxy serves; a router with another kind of middleware answers 503."""

KINDS = (
    *("addPrefix", "basicAuth", "buffering", "chain", "circuitBreaker", "compress", "contentType"),
    *("digestAuth", "encodedCharacters", "errors", "forwardAuth", "grpcWeb", "headers", "inFlightReq"),
    *("ipAllowList", "ipWhiteList", "passTLSClientCert", "plugin", "rateLimit", "redirectRegex"),
    *("redirectScheme", "replacePath", "replacePathRegex", "retry", "stripPrefix", "stripPrefixRegex"),
)
_CANONICAL = {kind.lower(): kind for kind in KINDS}


def decode_middleware(name: str, section: Section, provider: str) -> Middleware | None:
    """The middleware `name`; None, and said so, where its kind cannot be told."""
    report = section.report
    if len(section.names) != 1:
        kinds = ", ".join(section.names) or "none"
        report.error(f"{report.at(section.path)} must have one kind, and has {kinds}")
        return None
    written = section.names[0]
    kind = _CANONICAL.get(written.lower())
    if kind is None:
        hint = did_you_mean(written, KINDS)
        report.error(f"{report.at(section.key(written))} is an unknown kind of middleware", hint)
        return None
    value = section.raw(written)
    options = dict(value) if isinstance(value, Mapping) else {}
    return Middleware(qualify(name, provider), kind, options)


def report_unserved(
    routers: Collection[Router], middlewares: Collection[Middleware], keys: Mapping[str, str], report: Report
) -> None:
    """Say which of `middlewares` the proxy cannot perform, and which routers stand still for it."""
    users: dict[str, list[str]] = {}
    for router in routers:
        for name in router.middlewares:
            users.setdefault(name, []).append(router.name)
    for middleware in middlewares:
        if middleware.kind in SERVED_KINDS:
            continue
        what = f"{report.at(keys[f'middlewares.{middleware.name}'])}: {middleware.kind} is not served yet"
        if middleware.name in users:
            told = shown_names(users[middleware.name])
            report.error(f"{what}, so {told} answers 503", "leave it out only if that is safe")
        else:
            report.warning(f"{what}: a router that uses it answers 503")
