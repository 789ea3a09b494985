"""The labels that are known, by what becomes of them."""

from __future__ import annotations

import re
from enum import Enum, auto

from discovery.container import ALLOW_NON_RUNNING

ENABLE = "traefik.enable"
NETWORK = "traefik.docker.network"

TAGS = "traefik.tags"

SHARED = (ENABLE, NETWORK, "traefik.docker.lbswarm", ALLOW_NON_RUNNING, TAGS)
"""Labels that say nothing of a dialect."""

V1_SERVED = (
    *("traefik.port", "traefik.protocol", "traefik.weight", "traefik.backend", "traefik.domain"),
    *("traefik.frontend.rule", "traefik.frontend.priority", "traefik.frontend.entryPoints"),
    "traefik.frontend.passHostHeader",
)

V1_TUNING = (
    *("traefik.backend.loadbalancer", "traefik.backend.healthcheck", "traefik.backend.circuitbreaker"),
    *("traefik.backend.maxconn", "traefik.backend.buffering", "traefik.backend.responseForwarding"),
)
"""Beginnings of labels without which requests still go where they should."""

V1_GUARDS = (
    *("traefik.frontend.auth", "traefik.frontend.whiteList", "traefik.frontend.whitelistSourceRange"),
    *("traefik.frontend.rateLimit", "traefik.frontend.redirect", "traefik.frontend.errors"),
    *("traefik.frontend.headers", "traefik.frontend.passTLSCert", "traefik.frontend.passTLSClientCert"),
)
"""Beginnings of labels without which a route would be wrong or open."""

_NO_SEGMENTS = "frontend|frontends|backend|docker|http|tcp|udp|tls|consulcatalog"
# Of a name with a line end too: to look for another beginning behind each would take for ever.
_SEGMENT = re.compile(
    rf"traefik\.(?!(?:{_NO_SEGMENTS})\.)(.+?)\."
    r"(port|portIndex|portName|weight|protocol|domain|backend|backend\..+|frontend\..+)\Z",
    re.IGNORECASE | re.DOTALL,
)
_TREE = re.compile(r"traefik\.(http|tcp|udp|tls)\.", re.IGNORECASE)


class Meaning(Enum):
    """What a label is about."""

    FOREIGN = auto()
    SHARED = auto()
    V3_HTTP = auto()
    V3_OTHER = auto()
    V1_SERVED = auto()
    V1_TUNING = auto()
    V1_GUARD = auto()
    V1_SEGMENT = auto()
    UNKNOWN = auto()

    @property
    def is_v1(self) -> bool:
        return self in (Meaning.V1_SERVED, Meaning.V1_TUNING, Meaning.V1_GUARD, Meaning.V1_SEGMENT)


_EXACT = {
    **{name.lower(): Meaning.SHARED for name in SHARED},
    **{name.lower(): Meaning.V1_SERVED for name in V1_SERVED},
}


def meaning(label: str) -> Meaning:
    """What the label of this name is about, whatever its case."""
    lower = label.lower()
    if not lower.startswith("traefik."):
        return Meaning.FOREIGN
    exact = _EXACT.get(lower)
    if exact is not None:
        return exact
    tree = _TREE.match(label)
    if tree is not None:
        return Meaning.V3_HTTP if tree.group(1).lower() == "http" else Meaning.V3_OTHER
    if any(is_under(label, beginning) for beginning in V1_TUNING):
        return Meaning.V1_TUNING
    if any(is_under(label, beginning) for beginning in V1_GUARDS):
        return Meaning.V1_GUARD
    return Meaning.V1_SEGMENT if _SEGMENT.match(label) else Meaning.UNKNOWN


def segment_of(label: str) -> tuple[str, str]:
    """The segment that a label of meaning V1_SEGMENT is for, and the label without it."""
    found = _SEGMENT.match(label)
    if found is None:
        raise ValueError(f"{label} is for no segment")
    return found[1], f"traefik.{found[2]}"


def is_under(label: str, beginning: str) -> bool:
    """Whether the label is `beginning` itself or goes on after a dot."""
    return f"{label.lower()}.".startswith(f"{beginning.lower()}.")
