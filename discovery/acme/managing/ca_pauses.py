"""Which CAs get no requests at present: they limit orders, refuse the account, or do not respond."""

from __future__ import annotations

from collections.abc import Mapping

from discovery.acme.orders.failures import FailureKind, OrderFailure
from discovery.acme.planning.schedule import outage_delay, retry_delay
from rondpoint.settings.tree.certificates_resolvers import ResolverOptions


class CaPauses:
    """The pause of each CA. Resolvers with the same CA share it."""

    def __init__(self, resolvers: Mapping[str, ResolverOptions]) -> None:
        self._directories = {name: options.ca_server for name, options in resolvers.items()}
        self._outages: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._account_refusals: dict[str, int] = {}
        self._account_until: dict[str, float] = {}

    def by_resolver(self) -> dict[str, float]:
        """Return when each resolver's CA may get requests again, in Unix seconds."""
        return {
            name: max(self._until.get(url, 0.0), self._account_until.get(name, 0.0))
            for name, url in self._directories.items()
        }

    def failed(self, resolver: str, failure: OrderFailure, now: float) -> None:
        """Begin a pause if the failure concerns all orders of the CA or of the resolver.

        Several orders at once that fail for the same reason count as one failure.
        """
        url = self._directories[resolver]
        if failure.kind is FailureKind.RATE_LIMITED:
            self._until[url] = max(self._until.get(url, 0.0), failure.not_before)
        elif failure.kind is FailureKind.UNREACHABLE and self._until.get(url, 0.0) <= now:
            self._outages[url] = self._outages.get(url, 0) + 1
            self._until[url] = max(now + outage_delay(self._outages[url]), failure.not_before)
        elif failure.kind is FailureKind.ACCOUNT and self._account_until.get(resolver, 0.0) <= now:
            refusals = self._account_refusals[resolver] = self._account_refusals.get(resolver, 0) + 1
            self._account_until[resolver] = now + retry_delay(refusals, resolver)

    def succeeded(self, resolver: str) -> None:
        """Forget outages and refusals: the CA has issued a certificate."""
        url = self._directories[resolver]
        self._outages.pop(url, None)
        self._account_refusals.pop(resolver, None)
