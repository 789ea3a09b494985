"""Decodes a router's `observability` options: access log, metrics and tracing."""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.model import RouterObservability


def read_observability(router: Section) -> RouterObservability | None:
    """Read `observability`, or return None if it sets no option; invalid values are reported and ignored."""
    section = router.section("observability")
    if section is None:
        return None
    found = RouterObservability(
        access_logs=section.read("accessLogs", values.boolean, None),
        metrics=section.read("metrics", values.boolean, None),
        tracing=section.read("tracing", values.boolean, None),
        trace_verbosity=section.read("traceVerbosity", values.verbosity, None),
    )
    section.finish()
    return None if found == RouterObservability() else found
