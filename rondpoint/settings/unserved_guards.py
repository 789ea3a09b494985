"""Closes the parts of Rondpoint whose protecting options are not served."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from rondpoint.settings import closed_parts
from rondpoint.settings.closed_parts import LOCAL_ONLY, ClosedPart
from rondpoint.settings.errors import warning
from rondpoint.settings.merge import Draft, SettingPath
from rondpoint.settings.tree import ADMIN, EntryPoint, Settings, setting_key
from rondpoint.settings.tree.section import as_dict, replace

_ROUTER_OPTIONS: tuple[SettingPath, ...] = (
    ("http", "middlewares"),
    ("http", "redirections"),
    ("redirect",),
    ("auth",),
    ("white_list",),
    ("whitelist_source_range",),
)
"""Options for all routers of an entry point that decide which requests it serves."""

_REQUEST_OPTIONS: tuple[SettingPath, ...] = (
    ("compress",),
    ("http", "sanitize_path"),
    ("http", "encode_query_semicolons"),
    ("http", "max_header_bytes"),
    ("http", "underscore_headers_strategy"),
)
"""Options of an entry point that change how it reads requests and sends responses."""

_WITHOUT_OPTIONS = EntryPoint(address=":80")

_ADMIN_HINT = "take it out, and set api.basicAuth.users or api.token, which protect this entry point"


def close_guarded_parts(settings: Settings, draft: Draft) -> Settings:
    """Return the settings with their closed parts; add a diagnostic to the draft for each unserved guard.

    An option that guards nothing in these settings, such as one of a provider that is off, only gives a
    warning, like other options that are not served.
    """
    existing = set(_existing_parts(settings))
    closed = [*_close_admin_tls(settings, draft), *_close_guarded_admin(settings, draft)]
    draft.warnings += [each.diagnostic for each in closed]
    for option, candidate in draft.unserved_guards:
        if candidate.part in existing:
            closed.append(candidate)
            draft.warnings.append(candidate.diagnostic)
        else:
            draft.warnings.append(warning(candidate.location, f"{candidate.key} {option.reason}"))
    return replace(settings, closed_parts=tuple(closed))


def _close_admin_tls(settings: Settings, draft: Draft) -> Iterator[ClosedPart]:
    for path, options in ((("tls",), settings.admin.tls), (("http", "tls"), settings.admin.http.tls)):
        if options is not None:
            part = closed_parts.entry_point_part(ADMIN)
            yield ClosedPart(part, _key(path), _location(draft, path), LOCAL_ONLY)


def _close_guarded_admin(settings: Settings, draft: Draft) -> Iterator[ClosedPart]:
    """Yield a closed part for each option for routers: no router is on the admin entry point."""
    for path in _REQUEST_OPTIONS:
        # Such an option closes nothing: it has no effect on who may use the entry point.
        if _value(settings.admin, path) != _value(_WITHOUT_OPTIONS, path):
            draft.warnings.append(
                warning(_location(draft, path), f"{_key(path)} has no effect: it is for requests of routers")
            )
    for path in _ROUTER_OPTIONS:
        if _is_set(draft, ("entry_points", ADMIN, *path)):
            yield _closed_admin(draft, path, _ADMIN_HINT)
    for name, allowed in as_dict(settings.admin.http.encoded_characters).items():
        if not allowed:
            yield _closed_admin(draft, ("http", "encoded_characters", name), "take it out")


def _value(point: EntryPoint, path: SettingPath) -> object:
    return reduce(getattr, path, point)


def _closed_admin(draft: Draft, path: SettingPath, hint: str) -> ClosedPart:
    return ClosedPart(closed_parts.entry_point_part(ADMIN), _key(path), _location(draft, path), hint)


def _key(path: SettingPath) -> str:
    """Return the key of an option of the admin entry point."""
    return ".".join(("entryPoints", ADMIN, *map(setting_key, path)))


def _is_set(draft: Draft, path: SettingPath) -> bool:
    return path in draft.sections or any(
        setting.value not in ("", []) for setting in draft.below(path).values()
    )


def _location(draft: Draft, path: SettingPath) -> str:
    whole = ("entry_points", ADMIN, *path)
    setting = draft.sections.get(whole) or next(iter(draft.below(whole).values()))
    return setting.location


def _existing_parts(settings: Settings) -> Iterator[str]:
    """Return the parts that these settings have and that can be closed."""
    yield closed_parts.CHANGES
    if settings.metrics is not None and settings.metrics.prometheus is not None:
        yield closed_parts.METRICS
    yield from map(closed_parts.entry_point_part, settings.entry_points)
    providers = settings.providers
    for name, options in {
        "docker": providers.docker,
        "swarm": providers.swarm,
        "consulcatalog": providers.consul_catalog,
        "consul": providers.consul,
        "marathon": providers.marathon,
        "mesos": providers.mesos,
        "ecs": providers.ecs,
        "zookeeper": providers.zoo_keeper,
        "etcd": providers.etcd,
        "redis": providers.redis,
        "kubernetes": providers.kubernetes_ingress,
    }.items():
        if options is not None:
            yield closed_parts.provider_part(name)
