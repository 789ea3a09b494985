"""The options of a resolver's `dnsChallenge`."""

from __future__ import annotations

from msgspec import Struct

from rondpoint.settings.tree.certificates_resolvers import DnsChallenge


class Propagation(Struct, frozen=True):
    """How a resolver checks that records have appeared before the CA looks; times in seconds."""

    delay_before_checks: float = 0.0
    disable_checks: bool = False
    disable_ans_checks: bool = False
    """Ask no authoritative name servers."""

    require_all_rns: bool = False
    """Ask each of the recursive name servers."""


class DnsChallengeOptions(Struct, frozen=True):
    """The provider's name, the recursive name servers (`host`, `host:port`), and the checks."""

    provider: str
    resolvers: tuple[str, ...] = ()
    propagation: Propagation = Propagation()


def options_of(settings: DnsChallenge) -> DnsChallengeOptions:
    """Return the options that the settings of a resolver give, in either spelling."""
    return DnsChallengeOptions(
        provider=settings.provider.strip(),
        resolvers=tuple(settings.resolvers),
        propagation=Propagation(
            delay_before_checks=settings.seconds_before_checks,
            disable_checks=not settings.checks_propagation,
            disable_ans_checks=settings.propagation.disable_ans_checks,
            require_all_rns=settings.propagation.require_all_rns,
        ),
    )
