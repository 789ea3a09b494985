"""Parses Registrator's command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec import Struct

from discovery.consul import Endpoint, endpoint
from discovery.registrar.flags import Flag, UsageError, Value, describe_flags, parse_flags
from discovery.registrar.keys import split_tags
from discovery.registrar.options import Plan, default_docker, registration_options
from rondpoint.settings import EngineOptions

MIN_RETRY_INTERVAL = 10
"""The shortest retry interval in milliseconds, so that retries do not follow without pause."""

FLAGS = {
    flag.name: flag
    for flag in (
        Flag("cleanup", False, "", "deregister services that an earlier registrar of this host left behind"),
        Flag(
            "deregister",
            "always",
            "MODE",
            "which ended containers to deregister: always, or on-success (not those that failed)",
        ),
        Flag("explicit", False, "", "register only ports with a SERVICE_NAME"),
        Flag(
            "internal",
            False,
            "",
            "register exposed ports at containers' addresses, not published ones at the host's",
        ),
        Flag("ip", "", "ADDRESS", "the address of published ports, instead of the host's"),
        Flag("resync", 0, "SECONDS", "register everything again at this interval; 0 means never"),
        Flag(
            "retry-attempts",
            -1,
            "N",
            "exit if Consul cannot be reached at the start and in N retries; -1, the default, means never",
        ),
        Flag("retry-interval", 2000, "MILLISECONDS", "the time between the retries"),
        Flag("tags", "", "TAGS", "tags for every service, separated by commas"),
        Flag("ttl", 0, "SECONDS", "has no effect with Consul"),
        Flag("ttl-refresh", 0, "SECONDS", "has no effect with Consul"),
        Flag("useIpFromLabel", "", "LABEL", "the name of a label that holds a container's address"),
    )
}

USAGE = f"""\
Usage: rondpoint registrator [FLAGS] consul://HOST:PORT

Registers the containers of a Docker engine in Consul, with Registrator's flags. The engine is that of
DOCKER_HOST, else /tmp/docker.sock if it exists, else /var/run/docker.sock. consul-tls://HOST:PORT uses
TLS. Consul's own variables apply: CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, CONSUL_CACERT and so on.

{describe_flags(FLAGS)}"""

_SCHEMES = {"consul": "", "consul-tls": "https"}


class RegistrarCommand(Struct, frozen=True):
    """A parsed command line of `rondpoint registrator`.

    `attempts` is the number of retries to reach Consul at the start, `interval` seconds apart; -1 means
    without end. `warnings` are to be logged.
    """

    plan: Plan
    attempts: int
    interval: float
    warnings: tuple[str, ...] = ()


def parse_command(arguments: Sequence[str]) -> RegistrarCommand:
    """Parse the arguments. Raises UsageError with one line, and HelpRequested."""
    values, words = parse_flags(arguments, FLAGS)
    if not words:
        raise UsageError("the registry is missing: consul://HOST:PORT")
    if len(words) > 1:
        raise UsageError(f"one registry is expected, unexpected words: {' '.join(words[1:])}")
    if values["deregister"] not in ("always", "on-success"):
        raise UsageError(f"bad value {values['deregister']!r} for flag -deregister: always or on-success")
    for name, least in (("resync", 0), ("retry-attempts", -1), ("retry-interval", 1)):
        if _number(values, name) < least:
            raise UsageError(f"bad value {values[name]} for flag -{name}: expected {least} or more")
    if "{{" in _text(values, "tags"):
        raise UsageError(f"bad value {values['tags']!r} for flag -tags: templates are not supported")
    plan = Plan(
        registration_options(
            internal=values["internal"] is True,
            ip=_text(values, "ip"),
            explicit=values["explicit"] is True,
            tags=split_tags(_text(values, "tags")),
            ip_label=_text(values, "useIpFromLabel"),
        ),
        EngineOptions(endpoint=default_docker()),
        "DOCKER_HOST",
        _registry(words[0]),
        _number(values, "resync"),
        values["cleanup"] is True,
        values["deregister"] == "on-success",
    )
    warnings = tuple(
        f"flag -{name} has no effect: Consul's services do not expire, their checks show their state"
        for name in ("ttl", "ttl-refresh")
        if values[name]
    )
    interval = _number(values, "retry-interval")
    if interval < MIN_RETRY_INTERVAL:
        short = f"flag -retry-interval {interval} is too short: {MIN_RETRY_INTERVAL} is used, the minimum"
        warnings, interval = (*warnings, short), MIN_RETRY_INTERVAL
    return RegistrarCommand(plan, _number(values, "retry-attempts"), interval / 1000, warnings)


def _registry(written: str) -> Endpoint:
    scheme, separator, address = written.partition("://")
    if not separator or scheme not in _SCHEMES:
        supported = " and ".join(f"{each}://" for each in _SCHEMES)
        raise UsageError(f"the registry {written!r} is not supported: {supported} are")
    try:
        return endpoint(address.rstrip("/"), scheme=_SCHEMES[scheme])
    except ValueError as error:
        raise UsageError(str(error)) from None


def _text(values: dict[str, Value], name: str) -> str:
    return cast(str, values[name])


def _number(values: dict[str, Value], name: str) -> int:
    return cast(int, values[name])
