"""Decodes the `SERVICE_CHECK_…` keys into Consul's health check."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from discovery.registrar.keys import Keys
from rondpoint.settings.values import parse_duration

DEFAULT_INTERVAL = "10s"
STATES = ("passing", "warning", "critical")
_DURATION = re.compile(
    r"[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)(([0-9]+(\.[0-9]*)?)(ns|us|µs|ms|s|m|h))*"
)
_KINDS = ("http", "https", "cmd", "script", "ttl", "tcp", "grpc")

Warn = Callable[[str, str], None]
"""Records a warning: what is wrong, and a hint."""


def decode_check(keys: Keys, address: str, port: int, warn: Warn) -> dict[str, Any] | None:
    """Return the check of the service at `address` and `port`, None without one; the first of _KINDS counts.

    Checks that run a command are not supported: they cause a warning and are left out.
    """
    kind = next((each for each in _KINDS if keys.get(f"check_{each}")), "")
    value = keys.get(f"check_{kind}")
    if not kind:
        return None
    if kind in {"cmd", "script"}:
        warn(f"SERVICE_CHECK_{kind.upper()}={value}: commands are not run", "use SERVICE_CHECK_HTTP or _TCP")
        return None
    at = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    made: dict[str, Any] = {}
    match kind:
        case "http" | "https":
            made["HTTP"] = f"{kind}://{at}/{value.removeprefix('/')}"
            if method := keys.get(f"check_{kind}_method"):
                made["Method"] = method
        case "tcp":
            made["TCP"] = at
        case "grpc":
            made["GRPC"] = at
            if keys.get("check_grpc_use_tls"):
                made["GRPCUseTLS"] = True
                if keys.get("check_tls_skip_verify"):
                    made["TLSSkipVerify"] = True
        case "ttl":
            if not (ttl := _duration(keys, "check_ttl", warn, "1s")):
                return None
            made["TTL"] = ttl
    if kind != "ttl":
        made["Interval"] = _duration(keys, "check_interval", warn, "1s") or DEFAULT_INTERVAL
        if timeout := _duration(keys, "check_timeout", warn, "10ms"):
            made["Timeout"] = timeout
    if after := _duration(keys, "check_deregister_after", warn, "1m"):
        made["DeregisterCriticalServiceAfter"] = after
    if status := keys.get("check_initial_status"):
        if status in STATES:
            made["Status"] = status
        else:
            warn(f"SERVICE_CHECK_INITIAL_STATUS={status} is not a status", f"use one of {', '.join(STATES)}")
    return made


def _duration(keys: Keys, key: str, warn: Warn, floor: str) -> str:
    """Return the value if it is a duration, else an empty text; at least `floor`.

    Consul itself accepts no interval below 1s and no time to deregister below 1m.
    """
    value = keys.get(key)
    if value and not _DURATION.fullmatch(value):
        warn(f"SERVICE_{key.upper()}={value} is not a duration", "use a duration such as 15s or 1m30s")
        return ""
    if value and parse_duration(value.removeprefix("+")) < parse_duration(floor):
        warn(f"SERVICE_{key.upper()}={value} is too short", f"{floor} is used, the minimum")
        return floor
    return value
