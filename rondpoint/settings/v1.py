"""Translates the keys of Traefik 1 to keys of the settings tree, with one table.

A translation gets the value as written and returns settings of the tree. The target `entryPoints.*` means
every entry point without a value of its own, because Traefik 1 had one value for all entry points.
"""

from __future__ import annotations

from collections.abc import Callable

from rondpoint.settings.values import parse_switch

TranslatedSettings = list[tuple[str, object]]
Translation = Callable[[object], TranslatedSettings]
"""Returns the keys and values to set. Raises ValueError, with the expected format, for an invalid value."""


def _copy_to(*targets: str) -> Translation:
    """Return a translation that sets each target to the same value."""
    return lambda value: [(target, value) for target in targets]


def _join_constraints(*targets: str) -> Translation:
    def translate(value: object) -> TranslatedSettings:
        expressions = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str) for each in expressions):
            raise ValueError("expected expressions such as tag==api-*")
        return [(target, ", ".join(map(str, expressions))) for target in targets]

    return translate


def _translate_strict_checks(value: object) -> TranslatedSettings:
    states = "passing" if parse_switch(value) else "passing,warning"
    return [("providers.consulCatalog.strictChecks", states)]


def _translate_debug(value: object) -> TranslatedSettings:
    match str(value).strip().lower():
        case "true" | "1" | "t":
            return [("log.level", "DEBUG")]
        case "false" | "0" | "f":
            return []
    raise ValueError("expected true or false")


def _translate_default_entry_points(value: object) -> TranslatedSettings:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("expected names of entry points")
    return [(f"entryPoints.{name.strip()}.asDefault", True) for name in names if name.strip()]


def _translate_entry_points(value: object) -> TranslatedSettings:
    """Translate `--entryPoints='Name:http Address::80'`; tables are in Traefik 3's format already."""
    if not isinstance(value, str):
        return [("entryPoints", value)]
    parts = [part.partition(":") for part in value.split()]
    options = {name.lower(): text for name, colon, text in parts if colon}
    if not options.get("name"):
        raise ValueError("expected a description such as Name:http Address::80")
    section = f"entryPoints.{options['name']}"
    settings: TranslatedSettings = [
        _read_option(section, name, text) for name, _, text in parts if name.lower() != "name"
    ]
    return [(section, True), *settings]


def _read_option(section: str, name: str, text: str) -> tuple[str, object]:
    """Return the setting for an option of a description; `TLS` stands alone, or has certificates."""
    if name.lower() == "tls":
        return (f"{section}.tls.certificates", text) if text else (f"{section}.tls", True)
    name = _TLS_OPTIONS.get(name.lower(), name)
    return f"{section}.{name}", _read_switch(text) if name.lower() in _SWITCHES else text


_TLS_OPTIONS = {
    "ca": "tls.clientCA.files",
    "ca.optional": "tls.clientCA.optional",
    "ca_optional": "tls.clientCA.optional",
    "tls.defaultcertificate.cert": "tls.defaultCertificate.certFile",
    "tls.defaultcertificate.key": "tls.defaultCertificate.keyFile",
}
"""The options of a description that have another name in a file."""

_SWITCHES = frozenset(("proxyprotocol.insecure", "forwardedheaders.insecure"))
"""Options of a description whose spellings of true are those of Traefik 1; other options have such a type."""


def _read_switch(text: str) -> str:
    """Return the text, or `true` for `on` and `enable`."""
    return "true" if text.lower() in ("on", "enable") else text


def _translate_web_address(value: object) -> TranslatedSettings:
    # In Traefik 1, all clients may use this entry point.
    return [("entryPoints.traefik.address", value), ("api.insecure", True)]


