"""Queries to name servers: aliases, zones and their name servers, TXT records.

Recursive name servers (`resolvers`, or those of the machine) tell which servers are authoritative; whether a
record is there, the authoritative ones tell without a cache between.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Sequence

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.TXT import TXT
from msgspec import Struct

from discovery.acme.dns.errors import ConfigurationError, QueryError

PORT = 53
QUERY_TIMEOUT = 5.0
"""Seconds for one query to one name server."""

MAX_ALIASES = 50
"""CNAME records that are followed from one name, as in lego."""

TCP_ONLY = "LEGO_EXPERIMENTAL_DNS_TCP_ONLY"


class NameServer(Struct, frozen=True):
    """A name server, called `name` in errors, with the addresses that it has."""

    name: str
    addresses: tuple[str, ...]
    port: int = PORT

    def __str__(self) -> str:
        return self.name if self.port == PORT else f"{self.name} (port {self.port})"


def parse_name_server(written: str) -> NameServer:
    """Read `host`, `host:port`, `IPv6` or `[IPv6]:port`, and resolve a host name with the system.

    Raises ConfigurationError if the port is none or the name cannot be resolved.
    """
    host, port = _split(written.strip())
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"name server {written}: cannot resolve {host}: {reason}") from None
    # A host may have an address several times, once for each protocol.
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return NameServer(host, tuple(addresses), port)


def system_name_servers() -> tuple[NameServer, ...]:
    """Return the recursive name servers of this machine. Raises ConfigurationError if it has none."""
    try:
        configured = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        configured = dns.resolver.Resolver(configure=False)
    servers = tuple(NameServer(str(each), (str(each),)) for each in configured.nameservers)
    if not servers:
        raise ConfigurationError(
            "this machine has no name servers in /etc/resolv.conf", "name some in dnsChallenge.resolvers"
        )
    return servers


class NameServers:
    """Asks recursive name servers, and through them the authoritative ones of a zone."""

    def __init__(
        self,
        recursive: Sequence[NameServer],
        *,
        authoritative_port: int = PORT,
        timeout: float = QUERY_TIMEOUT,
    ) -> None:
        """Ask `recursive` in their order until one answers; authoritative ones by their own port."""
        self.recursive = tuple(recursive)
        self._authoritative_port = authoritative_port
        self._timeout = timeout

    def follow_aliases(self, name: str) -> str:
        """Return the absolute name at the end of the CNAME records that begin at `name`.

        Raises QueryError if they form a circle, or if no server answers.
        """
        seen = [name]
        while target := self._alias(seen[-1]):
            if target in seen or len(seen) > MAX_ALIASES:
                raise QueryError(f"the CNAME records of {name} form a circle: {' → '.join((*seen, target))}")
            seen.append(target)
        return seen[-1]

    def find_zone(self, name: str, servers: Sequence[NameServer] = ()) -> str:
        """Return the zone of an absolute name: its longest parent with an SOA record.

        Asks `servers`, by default the recursive ones. Raises QueryError if there is no zone or no answer.
        """
        for parent in _parents(name):
            answer = self._ask_any(parent, dns.rdatatype.SOA, servers or self.recursive)
            if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                asked = ", ".join(map(str, servers or self.recursive))
                raise QueryError(
                    f"{dns.rcode.to_text(answer.rcode())} for the SOA record of {parent} by {asked}"
                )
            if any(rrset.rdtype == dns.rdatatype.CNAME for rrset in answer.answer):
                continue
            if any(rrset.rdtype == dns.rdatatype.SOA for rrset in answer.answer):
                return parent
        raise QueryError(f"no zone of {name} was found: none of its parents has an SOA record")

    def authoritative(self, zone: str) -> list[NameServer]:
        """Return the name servers of a zone, sorted by name.

        Raises QueryError if they or the addresses of all of them are unknown.
        """
        answer = self._ask_any(zone, dns.rdatatype.NS, self.recursive)
        names = sorted(
            str(each.target.to_text()).lower()
            for rrset in answer.answer
            if rrset.rdtype == dns.rdatatype.NS
            for each in rrset
        )
        if not names:
            raise QueryError(f"zone {zone} has no NS records")
        return [NameServer(name, self._addresses(name), self._authoritative_port) for name in names]

    def texts(self, name: str, server: NameServer, *, recursive: bool) -> list[str]:
        """Return the values of the TXT records that one server has at `name`.

        Raises QueryError if it does not answer, or answers with an error other than NXDOMAIN.
        """
        answer = self._ask(name, dns.rdatatype.TXT, server, recursive=recursive)
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise QueryError(f"{server} answers {dns.rcode.to_text(answer.rcode())} for {name}")
        return [
            b"".join(each.strings).decode("utf-8", "replace")
            for rrset in answer.answer
            for each in rrset
            if isinstance(each, TXT)
        ]

    def _alias(self, name: str) -> str:
        answer = self._ask_any(name, dns.rdatatype.CNAME, self.recursive)
        for rrset in answer.answer:
            if rrset.rdtype == dns.rdatatype.CNAME and rrset.name == dns.name.from_text(name):
                return str(rrset[0].target.to_text()).lower()
        return ""

    def _addresses(self, name: str) -> tuple[str, ...]:
        found = [
            str(each.address)
            for kind in (dns.rdatatype.A, dns.rdatatype.AAAA)
            for rrset in self._ask_any(name, kind, self.recursive).answer
            if rrset.rdtype == kind
            for each in rrset
        ]
        if not found:
            raise QueryError(f"name server {name} has no address")
        return tuple(found)

    def _ask_any(
        self, name: str, kind: dns.rdatatype.RdataType, servers: Iterable[NameServer]
    ) -> dns.message.Message:
        """Return the first answer with records, else the last one. Raises QueryError if nobody answers."""
        last, failure = None, QueryError("no name server to ask")
        for server in servers:
            try:
                last = self._ask(name, kind, server, recursive=True)
            except QueryError as error:
                failure = error
                continue
            if last.answer:
                return last
        if last is None:
            raise failure
        return last

    def _ask(
        self, name: str, kind: dns.rdatatype.RdataType, server: NameServer, *, recursive: bool
    ) -> dns.message.Message:
        query = dns.message.make_query(name, kind, use_edns=0, payload=4096)
        if not recursive:
            query.flags &= ~dns.flags.RD
        failure = "it has no address"
        for address in server.addresses:
            try:
                return _exchange(query, address, server.port, self._timeout)
            except dns.exception.Timeout:
                failure = f"no answer within {self._timeout:g} s"
            except (OSError, dns.exception.DNSException) as error:
                failure = str(error) or type(error).__name__
        raise QueryError(f"name server {server} does not answer for {name}: {failure}")


def _exchange(query: dns.message.Message, address: str, port: int, timeout: float) -> dns.message.Message:
    if os.environ.get(TCP_ONLY, "").lower() in {"1", "t", "true"}:
        return dns.query.tcp(query, address, timeout, port)
    ask: Callable[..., tuple[dns.message.Message, bool]] = dns.query.udp_with_fallback
    return ask(query, address, timeout, port)[0]


def _parents(name: str) -> list[str]:
    """Return `name` and the names above it, without the root."""
    labels = name.rstrip(".").split(".")
    return [".".join(labels[start:]) + "." for start in range(len(labels))]


def _split(written: str) -> tuple[str, int]:
    host, colon, port = written.rpartition(":")
    if not colon or written.endswith("]") or (":" in host and not host.startswith("[")):
        host, port = written, str(PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise ConfigurationError(f"name server {written}: {port!r} is not a port")
    return host.removeprefix("[").removesuffix("]"), int(port)
