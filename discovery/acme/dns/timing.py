"""The times of a DNS provider, by its variables as in lego."""

from __future__ import annotations

from msgspec import Struct

from discovery.acme.dns.environment import Environment


class Timing(Struct, frozen=True):
    """The time until records appear, between two looks, that records live, and of one request.

    In seconds; these are lego's defaults.
    """

    propagation_timeout: float = 60.0
    polling_interval: float = 2.0
    ttl: int = 120
    http_timeout: float = 30.0


def read_timing(environment: Environment, defaults: Timing, *prefixes: str) -> Timing:
    """Return the times that the variables `PREFIX_PROPAGATION_TIMEOUT` and so on set, else `defaults`.

    Raises ConfigurationError if one of them is not a whole number.
    """

    def names(suffix: str) -> tuple[str, ...]:
        return tuple(f"{prefix}_{suffix}" for prefix in prefixes)

    return Timing(
        propagation_timeout=environment.seconds(defaults.propagation_timeout, *names("PROPAGATION_TIMEOUT")),
        polling_interval=environment.seconds(defaults.polling_interval, *names("POLLING_INTERVAL")),
        ttl=environment.integer(defaults.ttl, *names("TTL")),
        http_timeout=environment.seconds(defaults.http_timeout, *names("HTTP_TIMEOUT")),
    )
