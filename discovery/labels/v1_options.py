"""Unfolds Traefik 1's labels below `traefik.frontend` and `traefik.backend` into a tree as in a file."""

from __future__ import annotations

from collections.abc import Mapping

from discovery.decoding import values
from discovery.decoding.report import Report
from discovery.decoding.section import Section, Tree
from discovery.labels.known_labels import is_under
from discovery.labels.unfold import unfold

_STICKINESS = "traefik.backend.loadbalancer.stickiness"
_BASIC = "traefik.frontend.auth.basic"


def options_tree(labels: Mapping[str, str], report: Report) -> Tree:
    """Unfold labels as `unfold` does, and handle two labels that have both a value and labels below them."""
    kept = dict(labels)
    by_lower = {name.lower(): name for name in labels}
    users = by_lower.get(_BASIC)
    others = any(name != _BASIC and is_under(name, _BASIC) for name in by_lower)
    if users is not None and others and f"{_BASIC}.users" not in by_lower:
        kept[f"{users}.users"] = kept.pop(users)
    below = [name for name in labels if is_under(name, _STICKINESS) and name.lower() != _STICKINESS]
    if below and not Section(labels, "", report).read(_STICKINESS, values.boolean, False):
        for name in below:
            del kept[name]
        report.warning(f"{report.at(min(below))} has no effect", f"set {_STICKINESS}=true too")
    return unfold(kept, report)
