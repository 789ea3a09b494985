"""Computes an instance's health from the checks of its node and service, as Consul's own tools do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from discovery.providers.consul_catalog.instance import Key

PASSING = "passing"
MAINTENANCE = "maintenance"
_ORDER = (PASSING, "warning", "critical", MAINTENANCE)
"""Statuses from best to worst; the worst of all checks counts."""

_NODE_MAINTENANCE = "_node_maintenance"
_SERVICE_MAINTENANCE = "_service_maintenance:"


class Health:
    """The status of each instance whose checks do not all pass; all other instances are passing."""

    def __init__(self, checks: Iterable[Mapping[str, Any]] = ()) -> None:
        self._worst: dict[Key, str] = {}
        for check in checks:
            status = _status(check)
            key = check.get("Node", ""), check.get("ServiceID", "")
            if status != PASSING and _ORDER.index(status) > _ORDER.index(self._worst.get(key, PASSING)):
                self._worst[key] = status

    def status_of(self, key: Key) -> str:
        """Return `passing`, `warning`, `critical` or `maintenance`: the worse of node and instance."""
        if not self._worst:
            return PASSING
        node, own = self._worst.get((key[0], ""), PASSING), self._worst.get(key, PASSING)
        return max(node, own, key=_ORDER.index)

    def changed_keys(self, other: Health) -> set[Key]:
        """Return the keys whose own status differs in `other`; a node's key has an empty service id."""
        mine, its = self._worst, other._worst
        return {key for key in mine.keys() | its.keys() if mine.get(key) != its.get(key)}


def _status(check: Mapping[str, Any]) -> str:
    name = check.get("CheckID", "")
    if name == _NODE_MAINTENANCE or name.startswith(_SERVICE_MAINTENANCE):
        return MAINTENANCE
    status = check.get("Status", "")
    # An instance whose status we do not know takes no requests.
    return status if status in _ORDER else "critical"
