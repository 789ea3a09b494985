"""An installation that obtains certificates by ACME: agents and proxies on one store, with one CA."""

import json
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rondpoint.store.keys import Keys
from rondpoint.store.read import load
from tests.lab import http
from tests.lab.caddy import CaddyCa
from tests.lab.origin import Origin
from tests.lab.pebble import Pebble
from tests.lab.ports import free_port
from tests.lab.processes import Process, Processes
from tests.lab.store import Store
from tests.lab.waiting import until

RESOLVER = "--certificatesResolvers.le.acme"
HTTP = "httpChallenge.entryPoint=web"
TLS = "tlsChallenge=true"


class Proxy:
    """A running proxy: the ports of its entry points `web`, `websecure` and `traefik`."""

    def __init__(self, process: Process, plain: int, secure: int, admin: int) -> None:
        self.process = process
        self.plain = plain
        self.secure = secure
        self._admin = admin

    def wait_until_ready(self) -> None:
        """Wait until its API responds."""
        self.process.wait_for_port(self._admin)

    def certificates(self) -> list[dict[str, Any]]:
        """Return the list at `/api/certificates`."""
        response = http.request(self._admin, "localhost", "/api/certificates")
        assert response.status == 200, response
        listed: list[dict[str, Any]] = json.loads(response.body)
        return listed

    def certificate(self, name: str) -> dict[str, Any]:
        """Return the only certificate in the API whose first name this is; empty if none is listed."""
        found = [each for each in self.certificates() if each["sans"][0] == name]
        assert len(found) < 2, found
        return found[0] if found else {}