_ACME = {
    **{
        f".{key}": f".{key}"
        for key in (
            *("caServer", "domains", "email", "entryPoint", "keyType", "onHostRule"),
            *("preferredChain", "storage"),
            *("dnsChallenge", "dnsChallenge.delayBeforeCheck", "dnsChallenge.disablePropagationCheck"),
            *("dnsChallenge.provider", "dnsChallenge.resolvers"),
            *("httpChallenge", "httpChallenge.entryPoint", "tlsChallenge"),
        )
    },
    "": "",
    ".delayDontCheckDNS": ".dnsChallenge.delayBeforeCheck",
    ".dnsProvider": ".dnsChallenge.provider",
    ".storageFile": ".storage",
}
"""The keys below Traefik 1's section `acme`, and below the resolver with that name."""

_KUBERNETES = (
    *("", ".certAuthFilePath", ".disablePassHostHeaders", ".endpoint", ".ingressClass", ".ingressEndpoint"),
    *(".ingressEndpoint.hostname", ".ingressEndpoint.ip", ".ingressEndpoint.publishedService"),
    *(".labelSelector", ".namespaces", ".token"),
)
"""The keys below Traefik 1's section `kubernetes`, which Traefik 3's has as well, and one more."""


def _copy_key_value(provider: str) -> dict[str, Translation]:
    """Return the translations for a store of keys, whose options have the same names in all stores."""
    targets = {"": "", ".endpoint": ".endpoints", ".prefix": ".rootKey"}
    targets |= {f".{key}": f".{key}" for key in ("password", "username", "watch", "tls")}
    targets |= {f".tls.{key}": f".tls.{key}" for key in ("ca", "cert", "insecureSkipVerify", "key")}
    return {f"{provider}{key}": _copy_to(f"providers.{provider}{target}") for key, target in targets.items()}


_USERS = ("", ".users", ".usersFile", ".realm", ".removeHeader")
_AUTH = (
    *("auth", "auth.headerField", *(f"auth.basic{key}" for key in _USERS)),
    *(f"auth.digest{key}" for key in _USERS),
    *("auth.forward", "auth.forward.address", "auth.forward.trustForwardHeader"),
    *("auth.forward.authResponseHeaders", "auth.forward.tls"),
    *(f"auth.forward.tls.{key}" for key in ("ca", "caOptional", "cert", "key", "insecureSkipVerify")),
)
"""The keys by which Traefik 1 authenticates clients of its section `web`, and of an entry point."""

LISTS = {"acme.domains": ("main", "sans")}
"""The lists of tables, with the keys of each item."""

