"""Decodes Traefik 1's certificates: `[[tls]]` in files, and keys below `tls/NAME/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discovery.decoding import values
from discovery.decoding.report import Report
from discovery.decoding.section import Section, Tree
from discovery.decoding.written_pair import WrittenPair
from discovery.dynamic.tls import read_pair


def split_tls(tls: object) -> tuple[object, object]:
    """Split a `tls` section into Traefik 1's part and Traefik 3's; each is None if it is empty.

    Traefik 1 has a list in files, and in keys an entry with `certificate` under each name.
    """
    if not isinstance(tls, Mapping):
        return (tls, None) if isinstance(tls, list) else (None, tls)
    old = {name: entry for name, entry in tls.items() if _is_entry(entry)}
    return old or None, {name: entry for name, entry in tls.items() if name not in old} or None


def decode_certificates(tree: Tree, report: Report) -> tuple[WrittenPair, ...]:
    """Decode the part `tls` of `tree` that `split_tls` returns; diagnostics go to `report`."""
    top = Section(tree, "", report)
    if isinstance(top.raw("tls"), Mapping):
        entries: Iterator[Section] = (entry for _, entry in top.sections("tls"))
    else:
        entries = top.items("tls")
    return tuple(pair for entry in entries if (pair := _read_entry(entry)) is not None)


def _is_entry(entry: object) -> bool:
    return isinstance(entry, Mapping) and "certificate" in {str(name).lower() for name in entry}


def _read_entry(entry: Section) -> WrittenPair | None:
    entry_points = entry.read("entryPoints", values.texts, None)
    certificate = entry.section("certificate")
    entry.finish()
    if entry.has("entryPoints") and entry_points is None:
        # It would be presented on entry points that it is not meant for.
        return None
    if certificate is None:
        report = entry.report
        report.error(f"{report.at(entry.path)} has no certificate", "expected certFile and keyFile below it")
        return None
    return read_pair(certificate, entry_points=entry_points or ())
