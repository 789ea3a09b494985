"""What must be done so that Consul's agent holds what it should: a pure comparison."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from discovery.registrar.registration import HOST_ATTRIBUTE, Registration

_ID = re.compile(r"(?P<host>.+?):(?P<container>[a-zA-Z0-9][a-zA-Z0-9_.-]+):[0-9]+(?::udp)?")


class Actions(Struct, frozen=True):
    """What to register, and the ids to deregister; deregistering comes first."""

    register: tuple[Registration, ...]
    deregister: tuple[str, ...]


def reconcile(
    desired: Iterable[Registration],
    agent_services: Mapping[str, Mapping[str, Any]],
    hostname: str,
    *,
    removed: Iterable[str] = (),
    cleanup: bool = False,
) -> Actions:
    """Compare `desired` with `present`, the agent's services by id.

    What is missing or differs is registered. `gone` are ids that this registrar registered itself and wants
    no more; with `cleanup` those dangle, too, whose host part is `hostname`. Nothing else is touched.
    """
    wanted = {each.id: each for each in desired}
    to_deregister = {each for each in removed if each in agent_services}
    if cleanup:
        to_deregister |= {each for each, service in agent_services.items() if is_own(each, service, hostname)}
    return Actions(
        register=tuple(
            each for each in wanted.values() if not _is_current(each, agent_services.get(each.id))
        ),
        deregister=tuple(sorted(to_deregister - wanted.keys())),
    )


def is_own(service_id: str, service: Mapping[str, Any], hostname: str) -> bool:
    """Whether a registrar on `hostname` has registered it: by its id, or where that is a user's, its mark."""
    return has_own_id(service_id, hostname) or (service.get("Meta") or {}).get(HOST_ATTRIBUTE) == hostname


def has_own_id(service_id: str, hostname: str) -> bool:
    """Whether a registrar on `hostname` makes such ids: `HOST:CONTAINER:PORT`, or with `:udp` after it."""
    parts = _ID.fullmatch(service_id)
    return bool(hostname) and parts is not None and parts["host"] == hostname


def is_same_service(wanted: Registration, service: Mapping[str, Any]) -> bool:
    """Whether it has the name, the address and the port that are wanted."""
    found = service.get("Service"), service.get("Address") or "", service.get("Port")
    return found == (wanted.name, wanted.address, wanted.port)


def _is_current(wanted: Registration, service: Mapping[str, Any] | None) -> bool:
    """Whether it is there as wanted; the agent does not tell a service's check along with it."""
    return (
        service is not None
        and is_same_service(wanted, service)
        and tuple(service.get("Tags") or ()) == wanted.tags
        and dict(service.get("Meta") or {}) == dict(wanted.meta)
    )
