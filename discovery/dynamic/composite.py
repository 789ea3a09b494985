"""Services made of other services: `weighted`, `highestRandomWeight`, `mirroring` and `failover`.

The proxy does not serve them yet. Their options are read and checked all the same, so that what is wrong with
them is known before they are served.
"""

from __future__ import annotations

from collections.abc import Callable

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.middlewares.readers import between, statuses, whole


def check_composite(kind: str, section: Section) -> None:
    """Tell what cannot be read of the options of `kind`, a key of KINDS."""
    KINDS[kind](section)
    section.finish()


def _weighted(section: Section) -> None:
    _some(section, "services", "weight", values.weight)
    for part in ("sticky", "healthCheck"):
        section.has(part)


def _highest_random_weight(section: Section) -> None:
    _some(section, "services", "weight", values.weight)
    section.has("healthCheck")


def _mirroring(section: Section) -> None:
    _named(section, "service")
    _some(section, "mirrors", "percent", between(0, 100))
    section.read("mirrorBody", values.boolean, True)
    section.read("maxBodySize", whole, -1)
    section.has("healthCheck")


def _failover(section: Section) -> None:
    _named(section, "service")
    _named(section, "fallback")
    section.has("healthCheck")
    errors = section.section("errors")
    if errors is not None:
        errors.read("status", statuses, None)
        errors.read("maxRequestBodyBytes", whole, -1)
        errors.finish()


def _some(section: Section, name: str, share: str, read: Callable[[object], int]) -> None:
    """A list of services by `name`, each with its `share`."""
    count = 0
    for item in section.items(name):
        count += 1
        _named(item, "name")
        item.read(share, read, 1)
        item.finish()
    if not count and not isinstance(section.raw(name), str):
        section.report.error(f"{section.report.at(section.key(name))} is missing")


def _named(section: Section, option: str) -> None:
    if section.read(option, values.text, None) is None and not section.has(option):
        section.report.error(f"{section.report.at(section.key(option))} is missing")


KINDS: dict[str, Callable[[Section], None]] = {
    "weighted": _weighted,
    "highestRandomWeight": _highest_random_weight,
    "mirroring": _mirroring,
    "failover": _failover,
}
"""In Traefik 3 spelling."""
