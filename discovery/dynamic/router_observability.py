"""What a router of Traefik 3 has told of its requests: log, counts, traces."""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.model import RouterObservability


def read_observability(router: Section) -> RouterObservability | None:
    """The router's `observability`; None where it says nothing. What cannot be read is as it is elsewhere."""
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