TRANSLATIONS: dict[str, Translation] = {
    "accessLogsFile": _copy_to("accessLog.filePath"),
    "debug": _translate_debug,
    "logLevel": _copy_to("log.level"),
    "traefikLog": _copy_to("log"),
    "traefikLog.filePath": _copy_to("log.filePath"),
    "traefikLog.format": _copy_to("log.format"),
    "traefikLogsFile": _copy_to("log.filePath"),
    "constraints": _join_constraints("providers.constraints"),
    "defaultEntryPoints": _translate_default_entry_points,
    "entryPoints": _translate_entry_points,
    "docker": _copy_to("providers.docker"),
    "docker.constraints": _join_constraints("providers.docker.constraints"),
    "docker.domain": _copy_to("providers.docker.domain"),
    "docker.endpoint": _copy_to("providers.docker.endpoint"),
    "docker.exposedByDefault": _copy_to("providers.docker.exposedByDefault"),
    "docker.network": _copy_to("providers.docker.network"),
    "docker.swarmMode": _copy_to("providers.docker.swarmMode"),
    "docker.swarmModeRefreshSeconds": _copy_to("providers.docker.swarmModeRefreshSeconds"),
    "docker.tls": _copy_to("providers.docker.tls"),
    "docker.tls.ca": _copy_to("providers.docker.tls.ca"),
    "docker.tls.cert": _copy_to("providers.docker.tls.cert"),
    "docker.tls.insecureSkipVerify": _copy_to("providers.docker.tls.insecureSkipVerify"),
    "docker.tls.key": _copy_to("providers.docker.tls.key"),
    "docker.useBindPortIP": _copy_to("providers.docker.useBindPortIP"),
    "docker.watch": _copy_to("providers.docker.watch"),
    "file": _copy_to("providers.file"),
    "file.directory": _copy_to("providers.file.directory"),
    "file.filename": _copy_to("providers.file.filename"),
    "file.watch": _copy_to("providers.file.watch"),
    **{f"acme{key}": _copy_to(f"certificatesResolvers.acme.acme{target}") for key, target in _ACME.items()},
    **_copy_key_value("consul"),
    **_copy_key_value("etcd"),
    "consulCatalog": _copy_to("providers.consulCatalog"),
    "consulCatalog.constraints": _join_constraints("providers.consulCatalog.constraints"),
    "consulCatalog.domain": _copy_to("providers.consulCatalog.domain"),
    "consulCatalog.endpoint": _copy_to("providers.consulCatalog.endpoint.address"),
    "consulCatalog.exposedByDefault": _copy_to("providers.consulCatalog.exposedByDefault"),
    "consulCatalog.frontEndRule": _copy_to("providers.consulCatalog.frontEndRule"),
    "consulCatalog.prefix": _copy_to("providers.consulCatalog.prefix"),
    "consulCatalog.stale": _copy_to("providers.consulCatalog.stale"),
    "consulCatalog.strictChecks": _translate_strict_checks,
    "consulCatalog.tls": _copy_to("providers.consulCatalog.endpoint.tls"),
    "consulCatalog.tls.ca": _copy_to("providers.consulCatalog.endpoint.tls.ca"),
    "consulCatalog.tls.cert": _copy_to("providers.consulCatalog.endpoint.tls.cert"),
    "consulCatalog.tls.insecureSkipVerify": _copy_to(
        "providers.consulCatalog.endpoint.tls.insecureSkipVerify"
    ),
    "consulCatalog.tls.key": _copy_to("providers.consulCatalog.endpoint.tls.key"),
    "consulCatalog.watch": _copy_to("providers.consulCatalog.watch"),
    **{f"kubernetes{key}": _copy_to(f"providers.kubernetesIngress{key}") for key in _KUBERNETES},
    "ecs": _copy_to("providers.ecs"),
    "ecs.cluster": _copy_to("providers.ecs.clusters"),
    "ecs.constraints": _join_constraints("providers.ecs.constraints"),
    **{
        f"ecs.{key}": _copy_to(f"providers.ecs.{key}")
        for key in (
            *("accessKeyID", "secretAccessKey", "region", "clusters", "autoDiscoverClusters"),
            *("domain", "exposedByDefault", "refreshSeconds"),
        )
    },
    "marathon": _copy_to("providers.marathon"),
    "marathon.constraints": _join_constraints("providers.marathon.constraints"),
    **{
        f"marathon.{key}": _copy_to(f"providers.marathon.{key}")
        for key in (
            *("endpoint", "domain", "exposedByDefault", "groupsAsSubDomains", "marathonLBCompatibility"),
            *("filterMarathonConstraints", "forceTaskHostname", "respectReadinessChecks", "dcosToken"),
            *("basic", "basic.httpBasicAuthUser", "basic.httpBasicPassword", "watch"),
            *("tls", "tls.ca", "tls.cert", "tls.key", "tls.insecureSkipVerify"),
        )
    },
    "mesos": _copy_to("providers.mesos"),
    "mesos.constraints": _join_constraints("providers.mesos.constraints"),
    **{
        f"mesos.{key}": _copy_to(f"providers.mesos.{key}")
        for key in (
            *("endpoint", "domain", "exposedByDefault", "groupsAsSubDomains", "zkDetectionTimeout"),
            *("refreshSeconds", "stateTimeoutSecond", "ipSources", "watch"),
            *("tls", "tls.ca", "tls.cert", "tls.key", "tls.insecureSkipVerify"),
        )
    },
    "retry": _copy_to(),
    "retry.attempts": _copy_to("serversTransport.retryAttempts"),
    "rest": _copy_to("providers.rest"),
    "rest.entryPoint": _copy_to("providers.rest.entryPoint"),
    "web": _copy_to("api.insecure"),
    "web.address": _translate_web_address,
    **{f"web.{key}": _copy_to(f"entryPoints.traefik.{key}") for key in _AUTH},
    "web.certFile": _copy_to("entryPoints.traefik.tls.defaultCertificate.certFile"),
    "web.keyFile": _copy_to("entryPoints.traefik.tls.defaultCertificate.keyFile"),
    "web.path": _copy_to("api.basePath"),
    "web.readOnly": _copy_to("api.readOnly"),
    "web.metrics": _copy_to("metrics"),
    "web.metrics.prometheus": _copy_to("metrics.prometheus"),
    "web.metrics.prometheus.buckets": _copy_to("metrics.prometheus.buckets"),
    "web.metrics.prometheus.entryPoint": _copy_to("metrics.prometheus.entryPoint"),
    "web.statistics": _copy_to("api.statistics"),
    "web.statistics.recentErrors": _copy_to("api.statistics.recentErrors"),
    "graceTimeOut": _copy_to("entryPoints.*.transport.lifeCycle.graceTimeOut"),
    "lifeCycle": _copy_to(),
    "lifeCycle.graceTimeOut": _copy_to("entryPoints.*.transport.lifeCycle.graceTimeOut"),
    "lifeCycle.requestAcceptGraceTimeout": _copy_to(
        "entryPoints.*.transport.lifeCycle.requestAcceptGraceTimeout"
    ),
    "idleTimeout": _copy_to("entryPoints.*.transport.respondingTimeouts.idleTimeout"),
    "respondingTimeouts": _copy_to(),
    "respondingTimeouts.idleTimeout": _copy_to("entryPoints.*.transport.respondingTimeouts.idleTimeout"),
    "respondingTimeouts.readTimeout": _copy_to("entryPoints.*.transport.respondingTimeouts.readTimeout"),
    "respondingTimeouts.writeTimeout": _copy_to("entryPoints.*.transport.respondingTimeouts.writeTimeout"),
    "insecureSkipVerify": _copy_to("serversTransport.insecureSkipVerify"),
    "maxIdleConnsPerHost": _copy_to("serversTransport.maxIdleConnsPerHost"),
    "rootCAs": _copy_to("serversTransport.rootCAs"),
    "forwardingTimeouts": _copy_to(),
    "forwardingTimeouts.dialTimeout": _copy_to("serversTransport.forwardingTimeouts.dialTimeout"),
    "forwardingTimeouts.responseHeaderTimeout": _copy_to(
        "serversTransport.forwardingTimeouts.responseHeaderTimeout"
    ),
    "zookeeper": _copy_to("providers.zooKeeper"),
    "zookeeper.endpoint": _copy_to("providers.zooKeeper.endpoints"),
    "zookeeper.password": _copy_to("providers.zooKeeper.password"),
    "zookeeper.prefix": _copy_to("providers.zooKeeper.rootKey"),
    "zookeeper.tls": _copy_to("providers.zooKeeper.tls"),
    "zookeeper.tls.ca": _copy_to("providers.zooKeeper.tls.ca"),
    "zookeeper.tls.cert": _copy_to("providers.zooKeeper.tls.cert"),
    "zookeeper.tls.insecureSkipVerify": _copy_to("providers.zooKeeper.tls.insecureSkipVerify"),
    "zookeeper.tls.key": _copy_to("providers.zooKeeper.tls.key"),
    "zookeeper.username": _copy_to("providers.zooKeeper.username"),
    "zookeeper.watch": _copy_to("providers.zooKeeper.watch"),
}
