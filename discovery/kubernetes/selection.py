"""Which objects to list and watch."""

from __future__ import annotations

from msgspec import Struct

from discovery.kubernetes.resources import Resource


class Selection(Struct, frozen=True):
    """The objects to list and watch: all of a resource, or those in a namespace and with certain labels."""

    resource: Resource
    namespace: str = ""
    label_selector: str = ""

    def __str__(self) -> str:
        return f"{self.resource} in namespace {self.namespace}" if self.namespace else str(self.resource)
