"""What a router of Traefik 3 has told of its requests: log, counts, traces."""

from __future__ import annotations

from typing import get_args

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.model import RouterObservability, Verbosity

_VERBOSITIES: dict[str, Verbosity] = {name: name for name in get_args(Verbosity)}


def read_observability(router: Section) -> RouterObservability | None:
    """The router's `observability`; None where it says nothing. What cannot be read is as it is elsewhere."""
    section = router.section("observability")
    if section is None:
        return None
    found = RouterObservability(
        access_logs=section.read("accessLogs", values.boolean, None),
        metrics=section.read("metrics", values.boolean, None),
        tracing=section.read("tracing", values.boolean, None),
        trace_verbosity=section.read("traceVerbosity", _verbosity, None),
    )
    section.finish()
    return None if found == RouterObservability() else found


def _verbosity(value: object) -> Verbosity:
    found = _VERBOSITIES.get(str(value).strip().lower())
    if found is None:
        raise ValueError(f"expected one of {', '.join(_VERBOSITIES)}")
    return found
