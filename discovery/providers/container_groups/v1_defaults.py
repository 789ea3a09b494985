"""Default rules of Traefik 1 for applications whose names have groups, such as `/group/shop`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from discovery.decoding.names import normalise
from discovery.labels.known_labels import LabelKind, label_kind, split_segment

_RULE, _DOMAIN = "traefik.frontend.rule", "traefik.domain"


def lowered(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels with their names in lower case; names of labels are case-insensitive."""
    return {label.lower(): value for label, value in labels.items()}


def has_v3_labels(labels: Mapping[str, str]) -> bool:
    """Check whether labels are read in Traefik 3's dialect."""
    return any(label_kind(label).is_v3_route for label in labels)


def segments_of(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the segments as written; one empty name stands for labels without segments."""
    found = {split_segment(label)[0]: None for label in labels if label_kind(label) is LabelKind.V1_SEGMENT}
    return tuple(found) or ("",)


def segment_label(segment: str, option: str) -> str:
    """Return `traefik.web.port` for the segment `web`, `traefik.port` for labels without segments."""
    return f"traefik.{segment}.{option}" if segment else f"traefik.{option}"


def add_default_rules(labels: dict[str, str], segments: Iterable[str], host_of: Callable[[str], str]) -> None:
    """Add a rule to each segment without one; `host_of` returns the host for a segment's name."""
    given = lowered(labels)
    if _RULE in given:
        return
    for segment in segments:
        label = segment_label(segment, "frontend.rule")
        if label.lower() not in given:
            labels[label] = f"Host:{host_of(segment)}"


def default_host(
    name: str, segment: str, labels: Mapping[str, str], domain: str, *, groups_as_sub_domains: bool
) -> str:
    """Return `segment.group-name.domain`, or `segment.name.group.domain` with groups as subdomains.

    A label with a domain replaces `domain`. The names of `labels` are in lower case.
    """
    own_domain = labels.get(segment_label(segment.lower(), "domain")) or labels.get(_DOMAIN) or domain
    groups = name.strip("/").split("/")
    own = ".".join(reversed(groups)) if groups_as_sub_domains else "-".join(groups).replace("_", "-")
    return ".".join(filter(None, (normalise(segment).lower(), own.lower(), own_domain.strip("."))))
