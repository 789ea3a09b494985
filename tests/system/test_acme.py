"""Certificates by ACME for a whole installation: an agent and two proxies on one store, and a real CA."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from rondpoint.store.keys import Keys
from rondpoint.store.read import load
from tests.lab import http
from tests.lab.origin import Origin
from tests.lab.pebble import DnsServer, Pebble
from tests.lab.ports import free_port
from tests.lab.processes import Process, Processes
from tests.lab.store import Store
from tests.lab.waiting import until

NAMES = ("shop.example.test", "blog.example.test")


class Site:
    """Two routers with certificates of a resolver; `one` and `other` are the TLS ports of both proxies.

    `admin` is the port of the API of one of them.
    """

    def __init__(
        self, processes: Processes, store: Store, ca: Pebble, origin: Origin, directory: Path
    ) -> None:
        self.store = store
        self.ca = ca
        self.plain, self.one = ca.http_port, ca.tls_port
        self.other = free_port()
        self.storage = directory / "acme.json"
        self._processes = processes
        self._directory = directory
        self.admin = 0
        self._running: list[Process] = []
        self._secret = directory / "secret"
        self._secret.write_text("0123456789abcdef0123456789abcdef")
        self._file = directory / "routes.yml"
        self.write(*NAMES, server=f"http://127.0.0.1:{origin.port}")

    def write(self, *names: str, server: str) -> None:
        routers = {
            name.partition(".")[0]: {
                "rule": f"Host(`{name}`)",
                "service": "origin",
                "entryPoints": ["websecure"],
                "tls": {"certResolver": "le"},
            }
            for name in names
        }
        services = {"origin": {"loadBalancer": {"servers": [{"url": server}]}}}
        self._file.write_text(json.dumps({"http": {"routers": routers, "services": services}}))

    def start(self, challenge: str) -> None:
        """Start the agent and both proxies."""
        common = (
            f"--redis.url={self.store.url}",
            "--certificatesResolvers.le.acme.email=admin@example.test",
            f"--certificatesResolvers.le.acme.caServer={self.ca.directory_url}",
            f"--certificatesResolvers.le.acme.caCertificates={self.ca.certificate}",
            f"--certificatesResolvers.le.acme.storage={self.storage}",
            f"--certificatesResolvers.le.acme.{challenge}",
            f"--store.secretFile={self._secret}",
        )
        common += ("--entryPoints.web.http.redirections.entryPoint.to=websecure",)
        web = f"--entryPoints.web.address=127.0.0.1:{self.plain}"
        secure = f"--entryPoints.websecure.address=127.0.0.1:{self.one}"
        self._run("agent", *common, web, secure, f"--providers.file.filename={self._file}")
        self._run("proxy", *common, web, secure, "--workers=2", *self._admin("one"))
        self._run(
            "proxy",
            *common,
            f"--entryPoints.web.address=127.0.0.1:{free_port()}",
            f"--entryPoints.websecure.address=127.0.0.1:{self.other}",
            "--workers=2",
            *self._admin("other"),
        )

    def kill(self) -> None:
        """Kill the agent and both proxies."""
        for process in self._running:
            process.kill()
        self._running.clear()

    def _run(self, *arguments: str) -> None:
        self._running.append(self._processes("rondpoint", *arguments))

    def _admin(self, name: str) -> tuple[str, str]:
        state = self._directory / name
        state.mkdir(exist_ok=True)
        self.admin = free_port()
        return f"--entryPoints.traefik.address=127.0.0.1:{self.admin}", f"--stateDirectory={state}"

    def status(self, port: int, name: str) -> int:
        """Return the status of a response over TLS; 0 if the CA's certificate is not presented for `name`."""
        context = ssl.create_default_context(cadata=self.ca.root())
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname=name) as client,
        ):
            client.sendall(http.message(name, close=True))
            return http.read_response(client).status
        return 0

    def serves_everything(self) -> bool:
        return all(self.status(port, name) == 200 for port in (self.one, self.other) for name in NAMES)

    def certificates(self) -> int:
        """Return the number of published certificates."""
        with self.store.client() as client:
            loaded = load(client, Keys())
        return 0 if loaded is None else len(loaded.state.certificates)

    def stored(self, names: Iterable[str]) -> bool:
        """Return whether the resolver's file has certificates for all these names."""
        return self.storage.exists() and all(name in self.storage.read_text() for name in names)

    def clear_keys(self) -> list[bytes]:
        """Return the values in the store that hold a private key in clear text."""
        with self.store.client() as client:
            hashes = [key for key in client.keys("*") if client.type(key) == b"hash"]
            values = [value for key in hashes for value in client.hgetall(key).values()]
        return [value for value in values if b"PRIVATE KEY" in value]


@pytest.fixture
def site(processes: Processes, store: Store, tmp_path: Path) -> Iterator[Site]:
    with DnsServer() as dns, Pebble(tmp_path, dns.address) as ca, Origin.named("shop") as origin:
        yield Site(processes, store, ca, origin, tmp_path)


def wait_until_served(site: Site) -> float:
    """Wait until both proxies serve both names with certificates of the CA; return the seconds."""
    began = time.monotonic()
    # Handshakes while nothing is there yet would take the time of the programs under test.
    until(lambda: site.certificates() == len(NAMES), "certificates")
    until(site.serves_everything, "both names over TLS at both proxies")
    return time.monotonic() - began


@pytest.mark.parametrize("challenge", ["httpChallenge.entryPoint=web", "tlsChallenge=true"])
def test_both_names_are_served_by_both_proxies_after_one_order_each(site: Site, challenge: str) -> None:
    site.start(challenge)
    print(f"from nothing to TLS: {wait_until_served(site):.1f} s")
    assert (site.ca.order_count, site.ca.account_count) == (len(NAMES), 1)
    assert site.clear_keys() == []
    assert all(each["renewal"]["renewAt"] < each["notAfter"] for each in certificates(site))
    assert {
        (*each["sans"], each["resolver"], each["status"], *each["usedBy"]) for each in certificates(site)
    } == {(name, "le", "enabled", f"{name.partition('.')[0]}@file") for name in NAMES}


def certificates(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(http.request(site.admin, "localhost", "/api/certificates").body)
    return found


def test_after_everything_was_killed_nothing_is_ordered_again(site: Site) -> None:
    site.start("httpChallenge.entryPoint=web")
    wait_until_served(site)
    until(lambda: site.stored(NAMES), "both certificates in the file")
    site.kill()
    site.start("httpChallenge.entryPoint=web")
    wait_until_served(site)
    # The store comes back empty, and so the certificates come from the storage.
    site.kill()
    site.store.restart()
    site.start("httpChallenge.entryPoint=web")
    wait_until_served(site)
    assert (site.ca.order_count, site.ca.account_count) == (len(NAMES), 1)
