"""What a DNS provider offers, and what it gets."""

from __future__ import annotations

import threading
from typing import Protocol

from msgspec import Struct

from discovery.acme.dns.environment import Environment
from discovery.acme.dns.name_servers import NameServers
from discovery.acme.dns.records import ChallengeRecord
from discovery.acme.dns.timing import Timing


class Setup(Struct, frozen=True):
    """The parts of a provider: its variables, the name servers to ask, and the event that interrupts it."""

    environment: Environment
    servers: NameServers
    stop: threading.Event


class DnsProvider(Protocol):
    """Creates and deletes TXT records.

    Both calls raise DnsChallengeError. A name may get several values at once: for itself and its wildcard.
    """

    timing: Timing
    one_value: bool
    """Whether a name can have one value only, because a second one replaces the first."""

    timeout_variable: str
    """The variable with the time in which records have to become visible."""

    def present(self, record: ChallengeRecord) -> None:
        """Create the record, and keep other values of its name."""

    def clean_up(self, record: ChallengeRecord) -> None:
        """Delete the record, and keep other values of its name. It may be gone already."""
