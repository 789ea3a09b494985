"""Removes large parts of objects that say nothing about routes."""

from __future__ import annotations

from discovery.kubernetes.client import Object

_BULK = ("managedFields",)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def trim(item: Object) -> Object:
    """Return the object without the bookkeeping of the API server and of kubectl."""
    metadata = {name: value for name, value in item["metadata"].items() if name not in _BULK}
    annotations = metadata.get("annotations")
    if annotations and _LAST_APPLIED in annotations:
        metadata["annotations"] = {
            name: value for name, value in annotations.items() if name != _LAST_APPLIED
        }
    return {**item, "metadata": metadata}
