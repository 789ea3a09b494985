"""Traefik 1's spellings, translated into the tree by one table.

A translation takes the value as written and gives settings of the tree. `entryPoints.*` as a target
means every entry point that does not say otherwise, since Traefik 1 had one value for all of them.
"""

from __future__ import annotations

from collections.abc import Callable

from rondpoint.settings.values import parse_switch

Translated = list[tuple[str, object]]
Translation = Callable[[object], Translated]
"""Raises ValueError, which says what is expected, for a value that cannot be translated."""


def _as(*targets: str) -> Translation:
    return lambda value: [(target, value) for target in targets]


def _constraints(*targets: str) -> Translation:
    def translate(value: object) -> Translated:
        expressions = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str) for each in expressions):
            raise ValueError("expected expressions such as tag==api-*")
        return [(target, ", ".join(map(str, expressions))) for target in targets]

    return translate


def _strict_checks(value: object) -> Translated:
    states = "passing" if parse_switch(value) else "passing,warning"
    return [("providers.consulCatalog.strictChecks", states)]


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


def _web_address(value: object) -> Translated:
    # What Traefik 1 serves there is open to all.
    return [("entryPoints.traefik.address", value), ("api.insecure", True)]


TRANSLATIONS: dict[str, Translation] = {
    "accessLogsFile": _as("accessLog.filePath"),
    "debug": _debug,
    "logLevel": _as("log.level"),
    "traefikLog": _as("log"),
    "traefikLog.filePath": _as("log.filePath"),
    "traefikLog.format": _as("log.format"),
    "traefikLogsFile": _as("log.filePath"),
    "constraints": _constraints("providers.constraints"),
    "defaultEntryPoints": _default_entry_points,
    "entryPoints": _entry_point_flag,
    "docker": _as("providers.docker"),
    "docker.constraints": _constraints("providers.docker.constraints"),
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
    "consul": _as("providers.consul"),
    "consul.endpoint": _as("providers.consul.endpoints"),
    "consul.password": _as("providers.consul.password"),
    "consul.prefix": _as("providers.consul.rootKey"),
    "consul.tls": _as("providers.consul.tls"),
    "consul.tls.ca": _as("providers.consul.tls.ca"),
    "consul.tls.cert": _as("providers.consul.tls.cert"),
    "consul.tls.insecureSkipVerify": _as("providers.consul.tls.insecureSkipVerify"),
    "consul.tls.key": _as("providers.consul.tls.key"),
    "consul.username": _as("providers.consul.username"),
    "consul.watch": _as("providers.consul.watch"),
    "consulCatalog": _as("providers.consulCatalog"),
    "consulCatalog.constraints": _constraints("providers.consulCatalog.constraints"),
    "consulCatalog.domain": _as("providers.consulCatalog.domain"),
    "consulCatalog.endpoint": _as("providers.consulCatalog.endpoint.address"),
    "consulCatalog.exposedByDefault": _as("providers.consulCatalog.exposedByDefault"),
    "consulCatalog.frontEndRule": _as("providers.consulCatalog.frontEndRule"),
    "consulCatalog.prefix": _as("providers.consulCatalog.prefix"),
    "consulCatalog.stale": _as("providers.consulCatalog.stale"),
    "consulCatalog.strictChecks": _strict_checks,
    "consulCatalog.tls": _as("providers.consulCatalog.endpoint.tls"),
    "consulCatalog.tls.ca": _as("providers.consulCatalog.endpoint.tls.ca"),
    "consulCatalog.tls.cert": _as("providers.consulCatalog.endpoint.tls.cert"),
    "consulCatalog.tls.insecureSkipVerify": _as("providers.consulCatalog.endpoint.tls.insecureSkipVerify"),
    "consulCatalog.tls.key": _as("providers.consulCatalog.endpoint.tls.key"),
    "consulCatalog.watch": _as("providers.consulCatalog.watch"),
    "retry": _as(),
    "retry.attempts": _as("serversTransport.retryAttempts"),
    "rest": _as("providers.rest"),
    "web": _as("api.insecure"),
    "web.address": _web_address,
    "web.metrics": _as("metrics"),
    "web.metrics.prometheus": _as("metrics.prometheus"),
    "web.metrics.prometheus.buckets": _as("metrics.prometheus.buckets"),
    "web.metrics.prometheus.entryPoint": _as("metrics.prometheus.entryPoint"),
    "web.statistics": _as("api.statistics"),
    "web.statistics.recentErrors": _as("api.statistics.recentErrors"),
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
