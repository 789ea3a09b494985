"""Traefik 1's spellings, translated into the tree by one table.

A translation takes the value as written and gives settings of the tree. `entryPoints.*` as a target
means every entry point that does not say otherwise, since Traefik 1 had one value for all of them.
"""

from __future__ import annotations

from collections.abc import Callable

Translated = list[tuple[str, object]]
Translation = Callable[[object], Translated]
"""Raises ValueError, which says what is expected, for a value that cannot be translated."""


def _as(*targets: str) -> Translation:
    return lambda value: [(target, value) for target in targets]


def _debug(value: object) -> Translated:
    match str(value).strip().lower():
        case "true" | "1" | "t":
            return [("log.level", "DEBUG")]
        case "false" | "0" | "f":
            return []
    raise ValueError("expected true or false")


def _default_entry_points(value: object) -> Translated:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("expected names of entry points")
    return [(f"entryPoints.{name.strip()}.asDefault", True) for name in names if name.strip()]


def _entry_point_flag(value: object) -> Translated:
    """`--entryPoints='Name:http Address::80'`; as a table or section it is Traefik 3's own."""
    if not isinstance(value, str):
        return [("entryPoints", value)]
    parts = [part.partition(":") for part in value.split()]
    options = {name.lower(): text for name, colon, text in parts if colon}
    if not options.get("name"):
        raise ValueError("expected a description such as Name:http Address::80")
    above = f"entryPoints.{options['name']}"
    named = [(f"{above}.{name}", text) for name, _, text in parts if name.lower() != "name"]
    return [(above, True), *named]


TRANSLATIONS: dict[str, Translation] = {
    "accessLogsFile": _as("accessLog.filePath"),
    "debug": _debug,
    "logLevel": _as("log.level"),
    "defaultEntryPoints": _default_entry_points,
    "entryPoints": _entry_point_flag,
    "docker": _as("providers.docker"),
    "docker.domain": _as("providers.docker.domain"),
    "docker.endpoint": _as("providers.docker.endpoint"),
    "docker.exposedByDefault": _as("providers.docker.exposedByDefault"),
    "docker.network": _as("providers.docker.network"),
    "docker.useBindPortIP": _as("providers.docker.useBindPortIP"),
    "docker.watch": _as("providers.docker.watch"),
    "file": _as("providers.file"),
    "file.directory": _as("providers.file.directory"),
    "file.filename": _as("providers.file.filename"),
    "file.watch": _as("providers.file.watch"),
    "web": _as("api.insecure"),
    "web.address": _as("entryPoints.traefik.address"),
    "graceTimeOut": _as("entryPoints.*.transport.lifeCycle.graceTimeOut"),
    "lifeCycle": _as(),
    "lifeCycle.graceTimeOut": _as("entryPoints.*.transport.lifeCycle.graceTimeOut"),
    "idleTimeout": _as("entryPoints.*.transport.respondingTimeouts.idleTimeout"),
    "respondingTimeouts": _as(),
    "respondingTimeouts.idleTimeout": _as("entryPoints.*.transport.respondingTimeouts.idleTimeout"),
    "respondingTimeouts.readTimeout": _as("entryPoints.*.transport.respondingTimeouts.readTimeout"),
    "respondingTimeouts.writeTimeout": _as("entryPoints.*.transport.respondingTimeouts.writeTimeout"),
    "forwardingTimeouts": _as(),
    "forwardingTimeouts.dialTimeout": _as("serversTransport.forwardingTimeouts.dialTimeout"),
    "forwardingTimeouts.responseHeaderTimeout": _as(
        "serversTransport.forwardingTimeouts.responseHeaderTimeout"
    ),
}
