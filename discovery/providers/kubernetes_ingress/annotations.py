"""Reads Traefik 3's annotations: `traefik.ingress.kubernetes.io/router.…` and `…/service.…`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from discovery.decoding.report import Report
from discovery.decoding.section import Tree
from discovery.labels.unfold import unfold

PREFIX = "traefik.ingress.kubernetes.io/"
_INDEXED = re.compile(r"(.+)\.(\w+)\.(\d+)\.(.+)")


def read_annotations(annotations: Mapping[str, str], part: str, report: Report) -> Tree:
    """Return the options below `router` or `service` as a tree, with the names of Traefik's labels.

    An index is a part of the name: `router.tls.domains.0.main`.
    """
    start = f"{PREFIX}{part}."
    labels = {
        f"traefik.{_INDEXED.sub(_with_index, name.removeprefix(PREFIX))}": value
        for name, value in annotations.items()
        if name.startswith(start)
    }
    tree = unfold(labels, report).get(part)
    return tree if isinstance(tree, Mapping) else {}


def _with_index(found: re.Match[str]) -> str:
    return "{}.{}[{}].{}".format(*found.groups())
