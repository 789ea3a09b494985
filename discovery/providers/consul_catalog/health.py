"""Computes the health of instances from the checks of their nodes and services, as Consul's own tools do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from discovery.providers.tagged_services.health import MAINTENANCE, PASSING, STATUSES, Health
from discovery.providers.tagged_services.instance import Key

_NODE_MAINTENANCE = "_node_maintenance"
_SERVICE_MAINTENANCE = "_service_maintenance:"


def health_of(checks: Iterable[Mapping[str, Any]]) -> Health:
    """Return the health that the checks say; the worst of all checks of an instance counts."""
    worst: dict[Key, str] = {}
    for check in checks:
        status = _status(check)
        key = check.get("Node", ""), check.get("ServiceID", "")
        if status != PASSING and STATUSES.index(status) > STATUSES.index(worst.get(key, PASSING)):
            worst[key] = status
    return Health(worst)


def _status(check: Mapping[str, Any]) -> str:
    name = check.get("CheckID", "")
    if name == _NODE_MAINTENANCE or name.startswith(_SERVICE_MAINTENANCE):
        return MAINTENANCE
    status = check.get("Status", "")
    # An instance whose status we do not know takes no requests.
    return status if status in STATUSES else "critical"
