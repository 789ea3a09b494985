"""Runs PowerDNS, a name server with an HTTP API that changes records."""

import os
import shutil
import sqlite3
from pathlib import Path

import requests

from tests.lab.bind import ADDRESS
from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.server import Server

API_KEY = "key-of-the-lab-s-api"

_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")


class PowerDns(Server):
    """The name server of `zone`; every name in it has the address 127.0.0.1."""

    name = "PowerDNS"

    def __init__(self, directory: Path, zone: str) -> None:
        """Prepare the server; `start` starts it."""
        super().__init__()
        self.port = free_port()
        self._api = free_port()
        self._directory = directory
        self._zone = zone

    @property
    def address(self) -> str:
        """Its `host:port`, for UDP and TCP."""
        return f"{ADDRESS}:{self.port}"

    @property
    def url(self) -> str:
        """The URL of its HTTP API."""
        return f"http://{ADDRESS}:{self._api}"

    def start(self) -> None:
        """Start the server and wait until it has its zone."""
        database = self._directory / "pdns.db"
        database.unlink(missing_ok=True)
        with sqlite3.connect(database) as connection:
            connection.executescript(_SCHEMA.read_text())
        (self._directory / "pdns.conf").write_text(
            f"launch=gsqlite3\ngsqlite3-database={database}\n"
            f"local-address={ADDRESS}\nlocal-port={self.port}\nsocket-dir={self._directory}\n"
            f"api=yes\napi-key={API_KEY}\nwebserver-address={ADDRESS}\nwebserver-port={self._api}\n"
            # Otherwise it answers from a cache what it answered before a change.
            "cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\n"
        )
        options = (f"--config-dir={self._directory}", "--guardian=no", "--daemon=no", "--disable-syslog")
        self._process = Process([_program(), *options])
        self._process.wait_for_port(self._api)
        self._process.wait_for_port(self.port)
        self._create_zone()

    def _create_zone(self) -> None:
        host = {"type": "A", "ttl": 60, "records": [{"content": ADDRESS, "disabled": False}]}
        names = (f"{self._zone}.", f"ns.{self._zone}.", f"*.{self._zone}.")
        zone = {
            "name": f"{self._zone}.",
            "kind": "Native",
            "nameservers": [f"ns.{self._zone}."],
            "rrsets": [{"name": name, **host} for name in names],
        }
        response = requests.post(
            f"{self.url}/api/v1/servers/localhost/zones",
            json=zone,
            headers={"X-API-Key": API_KEY},
            timeout=10,
        )
        if response.status_code != 201:
            raise self.process.failure(f"created no zone: {response.status_code} {response.text}")


def _program() -> str:
    found = shutil.which("pdns_server", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None or not _SCHEMA.exists():
        raise LabError("PowerDNS is missing: apt-get install pdns-server pdns-backend-sqlite3")
    return found
