"""The addresses of Gateways, which the settings name, or a service of the cluster has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import SERVICES
from rondpoint.settings import KubernetesStatusAddress

_TYPES = (("ip", "IPAddress"), ("hostname", "Hostname"))


class StatusAddresses:
    """The addresses for the status of each Gateway."""

    def __init__(self, options: KubernetesStatusAddress | None, objects: Objects) -> None:
        self._options = options
        self._objects = objects

    def read(self) -> tuple[Mapping[str, str], ...]:
        """Return the present addresses; those of a service change with it."""
        options = self._options
        if options is None:
            return ()
        if options.ip:
            return ({"type": "IPAddress", "value": options.ip},)
        if options.hostname:
            return ({"type": "Hostname", "value": options.hostname},)
        return tuple(self._of_service(options.service.namespace, options.service.name))

    def _of_service(self, namespace: str, name: str) -> Iterator[Mapping[str, str]]:
        service = self._objects.get(SERVICES, namespace, name) or {}
        balancer = (service.get("status") or {}).get("loadBalancer") or {}
        for entry in balancer.get("ingress") or ():
            for field, kind in _TYPES:
                if entry.get(field):
                    yield {"type": kind, "value": str(entry[field])}
                    break
