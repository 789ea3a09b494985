"""Runs BIND, a name server that takes dynamic updates (RFC 2136) signed with TSIG keys."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import dns.message
import dns.query
import dns.rdatatype

from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.server import Server

ADDRESS = "127.0.0.1"
KEY = "rondpoint.key"
"""The name of the key that may update zones; its algorithm is hmac-sha256."""

SECRET = "c2VjcmV0LW9mLXRoZS1sYWItZm9yLXVwZGF0ZXMtMDEyMw=="

# With a root of its own, it resolves aliases from one zone to another and asks no other server.
_ROOT = """\
$TTL 60
@ SOA ns.lab. hostmaster.lab. 1 60 60 3600 60
@ NS ns.lab.
ns.lab. A {address}
"""
_ZONE = """\
$TTL 60
@ SOA ns hostmaster 1 60 60 3600 60
@ NS ns
ns A {address}
@ A {address}
* A {address}
"""


class Bind(Server):
    """The primary name server of `zones`; every name in them has the address 127.0.0.1.

    It is the only name server in their NS records. `records` are added to the zones, as lines of zone files.
    Updates need the key KEY.
    """

    name = "BIND"

    def __init__(
        self, directory: Path, zones: Sequence[str], *, records: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Prepare the server; `start` starts it."""
        super().__init__()
        self.port = free_port()
        self._directory = directory
        self._zones = tuple(zones)
        self._records = dict(records or {})

    @property
    def address(self) -> str:
        """Its `host:port`, for UDP and TCP."""
        return f"{ADDRESS}:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        for zone in self._zones:
            lines = "".join(f"{line}\n" for line in self._records.get(zone, ()))
            (self._directory / f"{zone}.zone").write_text(_ZONE.format(address=ADDRESS) + lines)
        (self._directory / "root.zone").write_text(_ROOT.format(address=ADDRESS))
        file = self._directory / "named.conf"
        file.write_text(self._configuration())
        self._process = Process([_program(), "-g", "-4", "-n", "1", "-c", file], name="named")
        self._process.wait_for_line(r"\brunning$")
        self._process.wait_for_port(self.port)

    def texts(self, name: str) -> list[str]:
        """Return the values of the TXT records at a name, sorted."""
        return texts(self.port, name)

    def _configuration(self) -> str:
        zones = "".join(
            f'zone "{zone}" {{ type primary; file "{zone}.zone"; allow-update {{ key "{KEY}"; }}; }};\n'
            for zone in self._zones
        )
        return f"""\
options {{
    directory "{self._directory}";
    listen-on port {self.port} {{ {ADDRESS}; }};
    listen-on-v6 {{ none; }};
    recursion yes;
    dnssec-validation no;
    notify no;
    pid-file none;
    session-keyfile none;
    lock-file none;
}};
controls {{ }};
zone "." {{ type primary; file "root.zone"; }};
key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
{zones}"""


def texts(port: int, name: str) -> list[str]:
    """Return the values of the TXT records that the name server at a port has at a name, sorted."""
    query = dns.message.make_query(name, dns.rdatatype.TXT)
    answer = dns.query.udp(query, ADDRESS, 10, port)
    return sorted(
        b"".join(record.strings).decode()
        for rrset in answer.answer
        if rrset.rdtype == dns.rdatatype.TXT
        for record in rrset
    )


def _program() -> str:
    if found := shutil.which("named", path=f"{os.environ['PATH']}:/usr/sbin"):
        return found
    raise LabError("named is missing: apt-get install bind9")
