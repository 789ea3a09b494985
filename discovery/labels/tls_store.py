"""Reads the labels `traefik.tls.stores.default.…`, with which a container asks for a default certificate."""

from __future__ import annotations

from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.dynamic.tls import DEFAULT_STORE, read_store
from discovery.labels.container import Container
from discovery.labels.known_labels import LabelKind, label_kind
from discovery.labels.unfold import unfold
from rondpoint.tls.model import Certificate


def read_store_labels(container: Container, report: Report) -> tuple[Certificate, ...]:
    """Return the request for a default certificate, if there is one."""
    given = {
        label.lower(): value
        for label, value in container.labels.items()
        if label_kind(label) is LabelKind.V3_TLS_STORE
    }
    section: Section | None = Section(unfold(given, report), "traefik", report)
    for name in ("tls", "stores", DEFAULT_STORE):
        section = None if section is None else section.section(name)
    return () if section is None else read_store(section, container.provider)
