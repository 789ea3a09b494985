"""Durations so short that nothing would be served with them, or somebody asked without pause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from rondpoint.settings.errors import warning
from rondpoint.settings.merge import Draft, SettingPath
from rondpoint.settings.values import parse_duration
from rondpoint.settings.vocabulary import ANY

_RESPONDING = ("entry_points", ANY, "transport", "responding_timeouts")
_FORWARDING = ("servers_transport", "forwarding_timeouts")

MINIMUM_DURATIONS: Mapping[SettingPath, str] = MappingProxyType(
    {
        ("providers", "consul_catalog", "endpoint", "endpoint_wait_time"): "1s",
        ("registrator", "resync"): "1s",
        (*_RESPONDING, "read_timeout"): "10ms",
        (*_RESPONDING, "write_timeout"): "10ms",
        (*_FORWARDING, "dial_timeout"): "10ms",
        (*_FORWARDING, "response_header_timeout"): "10ms",
        ("limits", "stall_timeout"): "10ms",
        ("limits", "response_pause_timeout"): "10ms",
        ("limits", "tunnel_idle_timeout"): "10ms",
    }
)
"""The least that each is, where it is not 0."""


def raise_short_durations(draft: Draft) -> None:
    """Has the least in the place of what is shorter, and says so."""
    for path, setting in tuple(draft.values.items()):
        floor = MINIMUM_DURATIONS.get((path[0], ANY, *path[2:]) if path[0] == "entry_points" else path)
        if floor is None:
            continue
        try:
            seconds = parse_duration(setting.value)
        except ValueError:
            # It is told when the tree is made.
            continue
        if 0 < seconds < parse_duration(floor):
            found = f"{setting.key} is too short: {setting.value}"
            draft.warnings.append(warning(setting.location, found, f"{floor} is taken; give no less"))
            draft.values[path] = replace(setting, value=floor)
