"""Runs Pebble, the test CA of Let's Encrypt, with a DNS server that resolves every name to this machine."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from tests.lab.certificate import write_certificate
from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.server import Server

ADDRESS = "127.0.0.1"
NONCE_REJECTS = 15
"""Percentage of valid nonces that Pebble refuses; clients have to repeat those requests."""


class DnsServer(Server):
    """Debian's `pebble-challtestsrv` as a DNS server: every name has the address 127.0.0.1.

    It keeps its records in memory. Names in methods may end in a dot.
    """

    name = "the DNS server"

    def __init__(self) -> None:
        """Prepare the server; `start` starts it."""
        super().__init__()
        self.port = free_port()
        self._management = free_port()

    @property
    def address(self) -> str:
        """Its `host:port`, for UDP and TCP."""
        return f"{ADDRESS}:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it resolves names."""
        self._process = Process(
            [
                _program("pebble-challtestsrv"),
                *("-dns01", self.address, "-management", f"{ADDRESS}:{self._management}"),
                *("-defaultIPv4", ADDRESS, "-defaultIPv6", ""),
                *("-http01", "", "-https01", "", "-tlsalpn01", ""),
            ]
        )
        self._process.wait_for_port(self._management)
        self._process.wait_for_port(self.port)

    def add_address(self, name: str, address: str) -> None:
        """Resolve `name` to this IPv4 address alone."""
        self._manage("add-a", host=_absolute(name), addresses=[address])

    def fail(self, name: str) -> None:
        """Respond to queries for `name` with SERVFAIL."""
        self._manage("set-servfail", host=_absolute(name))

    def recover(self, name: str) -> None:
        """Resolve a name of `fail` again."""
        self._manage("clear-servfail", host=_absolute(name))

    def set_text(self, name: str, value: str) -> None:
        """Add a TXT record, such as that of `_acme-challenge.a.test`."""
        self._manage("set-txt", host=_absolute(name), value=value)

    def clear_text(self, name: str) -> None:
        """Remove the TXT records of a name."""
        self._manage("clear-txt", host=_absolute(name))

    def _manage(self, action: str, **parameters: Any) -> None:
        url = f"http://{ADDRESS}:{self._management}/{action}"
        requests.post(url, data=json.dumps(parameters), timeout=10).raise_for_status()


class Pebble(Server):
    """A CA that forgets accounts, orders and its root when it is killed. Its addresses stay the same.

    It resolves names with the DNS server at the `dns` address and sends challenge requests to `http_port`
    and `tls_port`; by default these are free ports, for servers of the test. `settings` are added to its
    configuration file (`certificateValidityPeriod`, in seconds), `environment` to its variables
    (`PEBBLE_ALTERNATE_ROOTS`). If `eab_keys` (base64url by key identifier) are given, accounts need one.
    """

    name = "Pebble"

    def __init__(
        self,
        directory: Path,
        dns: str,
        *,
        http_port: int | None = None,
        tls_port: int | None = None,
        eab_keys: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the CA; `start` starts it."""
        super().__init__()
        self.http_port = http_port or free_port()
        self.tls_port = tls_port or free_port()
        self._directory = directory
        self._dns = dns
        self._port = free_port()
        self._management = free_port()
        self._eab_keys = dict(eab_keys or {})
        self._settings = dict(settings or {})
        self._environment = dict(environment or {})
        self.certificate = write_certificate(directory / f"pebble-{self._port}.pem")
        """The file with the certificate of its HTTPS server, for the setting `caCertificates`."""

    @property
    def directory_url(self) -> str:
        """The URL of its directory, for the setting `caServer`."""
        return f"https://{ADDRESS}:{self._port}/dir"

    def start(self) -> None:
        """Start the CA and wait until it serves."""
        file = self._directory / f"pebble-{self._port}.json"
        file.write_text(json.dumps({"pebble": self._configuration()}))
        variables = {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_WFE_NONCEREJECT": str(NONCE_REJECTS),
            "PEBBLE_AUTHZREUSE": "0",
            **self._environment,
        }
        self._process = Process(
            [_program("pebble"), "-config", file, "-dnsserver", self._dns], environment=variables
        )
        self._process.wait_for_port(self._port)
        self._process.wait_for_port(self._management)

    def root(self, number: int = 0) -> str:
        """Return the root certificate of its chains as PEM; from 1 on those of alternative chains."""
        return self._manage(f"roots/{number}").text

    def intermediate(self, number: int = 0) -> str:
        """Return the certificate that signs as PEM; from 1 on those of alternative chains."""
        return self._manage(f"intermediates/{number}").text

    @property
    def order_count(self) -> int:
        """The number of orders since its start."""
        return self.process.log.count("Added order ")

    @property
    def account_count(self) -> int:
        """The number of accounts since its start."""
        return self.process.log.count(" accounts in memory")

    @property
    def issued_count(self) -> int:
        """The number of certificates that it issued since its start."""
        return self.process.log.count("Issued certificate serial ")

    def _manage(self, path: str) -> requests.Response:
        url = f"https://{ADDRESS}:{self._management}/{path}"
        response = requests.get(url, verify=str(self.certificate), timeout=10)
        response.raise_for_status()
        return response

    def _configuration(self) -> dict[str, Any]:
        return {
            "listenAddress": f"{ADDRESS}:{self._port}",
            "managementListenAddress": f"{ADDRESS}:{self._management}",
            "certificate": str(self.certificate),
            "privateKey": str(self.certificate),
            "httpPort": self.http_port,
            "tlsPort": self.tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(self._eab_keys),
            "externalAccountMACKeys": self._eab_keys,
            **self._settings,
        }


def _absolute(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def _program(name: str) -> str:
    if found := shutil.which(name):
        return found
    raise LabError(f"{name} is missing: apt-get install pebble")
