"""Reads the addresses of TCP and UDP servers."""

from __future__ import annotations

from collections.abc import Collection

from discovery.decoding import values
from discovery.decoding.section import Section


def read_address(section: Section) -> tuple[str, int] | None:
    """Read a server's `address`; report a missing or invalid one and return None."""
    report = section.report
    if not section.has("address"):
        hint = "expected address: HOST:PORT"
        report.error(f"{report.at(section.path)} has no address, so it is left out", hint)
        return None
    return section.read("address", values.host_and_port, None)


def unique_name(name: str, taken: Collection[str]) -> str:
    """Return the name, with a number after it if it is taken."""
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}#{count}"
    return found
