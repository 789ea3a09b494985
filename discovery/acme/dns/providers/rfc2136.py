"""The provider `rfc2136`: dynamic updates (RFC 2136) to a name server, signed with TSIG."""

from __future__ import annotations

from collections.abc import Callable

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update

from discovery.acme.dns.bounded_calls import call_within
from discovery.acme.dns.errors import ConfigurationError, ProviderError
from discovery.acme.dns.name_servers import NameServer, parse_name_server
from discovery.acme.dns.providers.contract import Setup
from discovery.acme.dns.providers.tsig import read_key
from discovery.acme.dns.records import ChallengeRecord
from discovery.acme.dns.timing import Timing, read_timing

PREFIXES = ("RFC2136", "DNSUPDATE")
DNS_TIMEOUT = 10.0
"""Seconds for an update, unless RFC2136_DNS_TIMEOUT says otherwise."""

_HINTS = {
    dns.rcode.REFUSED: "allow this key in the zone's allow-update or update-policy",
    dns.rcode.NOTAUTH: "the server wants another TSIG key, or is not the primary of the zone",
    dns.rcode.NOTZONE: "the server does not hold this zone",
    dns.rcode.SERVFAIL: "the name server's log says why; often it cannot write the zone's journal",
}
_TSIG_HINTS: dict[type[dns.tsig.PeerError], str] = {
    dns.tsig.PeerBadKey: "it does not know a key of this name and algorithm",
    dns.tsig.PeerBadSignature: "its key has another secret",
    dns.tsig.PeerBadTime: "its clock and this machine's differ",
}


class Rfc2136:
    """Updates a zone at its primary name server."""

    one_value = False
    timeout_variable = f"{PREFIXES[0]}_PROPAGATION_TIMEOUT"

    def __init__(self, setup: Setup) -> None:
        """Read the variables. Raises ConfigurationError if they are incomplete or wrong."""
        environment = setup.environment
        self.timing: Timing = read_timing(environment, Timing(), *PREFIXES)
        self._servers = setup.servers
        self._stop = setup.stop
        address = environment.text(*_names("NAMESERVER"))
        if not address:
            raise ConfigurationError(
                "RFC2136_NAMESERVER is not set", "set it to the zone's primary name server"
            )
        self._server: NameServer = parse_name_server(address)
        self._key = read_key(environment, *PREFIXES)
        zones = environment.text(*_names("ZONES")).split(",")
        self._zones = [f"{zone.strip().rstrip('.').lower()}." for zone in zones if zone.strip()]
        self._timeout = environment.seconds(DNS_TIMEOUT, *_names("DNS_TIMEOUT"))

    def present(self, record: ChallengeRecord) -> None:
        """Add the value to the record set."""
        self._update(record, lambda update: update.add(record.name, self.timing.ttl, _text(record)))

    def clean_up(self, record: ChallengeRecord) -> None:
        """Delete the value from the record set; the server ignores a value that is not there."""
        self._update(record, lambda update: update.delete(record.name, _text(record)))

    def _update(self, record: ChallengeRecord, fill: Callable[[dns.update.UpdateMessage], None]) -> None:
        def send() -> None:
            update = dns.update.UpdateMessage(self._zone(record.name))
            if self._key:
                update.use_tsig(self._key)
            fill(update)
            self._send(update, record)

        call_within(None, self._stop, f"the update of {record.name}", send)

    def _zone(self, name: str) -> str:
        if not self._zones:
            return self._servers.find_zone(name, [self._server])
        held = [zone for zone in self._zones if name == zone or name.endswith(f".{zone}")]
        if not held:
            spelling = "RFC2136_ZONES"
            raise ConfigurationError(f"none of the zones in {spelling} holds {name}")
        return max(held, key=len)

    def _send(self, update: dns.update.UpdateMessage, record: ChallengeRecord) -> None:
        answer = self._exchange(update)
        code = answer.rcode()
        if code != dns.rcode.NOERROR:
            raise ProviderError(
                f"name server {self._server} refuses the update of {record.name}: {dns.rcode.to_text(code)}",
                _HINTS.get(code, ""),
            )

    def _exchange(self, update: dns.update.UpdateMessage) -> dns.message.Message:
        failure = "it has no address"
        for address in self._server.addresses:
            # A lost packet costs half of the time; TCP then tells an unreachable server from a silent one.
            for ask in (dns.query.udp, dns.query.tcp):
                try:
                    return ask(update, address, self._timeout / 2, self._server.port)
                except dns.exception.Timeout:
                    failure = f"no answer within {self._timeout / 2:g} s"
                except dns.tsig.PeerError as error:
                    raise ProviderError(
                        f"name server {self._server} refuses the TSIG key", _TSIG_HINTS.get(type(error), "")
                    ) from None
                except (OSError, dns.exception.DNSException) as network_error:
                    failure = str(network_error) or type(network_error).__name__
        raise ProviderError(f"no update by name server {self._server}: {failure}")


def _names(suffix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}_{suffix}" for prefix in PREFIXES)


def _text(record: ChallengeRecord) -> dns.rdata.Rdata:
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, f'"{record.value}"')
