"""Runs Caddy as a CA: its ACME server asks for challenges at the usual ports of the names' addresses."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.lab.ports import free_port
from tests.lab.processes import Process, installed
from tests.lab.server import Server

ADDRESS = "127.0.0.1"


class CaddyCa(Server):
    """A CA that keeps its root, accounts and certificates in `directory`; names have these `addresses`."""

    name = "Caddy"

    def __init__(self, directory: Path, addresses: Mapping[str, str]) -> None:
        """Prepare the CA; `start` starts it."""
        super().__init__()
        self._directory = directory
        self._addresses = dict(addresses)
        self._port = free_port()
        self.certificate = directory / "data" / "pki" / "authorities" / "local" / "root.crt"
        """The file with its root, which signed the certificate of its HTTPS server, too."""

    @property
    def directory_url(self) -> str:
        """The URL of its directory, for the setting `caServer`."""
        return f"https://{ADDRESS}:{self._port}/acme/local/directory"

    def root(self) -> str:
        """Return the root certificate of its chains as PEM."""
        return self.certificate.read_text()

    def start(self) -> None:
        """Start the CA and wait until it serves."""
        file = self._directory / "caddy.json"
        file.write_text(json.dumps(self._configuration()))
        home = {name: str(self._directory) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
        self._process = Process(
            [installed("caddy"), "run", "--config", file], environment=home, enter=self._with_hosts()
        )
        self._process.wait_for_line("certificate obtained successfully")
        self._process.wait_for_port(self._port)

    def _with_hosts(self) -> list[str]:
        """Return a prefix for a command that gets an /etc/hosts of its own."""
        hosts = self._directory / "hosts"
        lines = [f"{address} {name}\n" for name, address in self._addresses.items()]
        hosts.write_text("".join(lines))
        return ["unshare", "--mount", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"]

    def _configuration(self) -> dict[str, object]:
        acme = {"handler": "acme_server", "ca": "local"}
        server = {
            "listen": [f"{ADDRESS}:{self._port}"],
            "routes": [{"handle": [acme]}],
            "tls_connection_policies": [{"default_sni": ADDRESS}],
            "automatic_https": {"disable": True},
        }
        internal = {"subjects": [ADDRESS], "issuers": [{"module": "internal"}]}
        return {
            "admin": {"disabled": True, "config": {"persist": False}},
            "storage": {"module": "file_system", "root": str(self._directory / "data")},
            "apps": {
                "http": {"servers": {"ca": server}},
                "tls": {
                    "certificates": {"automate": [ADDRESS]},
                    "automation": {"policies": [internal]},
                },
                "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
            },
        }
