"""Closes the parts of Rondpoint whose protecting options are not served."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from rondpoint.settings.closed_parts import ClosedPart, entry_point_part, provider_part
from rondpoint.settings.errors import warning
from rondpoint.settings.merge import Draft, SettingPath
from rondpoint.settings.tree import ADMIN, EntryPoint, Settings, setting_key
from rondpoint.settings.tree.section import replace

_REDIRECTIONS: SettingPath = ("http", "redirections")
"""The options by which an entry point leaves its requests to another one."""

_REQUEST_OPTIONS: tuple[SettingPath, ...] = (
    ("http", "sanitize_path"),
    ("http", "encode_query_semicolons"),
    ("http", "max_header_bytes"),
    ("http", "underscore_headers_strategy"),
)
"""Options of an entry point that change the requests of its routers."""

_WITHOUT_OPTIONS = EntryPoint(address=":80")

_ADMIN_HINT = "take it out: no other entry point serves what this one serves"


def close_guarded_parts(settings: Settings, draft: Draft) -> Settings:
    """Return the settings with their closed parts; add a diagnostic to the draft for each unserved guard.

    An option that guards nothing in these settings, such as one of a provider that is off, only gives a
    warning, like other options that are not served.
    """
    existing = set(_existing_parts(settings))
    closed = [*_close_admin(settings, draft)]
    draft.warnings += [each.diagnostic for each in closed]
    for option, candidate in draft.unserved_guards:
        if candidate.part in existing:
            closed.append(candidate)
            draft.warnings.append(candidate.diagnostic)
        else:
            draft.warnings.append(warning(candidate.location, f"{candidate.key} {option.reason}"))
    return replace(settings, closed_parts=tuple(closed))


def _close_admin(settings: Settings, draft: Draft) -> Iterator[ClosedPart]:
    """Yield the closed part for redirections: the admin entry point has no routers to redirect to."""
    for path in _REQUEST_OPTIONS:
        # Such an option closes nothing: it has no effect on who may use the entry point.
        if _value(settings.admin, path) != _value(_WITHOUT_OPTIONS, path):
            draft.warnings.append(
                warning(_location(draft, path), f"{_key(path)} has no effect: it is for requests of routers")
            )
    if _is_set(draft, ("entry_points", ADMIN, *_REDIRECTIONS)):
        location = _location(draft, _REDIRECTIONS)
        yield ClosedPart(entry_point_part(ADMIN), _key(_REDIRECTIONS), location, _ADMIN_HINT)


def _value(point: EntryPoint, path: SettingPath) -> object:
    return reduce(getattr, path, point)


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
    yield from map(entry_point_part, settings.entry_points)
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
            yield provider_part(name)
