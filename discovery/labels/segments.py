"""Segments of Traefik 1: several routes of one container, as `traefik.SEGMENT.port` and
`traefik.SEGMENT.frontend.rule`.

What a segment does not say for itself, it takes from the labels without segment; those alone make no route
where there are segments.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from discovery.labels.known_labels import LabelKind, label_kind, split_segment


class Segment(Struct, frozen=True):
    """`labels` as they would stand on a container of its own; `written` tells their real names, by those in
    lower case. `name` is empty for a container without segments.
    """

    name: str
    labels: Mapping[str, str]
    written: Mapping[str, str]


def segments(labels: Mapping[str, str]) -> tuple[Segment, ...]:
    """In order of name."""
    shared = {
        label: value for label, value in labels.items() if label_kind(label) is not LabelKind.V1_SEGMENT
    }
    own: dict[str, dict[str, str]] = {}
    for label in sorted(labels.keys() - shared.keys()):
        name, plain = split_segment(label)
        own.setdefault(name, {})[plain] = label
    if not own:
        return (Segment("", labels, {}),)
    return tuple(
        Segment(
            name, _overlaid(shared, own[name], labels), {key.lower(): own[name][key] for key in own[name]}
        )
        for name in sorted(own)
    )


def _overlaid(shared: Mapping[str, str], own: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """`shared` labels, but those that a segment has of its `own`: names without segment → as written."""
    overridden = {label.lower() for label in own}
    kept = {label: value for label, value in shared.items() if label.lower() not in overridden}
    return kept | {plain: labels[written] for plain, written in own.items()}
