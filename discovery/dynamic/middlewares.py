"""Middlewares of Traefik 3 trees: named here, whether or not the proxy serves their kind yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from discovery.decoding.names import qualify
from discovery.decoding.report import Report, format_names
from discovery.decoding.section import Section
from rondpoint.middlewares.canonical import Fault, canonical
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.middlewares.schemas import CANONICAL, SCHEMAS
from rondpoint.model import Middleware, Router
from rondpoint.rules.suggestions import did_you_mean


def decode_middleware(name: str, section: Section, provider: str) -> Middleware | None:
    """The middleware `name`; None, and said so, where its kind cannot be told.

    With options that cannot be read it is `unusable`, rather than weaker than its author meant.
    """
    report = section.report
    if len(section.names) != 1:
        kinds = ", ".join(section.names) or "none"
        report.error(f"{report.at(section.path)} must have one kind, and has {kinds}")
        return None
    written = section.names[0]
    kind = CANONICAL.get(written.lower())
    if kind is None:
        hint = did_you_mean(written, SCHEMAS)
        report.error(f"{report.at(section.key(written))} is an unknown kind of middleware", hint)
        return None
    return make_middleware(
        qualify(name, provider),
        kind,
        section.raw(written),
        lambda other: qualify(other, provider),
        lambda path: ".".join((section.key(written), *path)),
        report,
    )


def make_middleware(
    name: str,
    kind: str,
    options: object,
    qualify_reference: Callable[[str], str],
    key_of: Callable[[tuple[str, ...]], str],
    report: Report,
    *,
    unusable: bool = False,
) -> Middleware:
    """The middleware of this qualified name; what is wrong with its options is reported.

    `qualify_reference` qualifies the names of others, and `key_of` tells the key of an option's path.
    """
    found = canonical(kind, options, qualify_reference)
    for fault in found.faults:
        _report_fault(fault, key_of(fault.path), report)
    return Middleware(name, kind, found.options, unusable=unusable or not found.usable)


def _report_fault(fault: Fault, key: str, report: Report) -> None:
    message = f"{report.at(key, fault.value)} {fault.message}"
    if fault.fatal:
        report.error(f"{message}, so routers that use the middleware answer 503", fault.hint)
    else:
        report.warning(message, fault.hint)


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
            routers_text = format_names(users[middleware.name])
            report.error(f"{what}, so {routers_text} answers 503", "leave it out only if that is safe")
        else:
            report.warning(f"{what}: a router that uses it answers 503")
