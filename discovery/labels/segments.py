"""Segments of Traefik 1: several routes of one container.

Their labels are `traefik.SEGMENT.port`, `traefik.SEGMENT.frontend.rule` and so on. A segment inherits the
labels without a segment. If there are segments, labels without one do not define a route.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from discovery.labels.known_labels import LabelKind, label_kind, split_segment


class Segment(Struct, frozen=True):
    """One segment, or all of a container without segments; `name` is empty then.

    `labels` have names without the segment. `written` maps these names, in lower case, to those that the user
    wrote.
    """

    name: str
    labels: Mapping[str, str]
    written: Mapping[str, str]


def segments(labels: Mapping[str, str]) -> tuple[Segment, ...]:
    """Split a container's labels into segments, sorted by name."""
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
    """Replace `shared` labels by those of the segment.

    `own` maps names without the segment to names as written.
    """
    overridden = {label.lower() for label in own}
    kept = {label: value for label, value in shared.items() if label.lower() not in overridden}
    return kept | {plain: labels[written] for plain, written in own.items()}
