"""What tests of providers share."""

import threading
from collections.abc import Mapping

from discovery.acme.challenges.challenge import DNS_01, Challenge
from discovery.acme.dns.environment import Environment
from discovery.acme.dns.name_servers import NameServers, parse_name_server
from discovery.acme.dns.providers.contract import DnsProvider, Setup
from discovery.acme.dns.providers.registry import make_provider
from discovery.acme.dns.records import ChallengeRecord, record_name


def challenge(name: str = "example.test", token: str = "token") -> Challenge:
    return Challenge(DNS_01, name, token, f"{token}.thumbprint")


def record(name: str = "example.test", token: str = "token") -> ChallengeRecord:
    answered = challenge(name, token)
    return ChallengeRecord(record_name(answered), answered.text, answered)


def provider(
    name: str,
    variables: Mapping[str, str],
    *,
    servers: str = "127.0.0.1",
    stop: threading.Event | None = None,
) -> DnsProvider:
    """Make a provider with these variables, which asks the name server at `servers`."""
    known = NameServers([parse_name_server(servers)])
    return make_provider(name, Setup(Environment(variables), known, stop or threading.Event()))
