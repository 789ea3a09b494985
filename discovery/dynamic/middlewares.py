"""Decodes middlewares of Traefik 3 trees, including kinds that the proxy does not serve yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from discovery.decoding.names import qualify
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from rondpoint.middlewares.canonical import OptionError, canonicalise
from rondpoint.middlewares.needless_headers import split_needless_headers
from rondpoint.middlewares.options import Group
from rondpoint.middlewares.schemas import SCHEMAS, TCP_SCHEMAS
from rondpoint.model import Middleware
from rondpoint.rules.suggestions import did_you_mean

_INEFFECTIVE_HEADERS_OPTIONS = {
    **dict.fromkeys(("sslRedirect", "sslTemporaryRedirect"), "use the middleware redirectScheme"),
    **dict.fromkeys(("sslHost", "sslForceHost"), "use the middleware redirectRegex"),
    "featurePolicy": "use permissionsPolicy",
}
"""Options of the middleware headers in Traefik 2, with hints; Traefik 1's own syntax keeps its options."""

_EFFECT = "routers that use the middleware respond with 503"
_TCP_EFFECT = "routers that use the middleware close their connections"


def decode_middleware(
    name: str, section: Section, provider: str, schemas: Mapping[str, Group] = SCHEMAS
) -> Middleware | None:
    """Decode the middleware `name`; report an unknown kind and return None.

    A middleware with invalid options is `unusable`, so that it never protects less than its author meant. The
    `schemas` are SCHEMAS or TCP_SCHEMAS.
    """
    report = section.report
    if len(section.names) != 1:
        kinds = ", ".join(section.names) or "none"
        report.error(f"{report.at(section.path)} must have exactly one kind, but has {kinds}")
        return None
    written = section.names[0]
    kind = next((known for known in schemas if known.lower() == written.lower()), None)
    if kind is None:
        hint = did_you_mean(written, schemas)
        report.error(f"{report.at(section.key(written))} is an unknown kind of middleware", hint)
        return None

    def key_of(path: tuple[str, ...]) -> str:
        return ".".join((section.key(written), *path))

    middleware = make_middleware(
        qualify(name, provider),
        kind,
        section.raw(written),
        lambda other: qualify(other, provider),
        key_of,
        report,
        schemas=schemas,
    )
    return _without_ineffective_options(middleware, key_of, report)


def make_middleware(
    name: str,
    kind: str,
    options: object,
    qualify_reference: Callable[[str], str],
    key_of: Callable[[tuple[str, ...]], str],
    report: Report,
    *,
    unusable: bool = False,
    schemas: Mapping[str, Group] = SCHEMAS,
) -> Middleware:
    """Create the middleware with this qualified name, and report errors in its options.

    `qualify_reference` qualifies the names of other objects; `key_of` returns the key of an option's path.
    """
    if kind == "headers":
        options, needless = split_needless_headers(options)
        for path in needless:
            report.note(f"{report.at(key_of(path))} has no effect", "the proxy passes on WebSocket by itself")
    found = canonicalise(kind, options, qualify_reference, schemas)
    effect = _TCP_EFFECT if schemas is TCP_SCHEMAS else _EFFECT
    for fault in found.errors:
        _report_fault(fault, key_of(fault.path), report, effect)
    return Middleware(name, kind, found.options, unusable=unusable or not found.usable)


def _without_ineffective_options(
    middleware: Middleware, key_of: Callable[[tuple[str, ...]], str], report: Report
) -> Middleware:
    """Remove options of earlier versions that Traefik 3 accepts but ignores, and report those in use."""
    if middleware.kind != "headers":
        return middleware
    options = dict(middleware.options)
    for name, hint in _INEFFECTIVE_HEADERS_OPTIONS.items():
        if options.pop(name, None):
            report.warning(f"{report.at(key_of((name,)))} has no effect, as in Traefik 3", hint)
    return replace(middleware, options=options)


def _report_fault(fault: OptionError, key: str, report: Report, effect: str) -> None:
    message = f"{report.at(key, fault.value)} {fault.message}"
    if fault.fatal:
        report.error(f"{message}, so {effect}", fault.hint)
    else:
        report.warning(message, fault.hint)
