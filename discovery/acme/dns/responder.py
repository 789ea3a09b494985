"""Answers DNS-01 challenges: creates the TXT records, waits until they are visible, deletes them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from discovery.acme.challenges.challenge import DNS_01, Challenge
from discovery.acme.dns.bounded_calls import call_within
from discovery.acme.dns.environment import Environment
from discovery.acme.dns.errors import ConfigurationError
from discovery.acme.dns.name_servers import NameServers, parse_name_server, system_name_servers
from discovery.acme.dns.options import DnsChallengeOptions
from discovery.acme.dns.propagation import wait_until_visible
from discovery.acme.dns.providers.contract import DnsProvider, Setup
from discovery.acme.dns.providers.registry import make_provider
from discovery.acme.dns.records import ChallengeRecord, record_name
from discovery.connections.stopping import on_stop

NO_ALIASES = "LEGO_DISABLE_CNAME_SUPPORT"
CLEAN_UP_GRACE = 5.0
"""Seconds for which records are still deleted after the agent was told to stop."""


def recursive_name_servers(options: DnsChallengeOptions) -> NameServers:
    """Return the name servers that the options name, else those of the machine. Raises ConfigurationError."""
    named = tuple(parse_name_server(each) for each in options.resolvers)
    return NameServers(named or system_name_servers())


class Dns01Responder:
    """Answers the challenges of one resolver with its `dnsChallenge` options.

    Each call reads the environment anew, so credentials can be exchanged in files. All calls raise
    DnsChallengeError. All but `clean_up` end as soon as `stop` is set.
    """

    kind = DNS_01

    def __init__(
        self,
        options: DnsChallengeOptions,
        stop: threading.Event,
        *,
        variables: Mapping[str, str] = os.environ,
        make_name_servers: Callable[[DnsChallengeOptions], NameServers] = recursive_name_servers,
    ) -> None:
        """Use these options; nothing is read or checked yet."""
        self._options = options
        self._stop = stop
        self._variables = variables
        self._make_name_servers = make_name_servers
        self._records: dict[Challenge, ChallengeRecord] = {}

    def check(self) -> None:
        """Raise ConfigurationError if the provider, its variables or packages, or name servers are wrong."""
        self._connect()

    def present(self, challenge: Challenge) -> None:
        """Create the challenge's record. Several may be present at once, also for one name."""
        provider, servers = self._connect()
        if provider.one_value and self._occupied(challenge):
            raise ConfigurationError(
                f"{self._options.provider} holds one TXT record for {record_name(challenge)} only",
                "give the name and its wildcard one certificate each",
            )
        alias = record_name(challenge)
        if not Environment(self._variables).boolean(NO_ALIASES):
            look_up = partial(servers.follow_aliases, alias)
            alias = call_within(None, self._stop, f"the query for {alias}", look_up)
        record = ChallengeRecord(alias, challenge.text, challenge)
        # It may be created even if the call fails, so clean_up has to know it.
        self._records[challenge] = record
        provider.present(record)

    def wait_until_visible(self, challenges: Sequence[Challenge]) -> None:
        """Return when name servers show the records of these challenges, as the options demand."""
        provider, servers = self._connect()
        wait_until_visible(
            [self._records[each] for each in challenges],
            servers,
            self._options.propagation,
            provider.timing,
            self._stop,
            timeout_variable=provider.timeout_variable,
        )

    def clean_up(self, challenge: Challenge) -> None:
        """Delete the record if `present` may have created it, also while the agent stops."""
        record = self._records.pop(challenge, None)
        if record is not None:
            with self._stop_later() as stop:
                self._connect(stop)[0].clean_up(record)

    def _connect(self, stop: threading.Event | None = None) -> tuple[DnsProvider, NameServers]:
        if not self._options.provider:
            raise ConfigurationError("dnsChallenge.provider is not set")
        servers = self._make_name_servers(self._options)
        setup = Setup(Environment(self._variables), servers, stop or self._stop)
        return make_provider(self._options.provider, setup), servers

    @contextmanager
    def _stop_later(self) -> Iterator[threading.Event]:
        """Give an event that is set some seconds after `stop`."""
        late = threading.Event()
        timer = threading.Timer(CLEAN_UP_GRACE, late.set)
        timer.daemon = True
        with on_stop(self._stop, timer.start):
            yield late
        timer.cancel()

    def _occupied(self, challenge: Challenge) -> bool:
        return any(
            other != challenge and record_name(other) == record_name(challenge) for other in self._records
        )
