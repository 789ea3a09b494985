"""Decodes composite services: `weighted`, `highestRandomWeight`, `failover` and `mirroring`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.balancing import read_sticky
from rondpoint.middlewares.readers import between, statuses, whole
from rondpoint.model import FailoverErrors, Member, Mirror, Mirroring, Service


def read_composite(kind: str, section: Section, name: str, provider: str) -> Service:
    """Decode the service with this qualified name from the options of `kind`, a key of KINDS.

    Report invalid values. If no member is left, `unserved` of the service says so.
    """
    service = KINDS[kind](section, name, provider)
    section.finish()
    if not service.members and not service.unserved:
        return replace(service, unserved="it names no services")
    return service


def _weighted(section: Section, name: str, provider: str) -> Service:
    members = tuple(read_members(section, provider))
    sticky = read_sticky(section)
    section.has("healthCheck")
    return Service(name, composition="weighted", members=members, sticky=sticky)


def _highest_random_weight(section: Section, name: str, provider: str) -> Service:
    members = tuple(read_members(section, provider))
    section.has("healthCheck")
    return Service(name, composition="highestRandomWeight", members=members)


def _failover(section: Section, name: str, provider: str) -> Service:
    named = (_required_text(section, "service"), _required_text(section, "fallback"))
    section.has("healthCheck")
    members = tuple(Member(qualify(text, provider)) for text in named if text)
    return Service(name, composition="failover", members=members, failover_errors=_failover_errors(section))


def _failover_errors(section: Section) -> FailoverErrors | None:
    errors = section.section("errors")
    if errors is None:
        return None
    found = errors.read("status", statuses, None) or ()
    limit = errors.read("maxRequestBodyBytes", whole, -1)
    errors.finish()
    return FailoverErrors(tuple(found), limit) if found else None


def _mirroring(section: Section, name: str, provider: str) -> Service:
    main = _required_text(section, "service")
    mirroring = Mirroring(
        tuple(_mirrors(section, provider)),
        mirror_body=section.read("mirrorBody", values.boolean, True),
        max_body_size=section.read("maxBodySize", whole, -1),
    )
    section.has("healthCheck")
    if not main:
        return Service(name, composition="mirroring", unserved="it names no service that responds")
    members = (Member(qualify(main, provider)),)
    return Service(name, composition="mirroring", members=members, mirroring=mirroring)


def _mirrors(section: Section, provider: str) -> Iterator[Mirror]:
    for item in _required_sections(section, "mirrors"):
        name = _required_text(item, "name")
        percent = item.read("percent", between(0, 100), 0)
        item.finish()
        if name:
            yield Mirror(qualify(name, provider), percent)


def read_members(section: Section, provider: str) -> Iterator[Member]:
    """Yield the members below `services`, with their weights; report what is missing."""
    for item in _required_sections(section, "services"):
        name = _required_text(item, "name")
        weight = item.read("weight", values.weight, 1)
        item.finish()
        if name:
            yield Member(qualify(name, provider), weight)


def _required_sections(section: Section, name: str) -> Iterator[Section]:
    """Yield the sections of a list; report an empty list."""
    empty = True
    for item in section.items(name):
        empty = False
        yield item
    if empty and not isinstance(section.raw(name), str):
        section.report.error(f"{section.report.at(section.key(name))} is missing")


def _required_text(section: Section, option: str) -> str:
    found = section.read(option, values.text, "")
    if not found and not section.has(option):
        section.report.error(f"{section.report.at(section.key(option))} is missing")
    return found


KINDS: dict[str, Callable[[Section, str, str], Service]] = {
    "weighted": _weighted,
    "highestRandomWeight": _highest_random_weight,
    "failover": _failover,
    "mirroring": _mirroring,
}
"""Decoders by kind, in Traefik 3's spelling."""
