"""Known labels, and their classification by dialect and use."""

from __future__ import annotations

import re
from enum import Enum, auto

from discovery.labels.container import ALLOW_NON_RUNNING

ENABLE = "traefik.enable"
NETWORK = "traefik.docker.network"

TAGS = "traefik.tags"

SHARED = (
    *(ENABLE, NETWORK, "traefik.docker.lbswarm", ALLOW_NON_RUNNING, TAGS),
    *("traefik.swarm.network", "traefik.swarm.lbswarm"),
)
"""Labels of both dialects."""

V1_ROUTE_LABELS = (
    *("traefik.port", "traefik.protocol", "traefik.weight", "traefik.backend", "traefik.domain"),
    *("traefik.frontend.rule", "traefik.frontend.priority", "traefik.frontend.entryPoints"),
    "traefik.frontend.passHostHeader",
)

V1_BACKEND_OPTIONS = (
    *("traefik.backend.loadbalancer", "traefik.backend.healthcheck", "traefik.backend.circuitbreaker"),
    *("traefik.backend.maxconn", "traefik.backend.buffering", "traefik.backend.responseForwarding"),
)
"""Prefixes of labels for backend options; without one of them, requests still reach the right service."""

V1_FRONTEND_OPTIONS = (
    *("traefik.frontend.auth", "traefik.frontend.whiteList", "traefik.frontend.whitelistSourceRange"),
    *("traefik.frontend.rateLimit", "traefik.frontend.redirect", "traefik.frontend.errors"),
    *("traefik.frontend.headers", "traefik.frontend.passTLSCert", "traefik.frontend.passTLSClientCert"),
)
"""Prefixes of labels for frontend options; without one of them, a route would be wrong or unprotected."""

_NO_SEGMENTS = "frontend|frontends|backend|docker|swarm|http|tcp|udp|tls|consulcatalog"
# DOTALL lets names of segments contain line ends; without it, a name with many of them takes too long.
_SEGMENT = re.compile(
    rf"traefik\.(?!(?:{_NO_SEGMENTS})\.)(.+?)\."
    r"(port|portIndex|portName|weight|protocol|domain|backend|backend\..+|frontend\..+)\Z",
    re.IGNORECASE | re.DOTALL,
)
_STORE = "traefik.tls.stores.default"
_TREE = re.compile(r"traefik\.(http|tcp|udp|tls)\.", re.IGNORECASE)


_CONSTRAINT_LABEL = re.compile(r"traefik\.constraint-label\b[\w.-]*\Z", re.IGNORECASE)
"""Labels that many files use in constraints only; Traefik has no such label."""


class LabelKind(Enum):
    """The dialect and use of a label."""

    FOREIGN = auto()
    SHARED = auto()
    V3_HTTP = auto()
    V3_TCP = auto()
    V3_UDP = auto()
    V3_TLS_STORE = auto()
    V3_OTHER = auto()
    V1_ROUTE = auto()
    V1_BACKEND_OPTION = auto()
    V1_FRONTEND_OPTION = auto()
    V1_SEGMENT = auto()
    UNKNOWN = auto()

    @property
    def is_v1(self) -> bool:
        return self in (
            LabelKind.V1_ROUTE,
            LabelKind.V1_BACKEND_OPTION,
            LabelKind.V1_FRONTEND_OPTION,
            LabelKind.V1_SEGMENT,
        )

    @property
    def is_v3_route(self) -> bool:
        """Whether it is of Traefik 3's dialect and defines routers, services or middlewares."""
        return self in _TREES.values() and self is not LabelKind.V3_OTHER


_TREES = {
    "http": LabelKind.V3_HTTP,
    "tcp": LabelKind.V3_TCP,
    "udp": LabelKind.V3_UDP,
    "tls": LabelKind.V3_OTHER,
}
_EXACT = {
    **{name.lower(): LabelKind.SHARED for name in SHARED},
    **{name.lower(): LabelKind.V1_ROUTE for name in V1_ROUTE_LABELS},
}


def label_kind(label: str) -> LabelKind:
    """Return the kind of the label with this name, which is case-insensitive."""
    lower = label.lower()
    if not lower.startswith("traefik."):
        return LabelKind.FOREIGN
    if _CONSTRAINT_LABEL.match(label):
        return LabelKind.SHARED
    exact = _EXACT.get(lower)
    if exact is not None:
        return exact
    if is_under(label, _STORE):
        return LabelKind.V3_TLS_STORE
    tree = _TREE.match(label)
    if tree is not None:
        return _TREES[tree.group(1).lower()]
    if any(is_under(label, beginning) for beginning in V1_BACKEND_OPTIONS):
        return LabelKind.V1_BACKEND_OPTION
    if any(is_under(label, beginning) for beginning in V1_FRONTEND_OPTIONS):
        return LabelKind.V1_FRONTEND_OPTION
    return LabelKind.V1_SEGMENT if _SEGMENT.match(label) else LabelKind.UNKNOWN


def split_segment(label: str) -> tuple[str, str]:
    """Split a label of kind V1_SEGMENT into its segment and the label without it."""
    found = _SEGMENT.match(label)
    if found is None:
        raise ValueError(f"{label} has no segment")
    return found[1], f"traefik.{found[2]}"


def is_under(label: str, beginning: str) -> bool:
    """Check whether the label is `beginning`, or continues it after a dot."""
    return f"{label.lower()}.".startswith(f"{beginning.lower()}.")
