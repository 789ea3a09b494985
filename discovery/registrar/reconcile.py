"""Compares the wanted services with those of Consul's agent; pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from discovery.registrar.registration import HOST_ATTRIBUTE, Registration

_ID = re.compile(r"(?P<host>.+?):(?P<container>[a-zA-Z0-9][a-zA-Z0-9_.-]+):[0-9]+(?::udp)?")


class Actions(Struct, frozen=True):
    """The services to register and the ids to deregister. Deregistration comes first."""

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
    """Compare `desired` with `agent_services`, the agent's services by id.

    Services that are missing or differ are registered. `removed` are ids that this registrar registered;
    those that are not desired are deregistered. With `cleanup`, so are undesired services that any registrar
    on `hostname` registered. All other services stay untouched.
    """
    wanted = {each.id: each for each in desired}
    to_deregister = {each for each in removed if each in agent_services}
    if cleanup:
        to_deregister |= {
            each for each, service in agent_services.items() if is_registered_by_host(each, service, hostname)
        }
    return Actions(
        register=tuple(
            each for each in wanted.values() if not _is_current(each, agent_services.get(each.id))
        ),
        deregister=tuple(sorted(to_deregister - wanted.keys())),
    )


def is_registered_by_host(service_id: str, service: Mapping[str, Any], hostname: str) -> bool:
    """Return whether a registrar on `hostname` registered the service, by its id or its host attribute."""
    return has_host_id(service_id, hostname) or (service.get("Meta") or {}).get(HOST_ATTRIBUTE) == hostname


def has_host_id(service_id: str, hostname: str) -> bool:
    """Return whether a registrar on `hostname` uses such an id: `HOST:CONTAINER:PORT`, maybe with `:udp`."""
    parts = _ID.fullmatch(service_id)
    return bool(hostname) and parts is not None and parts["host"] == hostname


def is_same_service(wanted: Registration, service: Mapping[str, Any]) -> bool:
    """Return whether the agent's service has the wanted name, address and port."""
    found = service.get("Service"), service.get("Address") or "", service.get("Port")
    return found == (wanted.name, wanted.address, wanted.port)


def _is_current(wanted: Registration, service: Mapping[str, Any] | None) -> bool:
    """Return whether the agent has the service as wanted; it does not list checks, so they do not count."""
    return (
        service is not None
        and is_same_service(wanted, service)
        and tuple(service.get("Tags") or ()) == wanted.tags
        and dict(service.get("Meta") or {}) == dict(wanted.meta)
    )
