"""Ingress classes, by which the objects of one cluster are shared out among controllers."""

from __future__ import annotations

from collections.abc import Mapping

_ANNOTATION = "kubernetes.io/ingress.class"
_DEFAULT = "traefik"


def annotated_class(annotations: Mapping[str, str]) -> str:
    """Return the class in the older annotation; empty without it."""
    return annotations.get(_ANNOTATION, "")


def is_class_taken(named: str, wanted: str) -> bool:
    """Return whether objects of a class are taken, if the settings want this one.

    If they want none, objects without a class and those of class `traefik` are taken.
    """
    return named == wanted or (not wanted and named == _DEFAULT)
