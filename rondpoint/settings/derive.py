"""Adds defaults that depend on other settings, and checks rules between settings."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.closed_parts import provider_part
from rondpoint.settings.errors import error, warning
from rondpoint.settings.merge import Draft, Setting, SettingPath
from rondpoint.settings.sources.environment import EMBEDDED_STORE
from rondpoint.settings.sources.file import PathResolver, same_path
from rondpoint.settings.tree import ADMIN, EntryPoint, Settings
from rondpoint.settings.udp_entry_points import applies_to_udp, is_udp_address
from rondpoint.settings.values import parse_switch, split_address
from rondpoint.settings.vocabulary import ANY

_WEB = "web"
ADMIN_PORT = 8080
_LAST_PORT = 65535
# The default entry point of Traefik 1; its files refer to it without defining it.
_WEB_OF_V1 = "http"
_WEB_ADDRESS = ("web_address",)
_DOCKER_SOCKET = Path("/var/run/docker.sock")
_DOCKER = ("providers", "docker")
_SWARM = ("providers", "swarm")
_FILE = ("providers", "file")
_SWARM_NAMES: Mapping[SettingPath, SettingPath] = {("swarm_mode_refresh_seconds",): ("refresh_seconds",)}
"""Options of the Docker provider that have another name in the Swarm provider."""
_CATALOGUE = ("providers", "consul_catalog")
_CATALOGUE_OF_V1 = "consulcatalog"
_CONSTRAINTS = ("providers", "constraints")
_HTTP = ("providers", "http")
_NOMAD = ("providers", "nomad")
_MARATHON = ("providers", "marathon")
_MESOS = ("providers", "mesos")
_ECS = ("providers", "ecs")
_OTHER_PROVIDERS = (
    _SWARM,
    _FILE,
    _CATALOGUE,
    *(("providers", name) for name in ("consul", "etcd", "redis", "rest", "zoo_keeper")),
    *(("providers", name) for name in ("kubernetes_crd", "kubernetes_gateway", "kubernetes_ingress")),
    _HTTP,
    _NOMAD,
    _MARATHON,
    _MESOS,
    _ECS,
)


def derive(
    draft: Draft, environ: Mapping[str, str], inline: Path | None, resolve_path: PathResolver = same_path
) -> None:
    """Add derived defaults to the draft in place.

    `inline` is the settings file if the file provider reads it for routes too, else None.
    """
    _derive_entry_points(draft)
    _derive_resolver_of_v1(draft)
    _derive_tls(draft)
    _derive_docker(draft, environ, resolve_path(_DOCKER_SOCKET))
    _derive_swarm(draft)
    _derive_file(draft, inline)
    _derive_catalogue(draft)
    _check_http(draft)
    _derive_constraints(draft)
    if environ.get(EMBEDDED_STORE):
        draft.values["redis", "embedded"] = _default(True)


def port_conflicts(
    entry_points: Mapping[str, EntryPoint], locations: Mapping[str, str]
) -> Iterable[Diagnostic]:
    """Yield an error for each two entry points on one port; `locations` are those of the addresses."""
    seen: list[tuple[str, EntryPoint]] = []
    for name, point in entry_points.items():
        for other_name, other in seen:
            wildcards = {"", "0.0.0.0", "::"}  # noqa: S104 - only compared
            same_host = point.host == other.host or {point.host, other.host} & wildcards
            if point.port == other.port and point.protocol == other.protocol and same_host:
                yield error(
                    locations.get(name, locations.get(other_name, "entryPoints")),
                    f"entry points {other_name} ({other.address}) and {name} ({point.address}) use one port",
                    "set another address for one of them",
                )
        seen.append((name, point))


def unknown_entry_points(settings: Settings, draft: Draft) -> Iterable[Diagnostic]:
    """Yield an error for each entry point that is referred to but not defined."""
    for name, resolver in settings.acme_resolvers.items():
        section = ("certificates_resolvers", name, "acme")
        if resolver.http_challenge is not None and resolver.http_challenge.entry_point:
            yield from _unknown_user(
                resolver.http_challenge.entry_point, (*section, "http_challenge"), settings, draft
            )
        if resolver.entry_point:
            yield from _unknown_user(resolver.entry_point, section, settings, draft)
    prometheus = settings.metrics.prometheus if settings.metrics is not None else None
    if prometheus is not None:
        yield from _unknown_user(prometheus.entry_point, ("metrics", "prometheus"), settings, draft)
    if settings.ping is not None:
        yield from _unknown_user(settings.ping.entry_point, ("ping",), settings, draft)
    api, rest = settings.api, settings.providers.rest
    if api.entry_point != ADMIN:
        yield from _unknown_user(api.entry_point, ("api",), settings, draft)
    if rest is not None and rest.entry_point != ADMIN:
        yield from _unknown_user(rest.entry_point, ("providers", "rest"), settings, draft)
    for name, point in settings.entry_points.items():
        redirection = point.http.redirections.entry_point
        if redirection is not None and not redirection.to.startswith(":"):
            path = ("http", "redirections", "entry_point", "to")
            yield from _unknown_target(name, path, redirection.to, settings, draft)
        if point.redirect is not None and point.redirect.entry_point:
            yield from _unknown_target(
                name, ("redirect", "entry_point"), point.redirect.entry_point, settings, draft
            )


def _unknown_user(
    name: str, section: tuple[str, ...], settings: Settings, draft: Draft
) -> Iterable[Diagnostic]:
    """Yield an error if the option `entryPoint` of this section names no entry point for HTTP."""
    usable = {known: point for known, point in settings.entry_points.items() if point.protocol == "tcp"}
    if name not in usable:
        setting = draft.values.get((*section, "entry_point"))
        yield error(
            setting.location if setting is not None else ".".join((*section, "entryPoint")),
            f"entry point {name} {_unusable(name, settings)}",
            "expected one of " + ", ".join(usable),
        )


def _unusable(name: str, settings: Settings) -> str:
    return "is for UDP" if name in settings.udp_entry_points else "does not exist"


def _unknown_target(
    name: str, path: tuple[str, ...], target: str, settings: Settings, draft: Draft
) -> Iterable[Diagnostic]:
    """Yield an error if the entry point `name` redirects to one that does not exist."""
    if target not in settings.web_entry_points:
        setting = draft.values.get(("entry_points", name, *path))
        yield error(
            setting.location if setting is not None else f"entryPoints.{name}",
            f"entry point {target} {_unusable(target, settings)}",
            "expected one of " + ", ".join(settings.web_entry_points),
        )


def _default(value: object) -> Setting:
    return Setting(value, "defaults", "")


def _derive_entry_points(draft: Draft) -> None:
    shared = draft.below(("entry_points", ANY))
    for path in shared:
        del draft.values[path]
    names = list(dict.fromkeys(path[1] for path in (*draft.sections, *draft.values) if _is_entry_point(path)))
    web = [name for name in names if name not in (ADMIN, ANY)] or [_WEB]
    for name in web:
        _derive_web_address(draft, name, web)
    insecure = draft.values.get(("api", "insecure"))
    host = "" if insecure and _is_on(insecure.value) else "127.0.0.1"
    if ("entry_points", ADMIN, "address") not in draft.values:
        _derive_admin_address(draft, host, web)
    for name in (*web, ADMIN):
        written = draft.values.get(("entry_points", name, "address"))
        udp = written is not None and is_udp_address(written.value)
        for path, setting in shared.items():
            if not udp or applies_to_udp(path[2:]):
                draft.values.setdefault(("entry_points", name, *path[2:]), setting)


def _derive_admin_address(draft: Draft, host: str, web: Iterable[str]) -> None:
    """Give the admin entry point its port, or the next one that no other entry point has.

    Traefik has the entry point only with `api.insecure` and similar, so its files may use the port.
    """
    written = {name: draft.values.get(("entry_points", name, "address")) for name in web}
    used = {port: name for name, address in written.items() if (port := _port_of(address))}
    port = next(port for port in range(ADMIN_PORT, _LAST_PORT + 1) if port not in used)
    address = f"{host}:{port}"
    draft.values["entry_points", ADMIN, "address"] = _default(address)
    if port != ADMIN_PORT:
        draft.warnings.append(
            warning(
                f"entryPoints.{ADMIN}.address",
                f"the admin entry point listens on {address}, because entry point {used[ADMIN_PORT]} has "
                f"port {ADMIN_PORT}",
                "set it to choose another address",
            )
        )


def _port_of(address: Setting | None) -> int:
    """Return the TCP port in a written address; 0 if there is none, or if it is invalid."""
    try:
        return split_address(str(address.value))[1] if address is not None else 0
    except ValueError:
        return 0


def _is_entry_point(path: tuple[str, ...]) -> bool:
    return path[0] == "entry_points" and len(path) > 1


def _derive_web_address(draft: Draft, name: str, web: list[str]) -> None:
    path = ("entry_points", name, "address")
    if path in draft.values:
        return
    if name == _WEB or web == [_WEB_OF_V1]:
        draft.values[path] = draft.values.get(_WEB_ADDRESS) or _default(":8000")
        return
    section_path = ("entry_points", name)
    setting = draft.sections.get(section_path) or next(iter(draft.below(section_path).values()))
    close = difflib.get_close_matches(name, [other for other in web if other != name], n=1)
    hint = f"did you mean {close[0]}?" if close else f"set entryPoints.{name}.address"
    draft.errors.append(error(setting.location, f"entry point {name} has no address", hint))
    for key in draft.below(section_path):
        del draft.values[key]
    draft.sections = {key: section for key, section in draft.sections.items() if key[:2] != section_path}


def _derive_tls(draft: Draft) -> None:
    """Switch `tls` on for entry points with `http.tls`."""
    for path, setting in [*draft.sections.items(), *draft.values.items()]:
        if _is_entry_point(path) and path[2:4] == ("http", "tls"):
            draft.sections.setdefault((*path[:2], "tls"), setting)


def _derive_resolver_of_v1(draft: Draft) -> None:
    """Make the resolver with `onHostRule` that of all routers on its entry point, unless that has its own."""
    for path, setting in list(draft.values.items()):
        if path[0] == "certificates_resolvers" and path[-1] == "on_host_rule" and _is_on(setting.value):
            entry_point = draft.values.get((*path[:-1], "entry_point"))
            if entry_point is not None and draft.has(("entry_points", str(entry_point.value))):
                target = ("entry_points", str(entry_point.value), "http", "tls", "cert_resolver")
                draft.values.setdefault(target, replace(setting, value=path[1]))


def _is_on(value: object) -> bool:
    try:
        return parse_switch(value)
    except ValueError:
        return False


def _derive_docker(draft: Draft, environ: Mapping[str, str], socket: Path | None) -> None:
    host = environ.get("DOCKER_HOST", "")
    is_named = draft.has(_DOCKER)
    no_provider_named = not (is_named or any(map(draft.has, _OTHER_PROVIDERS)) or draft.provider_named)
    if no_provider_named and (host or (socket is not None and socket.exists())):
        draft.sections[_DOCKER] = _default(True)
    for section in (_DOCKER, _SWARM):
        if host and draft.has(section):
            setting = Setting(host, "environment variable DOCKER_HOST", "DOCKER_HOST")
            draft.values.setdefault((*section, "endpoint"), setting)


def _derive_swarm(draft: Draft) -> None:
    """Make the Docker provider of Traefik 1 or 2 with `swarmMode` the Swarm provider, guards included."""
    mode = draft.values.get((*_DOCKER, "swarm_mode"))
    if mode is None or not _is_on(mode.value):
        return
    draft.sections.setdefault(_SWARM, mode)
    del draft.values[*_DOCKER, "swarm_mode"]
    for path, setting in draft.below(_DOCKER).items():
        del draft.values[path]
        target = _SWARM_NAMES.get(path[2:], path[2:])
        draft.values.setdefault((*_SWARM, *target), setting)
    for path in [path for path in draft.sections if path[:2] == _DOCKER]:
        draft.sections.setdefault((*_SWARM, *path[2:]), draft.sections.pop(path))
    docker, swarm = map(provider_part, ("docker", "swarm"))
    draft.unserved_guards = [
        (option, replace(closed, part=swarm) if closed.part == docker else closed)
        for option, closed in draft.unserved_guards
    ]


def _derive_file(draft: Draft, inline: Path | None) -> None:
    if not draft.has(_FILE):
        return
    given = {name for name in ("filename", "directory") if _is_given(draft, name)}
    if len(given) == 2:
        ignored = draft.values.pop((*_FILE, "filename"))
        draft.warnings.append(
            warning(
                ignored.location, f"{ignored.key} has no effect", "providers.file.directory is used instead"
            )
        )
    elif not given and inline is not None:
        draft.values[*_FILE, "filename"] = Setting(inline, str(inline), "file")
    elif not given:
        section = draft.sections.get(_FILE) or next(iter(draft.below(_FILE).values()))
        hint = "set providers.file.filename or providers.file.directory"
        draft.errors.append(error(section.location, "the file provider has no file to read", hint))


def _check_http(draft: Draft) -> None:
    """Report a missing endpoint of the HTTP provider."""
    if not draft.has(_HTTP):
        return
    section = draft.sections.get(_HTTP) or next(iter(draft.below(_HTTP).values()))
    if (*_HTTP, "endpoint") not in draft.values:
        hint = "set providers.http.endpoint"
        draft.errors.append(error(section.location, "the HTTP provider has no URL to fetch", hint))


def _derive_catalogue(draft: Draft) -> None:
    """Add the defaults of Traefik 1: only passing instances, and a rule with the domain, even if empty."""
    settings = [*draft.below(_CATALOGUE).values(), *filter(None, [draft.sections.get(_CATALOGUE)])]
    if any(each.key.lower().partition(".")[0] == _CATALOGUE_OF_V1 for each in settings):
        draft.values.setdefault((*_CATALOGUE, "strict_checks"), _default("passing"))
        draft.values.setdefault(
            (*_CATALOGUE, "front_end_rule"), _default("Host:{{.ServiceName}}.{{.Domain}}")
        )


def _derive_constraints(draft: Draft) -> None:
    """Add the constraints of all providers to the constraints of each provider."""
    common = draft.values.get(_CONSTRAINTS)
    if common is None or not common.value:
        return
    for section in (_DOCKER, _SWARM, _CATALOGUE, _NOMAD, _MARATHON, _MESOS, _ECS):
        own = draft.values.get((*section, "constraints"))
        if own is not None and own.value:
            joined = f"{common.value}, {own.value}"
            draft.values[*section, "constraints"] = replace(own, value=joined)
        elif draft.has(section):
            draft.values[*section, "constraints"] = common


def _is_given(draft: Draft, name: str) -> bool:
    setting = draft.values.get((*_FILE, name))
    return setting is not None and setting.value != ""
