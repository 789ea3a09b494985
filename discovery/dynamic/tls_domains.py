"""Decodes the names of certificates that a resolver is to obtain."""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.tls.model import TlsDomain


def certificate_name(value: object) -> str:
    """A host name, or `*.` and a host name."""
    text = values.text(value)
    wildcard = text.startswith("*.")
    name = values.host(text.removeprefix("*."))
    return f"*.{name}" if wildcard else name


def certificate_names(value: object) -> tuple[str, ...]:
    """A list of host names, each possibly with `*.` before it."""
    return tuple(map(certificate_name, values.texts(value)))


def read_domain(section: Section) -> TlsDomain | None:
    """Read `main` and `sans`; report invalid or missing names and return None."""
    main = section.read("main", certificate_name, "")
    sans = section.read("sans", certificate_names, None)
    section.finish()
    if section.has("sans") and sans is None:
        return None
    # As in Traefik, the first of the others stands in for a missing main name.
    names = tuple(filter(None, (main, *(sans or ()))))
    if not names:
        if not section.has("main"):
            section.report.error(f"{section.report.at(section.path)} has no main", "expected a host name")
        return None
    if section.has("main") and not main:
        return None
    return TlsDomain(names[0], names[1:])
