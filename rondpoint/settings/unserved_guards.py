"""Closes what options that are not served were to guard."""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.settings import closed_parts
from rondpoint.settings.closed_parts import LOCAL_ONLY, ClosedPart
from rondpoint.settings.errors import warning
from rondpoint.settings.merge import Draft
from rondpoint.settings.tree import ADMIN, Settings


def close(settings: Settings, draft: Draft) -> Settings:
    """The settings with what is closed; the draft gets a finding for each option.

    An option that guards nothing here, such as one of a provider that is off, gives a warning like any other
    that is left aside.
    """
    there = set(_there(settings))
    # The admin entry point speaks no TLS, whatever its settings say.
    secure = {closed_parts.entry_point_part(name) for name in settings.tls_entry_points - {ADMIN}}
    found = list(_admin_tls(settings, draft))
    draft.warnings += [closed.diagnostic for closed in found]
    for option, closed in draft.guards:
        if closed.part in there and not (option.unneeded_with_tls and closed.part in secure):
            found.append(closed)
            draft.warnings.append(closed.diagnostic)
        else:
            draft.warnings.append(warning(closed.location, f"{closed.key} {option.reason}"))
    return settings.model_copy(update={"closed": tuple(found)})


def _admin_tls(settings: Settings, draft: Draft) -> Iterator[ClosedPart]:
    if settings.admin.tls is not None:
        path = ("entry_points", ADMIN, "tls")
        given = draft.sections.get(path) or next(iter(draft.below(path).values()))
        key = f"entryPoints.{ADMIN}.tls"
        yield ClosedPart(closed_parts.entry_point_part(ADMIN), key, given.location, LOCAL_ONLY)


def _there(settings: Settings) -> Iterator[str]:
    """What can be closed with these settings."""
    yield closed_parts.CHANGES
    if settings.metrics is not None and settings.metrics.prometheus is not None:
        yield closed_parts.METRICS
    yield from map(closed_parts.entry_point_part, settings.entry_points)
    providers = settings.providers
    for name, options in {
        "docker": providers.docker,
        "consulcatalog": providers.consul_catalog,
        "consul": providers.consul,
    }.items():
        if options is not None:
            yield closed_parts.provider_part(name)
