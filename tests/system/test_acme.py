"""From nothing to trusted certificates: an agent, two proxies, one store and a real CA."""

import socket
import ssl
from pathlib import Path

from rondpoint.store.keys import Keys
from rondpoint.store.read import load
from rondpoint.tls.model import Certificate
from tests.lab.origin import Origin
from tests.lab.pebble import Pebble
from tests.lab.ports import free_port
from tests.lab.processes import Process, Processes
from tests.lab.store import Store
from tests.lab.waiting import until

SECRET = "0123456789abcdef0123456789abcdef"
HOSTS = ("http.start.test", "alpn.start.test")


class Installation:
    """An agent and two proxies. The CA reaches the first one on port 80, and the second one on port 443."""

    def __init__(self, processes: Processes, store: Store, ca: Pebble, directory: Path) -> None:
        self.tls_ports = [free_port(), ca.tls_port]
        self._processes = processes
        self._flags = [
            f"--redis.url={store.url}",
            f"--store.secretFile={directory / 'secret'}",
            f"--certificatesResolvers.http.acme.caServer={ca.directory_url}",
            f"--certificatesResolvers.http.acme.caCertificates={ca.certificate}",
            "--certificatesResolvers.http.acme.httpChallenge.entryPoint=web",
            f"--certificatesResolvers.http.acme.storage={directory / 'acme.json'}",
            f"--certificatesResolvers.alpn.acme.caServer={ca.directory_url}",
            f"--certificatesResolvers.alpn.acme.caCertificates={ca.certificate}",
            "--certificatesResolvers.alpn.acme.tlsChallenge=true",
            "--certificatesResolvers.alpn.acme.storage=",
            "--certificatesResolvers.http.acme.keyType=EC256",
            "--certificatesResolvers.alpn.acme.keyType=EC256",
            "--workers=1",
        ]
        self._routes = directory / "routes.yml"
        self._web_ports = [ca.http_port, free_port()]
        (directory / "secret").write_text(SECRET)

    def start(self) -> list[Process]:
        """Start everything, and return the processes."""
        agent = self._processes(
            "rondpoint",
            "agent",
            *self._flags,
            f"--providers.file.filename={self._routes}",
            "--entryPoints.web.address=:80",
            "--entryPoints.websecure.address=:443",
            name="agent",
        )
        proxies = [
            self._processes(
                "rondpoint",
                "proxy",
                *self._flags,
                f"--entryPoints.web.address=127.0.0.1:{web}",
                "--entryPoints.web.http.redirections.entryPoint.to=websecure",
                f"--entryPoints.websecure.address=127.0.0.1:{tls}",
                f"--entryPoints.traefik.address=127.0.0.1:{free_port()}",
                name="proxy",
            )
            for web, tls in zip(self._web_ports, self.tls_ports, strict=True)
        ]
        return [agent, *proxies]

    def write_routes(self, origin: Origin) -> None:
        """Route each host to the origin, by TLS with the resolver of its first label."""
        routers = "".join(
            f"    {host.partition('.')[0]}:\n"
            f"      {{rule: Host(`{host}`), service: s, entryPoints: [websecure],"
            f" tls: {{certResolver: {host.partition('.')[0]}}}}}\n"
            for host in HOSTS
        )
        servers = f"  services: {{s: {{loadBalancer: {{servers: [{{url: '{origin.url}'}}]}}}}}}\n"
        self._routes.write_text(f"http:\n  routers:\n{routers}{servers}")


def serial(port: int, host: str, roots: str) -> str | None:
    """Return the serial number of the certificate for a host if a client that trusts `roots` accepts it."""
    context = ssl.create_default_context(cadata=roots)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as connection,
            context.wrap_socket(connection, server_hostname=host) as stream,
        ):
            stream.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            response = stream.recv(4096)
            certificate = stream.getpeercert()
    except OSError:
        return None
    return str(certificate["serialNumber"]) if certificate and response.startswith(b"HTTP/1.1 200") else None


def serials(installation: Installation, roots: str) -> list[str]:
    """Return the serial numbers on all proxies, once all hosts are served with trusted certificates."""

    def all_served() -> list[str] | None:
        found = [serial(port, host, roots) for port in installation.tls_ports for host in HOSTS]
        trusted = [each for each in found if each is not None]
        return trusted if len(trusted) == len(found) else None

    return until(all_served, "trusted certificates on both proxies")


def published(store: Store) -> list[Certificate]:
    """Return the published certificates."""
    with store.client() as client:
        loaded = load(client, Keys())
    return list(loaded.state.certificates.values()) if loaded else []


def test_two_routers_are_served_over_tls_from_nothing_and_after_a_restart(
    processes: Processes, store: Store, pebble: Pebble, tmp_path: Path
) -> None:
    orders = pebble.order_count
    installation = Installation(processes, store, pebble, tmp_path)
    with Origin.named("origin") as origin:
        installation.write_routes(origin)
        found: list[list[str]] = []
        for _ in range(2):
            running = installation.start()
            # Handshakes while nothing is there yet would take the time of the programs under test.
            until(lambda: len(published(store)) == len(HOSTS), "certificates")
            found.append(serials(installation, pebble.root()))
            for process in running:
                process.kill()
    assert found[0] == found[1]
    assert len(set(found[0])) == 2
    assert pebble.order_count - orders == 2
    assert clear_keys(store) == []


def clear_keys(store: Store) -> list[bytes]:
    """Return the values in the store that hold a private key in clear text."""
    with store.client() as client:
        hashes = [key for key in client.keys("*") if client.type(key) == b"hash"]
        values = [value for key in hashes for value in client.hgetall(key).values()]
    return [value for value in values if b"PRIVATE KEY" in value]
