"""Checks the options of entry points for UDP, which have neither HTTP nor TLS."""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.errors import error, warning
from rondpoint.settings.merge import Draft, Setting, SettingPath
from rondpoint.settings.tree import ADMIN, Settings
from rondpoint.settings.values import split_entry_point_address

_EFFECTIVE: tuple[SettingPath, ...] = (("address",), ("udp",), ("transport", "life_cycle"))
"""The options that an entry point for UDP has."""

_GUARDS: tuple[SettingPath, ...] = (
    ("tls",),
    ("http", "tls"),
    ("http", "middlewares"),
    ("auth",),
    ("white_list",),
    ("whitelist_source_range",),
)
"""Options that encrypt, or that keep clients away: datagrams would pass without that."""


def is_udp_address(value: object) -> bool:
    """Return whether this value of an entry point's `address` is valid and for UDP."""
    try:
        return isinstance(value, str) and split_entry_point_address(value)[2] == "udp"
    except ValueError:
        return False


def applies_to_udp(path: SettingPath) -> bool:
    """Return whether an entry point for UDP has this option; `path` begins below the entry point's name."""
    return _is_below(path, _EFFECTIVE)


def udp_guards(settings: Settings, draft: Draft) -> Iterator[Diagnostic]:
    """Yield an error for each option that UDP entry points cannot have without serving less safely."""
    if settings.admin.protocol == "udp":
        setting = draft.values["entry_points", ADMIN, "address"]
        yield error(
            setting.location,
            f"entry point {ADMIN} cannot be for UDP: it serves API, dashboard and ping",
            "take out /udp, or give the entry point for UDP another name",
        )
    for options in _user_options(settings, draft):
        for path, setting in options:
            if _is_below(path, _GUARDS) and setting.value not in ("", []):
                yield error(
                    setting.location,
                    f"{setting.key} cannot protect an entry point for UDP",
                    "take it out if datagrams may pass without it, or take /udp out of the address",
                )


def udp_options_without_effect(settings: Settings, draft: Draft) -> Iterator[Diagnostic]:
    """Yield a warning for each other option of HTTP or TCP on a UDP entry point, and the reverse."""
    for options in _user_options(settings, draft):
        for path, setting in options:
            if not _is_below(path, _EFFECTIVE) and not _is_below(path, _GUARDS):
                yield warning(setting.location, f"{setting.key} has no effect: the entry point is for UDP")
    for name, point in settings.entry_points.items():
        timeout = draft.values.get(("entry_points", name, "udp", "timeout"))
        if point.protocol == "tcp" and timeout is not None:
            yield warning(
                timeout.location,
                f"{timeout.key} has no effect: the entry point is for TCP",
                f"for UDP, set entryPoints.{name}.address={point.address.partition('/')[0]}/udp",
            )


def _user_options(settings: Settings, draft: Draft) -> Iterator[list[tuple[SettingPath, Setting]]]:
    """Yield the options that the user has written of each UDP entry point, each place once."""
    for name in settings.udp_entry_points:
        section = ("entry_points", name)
        written = {
            setting.location: (path[2:], setting)
            for path, setting in [*draft.sections.items(), *draft.below(section).items()]
            if path[:2] == section and len(path) > 2 and setting.source is not None
        }
        yield list(written.values())


def _is_below(path: SettingPath, sections: tuple[SettingPath, ...]) -> bool:
    return any(path[: len(section)] == section for section in sections)
