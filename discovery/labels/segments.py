"""Segments of Traefik 1: several routes of one container, as `traefik.SEGMENT.port` and
`traefik.SEGMENT.frontend.rule`.

What a segment does not say for itself, it takes from the labels without segment; those alone make no route
where there are segments.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from discovery.labels.names import Meaning, meaning

_PREFIX = "traefik."


class Segment(Struct, frozen=True):
    """`labels` as they would stand on a container of its own; `written` tells their real names, by those in
    lower case. `name` is empty for a container without segments.
    """

    name: str
    labels: Mapping[str, str]
    written: Mapping[str, str]


def segments(labels: Mapping[str, str]) -> tuple[Segment, ...]:
    """In order of name."""
    shared = {label: value for label, value in labels.items() if meaning(label) is not Meaning.V1_SEGMENT}
    own: dict[str, dict[str, str]] = {}
    for label in sorted(labels.keys() - shared.keys()):
        name, _, _ = label[len(_PREFIX) :].partition(".")
        own.setdefault(name, {})[label] = labels[label]
    if not own:
        return (Segment("", labels, {}),)
    return tuple(_segment(name, own[name], shared) for name in sorted(own))


def _segment(name: str, own: Mapping[str, str], shared: Mapping[str, str]) -> Segment:
    plain = {_PREFIX + label[len(_PREFIX) + len(name) + 1 :]: label for label in own}
    said = {label.lower() for label in plain}
    labels = {label: value for label, value in shared.items() if label.lower() not in said}
    labels |= {label: own[written] for label, written in plain.items()}
    return Segment(name, labels, {label.lower(): written for label, written in plain.items()})
