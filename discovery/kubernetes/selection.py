"""Which objects to list and watch."""

from __future__ import annotations

from msgspec import Struct

from discovery.kubernetes.resources import Resource


class Selection(Struct, frozen=True):
    """The objects to list and watch: all of a resource, or those in a namespace and with certain labels.

    Without an `optional` selection a provider can do: it counts as missing if the API server forbids it. For
    a resource that is not installed the server responds so to accounts without a right to it. If an optional
    selection is missing, a diagnostic says so only if it is to be `reported`.
    """

    resource: Resource
    namespace: str = ""
    label_selector: str = ""
    optional: bool = False
    reported: bool = False

    def __str__(self) -> str:
        return f"{self.resource} in namespace {self.namespace}" if self.namespace else str(self.resource)