class Site:
    """Agents and proxies with a resolver `le`.

    The first proxy listens where Pebble expects it, unless a test chooses other ports. `flags` are the
    settings of all processes. `storage` is the file of the resolver.
    """

    def __init__(
        self, processes: Processes, store: Store, ca: Pebble | CaddyCa, directory: Path, challenge: str = HTTP
    ) -> None:
        self.store = store
        self.ca = ca
        self.storage = directory / "acme.json"
        self.running: list[Process] = []
        self.proxies: list[Proxy] = []
        self._processes = processes
        self._directory = directory
        self._number = 0
        secret = directory / "secret"
        secret.write_text("0123456789abcdef0123456789abcdef")
        self.flags = [
            f"--redis.url={store.url}",
            f"--store.secretFile={secret}",
            f"{RESOLVER}.email=admin@example.test",
            f"{RESOLVER}.caServer={ca.directory_url}",
            f"{RESOLVER}.caCertificates={ca.certificate}",
            f"{RESOLVER}.storage={self.storage}",
            f"{RESOLVER}.{challenge}",
        ]

    def write_routes(
        self, server: Origin, *names: str, file: str = "routes.yml", tls: Mapping[str, Any] | None = None
    ) -> Path:
        """Write a router with the resolver for each name to a file of the dynamic configuration."""
        routers = {
            name.replace(".", "-"): {
                "rule": f"Host(`{name}`)",
                "service": "origin",
                "entryPoints": ["websecure"],
                "tls": {"certResolver": "le", **(tls or {})},
            }
            for name in names
        }
        services = {"origin": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{server.port}"}]}}}
        path = self._directory / file
        # In one step: an agent must not read half of it.
        new = path.with_suffix(".new")
        new.write_text(json.dumps({"http": {"routers": routers, "services": services}}))
        return new.rename(path)

    def start_agent(self, routes: Path, *flags: str, environment: Mapping[str, str] | None = None) -> Process:
        """Start an agent with the routes in a file."""
        # Only the names of the entry points matter to an agent.
        points = "--entryPoints.web.address=127.0.0.1:80", "--entryPoints.websecure.address=127.0.0.1:443"
        file = f"--providers.file.filename={routes}"
        return self._run("agent", *self.flags, *points, file, *flags, environment=environment)

    def start_proxy(
        self, *flags: str, plain: int = 0, secure: int = 0, address: str = "127.0.0.1", workers: int = 1
    ) -> Proxy:
        """Start a proxy."""
        if isinstance(self.ca, Pebble) and not self.proxies:
            plain, secure = plain or self.ca.http_port, secure or self.ca.tls_port
        plain, secure, admin = plain or free_port(), secure or free_port(), free_port()
        self._number += 1
        state = self._directory / f"proxy-{self._number}"
        state.mkdir()
        process = self._run(
            "proxy",
            *self.flags,
            f"--entryPoints.web.address={address}:{plain}",
            f"--entryPoints.websecure.address=127.0.0.1:{secure}",
            f"--entryPoints.traefik.address=127.0.0.1:{admin}",
            f"--stateDirectory={state}",
            f"--workers={workers}",
            *flags,
        )
        self.proxies.append(Proxy(process, plain, secure, admin))
        return self.proxies[-1]

    def kill(self, *processes: Process) -> None:
        """Kill these processes, or else all."""
        for process in processes or tuple(self.running):
            process.kill()
            self.running.remove(process)
        self.proxies = [proxy for proxy in self.proxies if proxy.process in self.running]

    def serves(self, *names: str) -> bool:
        """Return whether all proxies respond to these names, with certificates of the CA."""
        root = self.ca.root()
        return all(serial(proxy.secure, name, root) for proxy in self.proxies for name in names)

    def wait_until_served(self, *names: str) -> None:
        """Wait until all proxies respond to these names, with certificates of the CA."""
        subject = ", ".join(names)
        # Handshakes while nothing is there yet would take the time of the programs under test.
        self.wait(lambda: self._published(names), f"certificates of the CA for {subject}")
        self.wait(lambda: self.serves(*names), f"{subject} over TLS")

    def wait(self, check: Callable[[], object], condition: str) -> None:
        """Wait until `check` returns a true result. Raises LabError at once if a process has ended."""

        def check_alive() -> bool:
            for process in self.running:
                if not process.running:
                    raise process.failure(f"ended while the test waited for {condition}")
            return bool(check())

        until(check_alive, condition)

    def _published(self, names: Sequence[str]) -> bool:
        with self.store.client() as client:
            loaded = load(client, Keys())
        certificates = loaded.state.certificates.values() if loaded is not None else ()
        published = {name for each in certificates for name in each.names}
        return all(published & {name, f"*.{name.partition('.')[2]}"} for name in names)

    def clear_keys(self) -> list[bytes]:
        """Return the values in the store that hold a private key in clear text."""
        with self.store.client() as client:
            hashes = [key for key in client.keys("*") if client.type(key) == b"hash"]
            values = [value for key in hashes for value in client.hgetall(key).values()]
        return [value for value in values if b"PRIVATE KEY" in value]

    def _run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Process:
        self.running.append(self._processes("rondpoint", *arguments, environment=environment))
        return self.running[-1]


class KeptConnection:
    """A connection over TLS that stays open inside `with`; a request that fails raises OSError."""

    def __init__(self, port: int, name: str, root: str) -> None:
        self._name = name
        context = ssl.create_default_context(cadata=root)
        plain = socket.create_connection(("127.0.0.1", port), timeout=30)
        try:
            self._client = context.wrap_socket(plain, server_hostname=name)
        except OSError:
            plain.close()
            raise

    def __enter__(self) -> "KeptConnection":
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    @property
    def serial(self) -> str:
        """The serial number of the certificate that was presented, in hexadecimal."""
        certificate = self._client.getpeercert()
        assert certificate is not None
        return str(certificate["serialNumber"])

    def status(self) -> int:
        """Send a request and return the status of the response."""
        self._client.sendall(http.message(self._name))
        return http.read_response(self._client).status


def serial(port: int, name: str, root: str) -> str:
    """Return the serial number of the certificate with which a proxy responds 200.

    Empty if it is not of the CA with this root, not valid now or not for this name, or the response is
    another one.
    """
    with suppress(OSError), KeptConnection(port, name, root) as connection:
        return connection.serial if connection.status() == 200 else ""
    return ""
