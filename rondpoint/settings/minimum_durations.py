"""Raises durations so short that requests would fail, or that Rondpoint would query without pause."""

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
        ("providers", "swarm", "refresh_seconds"): "1s",
        ("registrator", "resync"): "1s",
        (*_RESPONDING, "read_timeout"): "10ms",
        (*_RESPONDING, "write_timeout"): "10ms",
        (*_FORWARDING, "dial_timeout"): "10ms",
        (*_FORWARDING, "response_header_timeout"): "10ms",
        ("tcp_servers_transport", "dial_timeout"): "10ms",
        ("limits", "stall_timeout"): "10ms",
        ("limits", "response_pause_timeout"): "10ms",
        ("limits", "tunnel_idle_timeout"): "10ms",
    }
)
"""The minimum of each duration, unless it is 0."""


def raise_short_durations(draft: Draft) -> None:
    """Replace durations below the minimum by the minimum, and warn about each."""
    for path, setting in tuple(draft.values.items()):
        minimum = MINIMUM_DURATIONS.get((path[0], ANY, *path[2:]) if path[0] == "entry_points" else path)
        if minimum is None:
            continue
        try:
            seconds = parse_duration(setting.value)
        except ValueError:
            # The validation of the tree reports it.
            continue
        if 0 < seconds < parse_duration(minimum):
            message = f"{setting.key} is too short: {setting.value}"
            draft.warnings.append(warning(setting.location, message, f"using the minimum, {minimum}"))
            draft.values[path] = replace(setting, value=minimum)
