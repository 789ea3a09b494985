"""Both Consul providers with late starts, resets, lost leaders, datacentres, variables and TLS."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from msgspec import Struct

from discovery.consul import Client, Endpoint
from discovery.providers.consul_catalog import ConsulCatalogProvider, provider
from discovery.providers.consul_keys import consul_provider
from discovery.providers.consul_keys import source as keys
from discovery.providers.contract import Provider
from discovery.providers.key_value import retained_keys
from rondpoint.configuration import Configuration
from rondpoint.settings import ConsulCatalogOptions, ConsulOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.certificate import write_certificate
from tests.lab.consul import MASTER_TOKEN, Consul
from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.waiting import until

TRIES = 5


class ConsulSource(Struct, frozen=True):
    """One of the two sources: makes its provider from an address and options, and writes a route `NAME.test`.

    `path` is that of the query that returns the route.
    """

    make: Callable[..., Provider]
    write: Callable[[Consul, str], None]
    path: str

    def index(self, consul: Consul) -> int:
        """Return Consul's index of the data that the provider reads."""
        return int(consul.request("GET", self.path).headers["X-Consul-Index"])


def _catalogue(address: str, **options: Any) -> Provider:
    endpoint = {"address": address, **options}
    return ConsulCatalogProvider(read_section(ConsulCatalogOptions, {"endpoint": endpoint}))


def _register(consul: Consul, name: str) -> None:
    # Registered in the catalogue, not with the agent, which would register it again after a reset.
    entry = {"ID": name, "Service": name, "Port": 80, "Tags": [f"traefik.frontend.rule=Host:{name}.test"]}
    consul.put("/v1/catalog/register", {"Node": "far", "Address": "10.0.0.1", "Service": entry})


def _keys(address: str, **options: Any) -> Provider:
    endpoints = (address,) if address else ()
    return consul_provider(read_section(ConsulOptions, {"endpoints": endpoints, **options}))


def _put(consul: Consul, name: str) -> None:
    consul.put(f"/v1/kv/traefik/backends/{name}/servers/s/url", "http://10.0.0.1")
    consul.put(f"/v1/kv/traefik/frontends/{name}/backend", name)
    consul.put(f"/v1/kv/traefik/frontends/{name}/routes/r/rule", f"Host:{name}.test")


SOURCES = {
    "catalogue": ConsulSource(_catalogue, _register, "/v1/catalog/node/far"),
    "keys": ConsulSource(_keys, _put, "/v1/kv/traefik?recurse"),
}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> ConsulSource:
    return SOURCES[request.param]


def has(*names: str) -> Callable[[Configuration], bool]:
    """Return a test for exactly these routes, besides the route of Consul's own service."""
    hosts = {f"Host:{name}.test" for name in names}
    return lambda found: {each.rule.text for each in found.routers.values()} - {"Host(`consul`)"} == hosts


def test_a_consul_that_starts_later_is_found(source: ConsulSource, tmp_path: Path) -> None:
    late = Consul(tmp_path)
    with supervised(source.make(late.address)) as running:
        running.until_failing("connection refused")
        with late:
            source.write(late, "a")
            running.until(has("a"))
            running.until_ok()


def test_an_index_that_runs_backwards_removes_nothing_at_once(
    source: ConsulSource, consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (provider, retained_keys):
        monkeypatch.setattr(module, "RETENTION", 4.0)
    for owner in (provider, keys):
        # Consul reports it at the end of a query's wait, which would otherwise last five minutes.
        monkeypatch.setattr(owner, "Client", _hasty)
    source.write(consul, "a")
    snapshot = consul.request("GET", "/v1/snapshot").content
    with supervised(source.make(consul.address)) as running:
        for _ in range(TRIES):
            for name in ("b", "c"):
                source.write(consul, name)
            running.until(has("a", "b", "c"))
            before = source.index(consul)
            began = time.monotonic()
            restored = requests.put(f"{consul.url}/v1/snapshot", data=snapshot, timeout=60)
            assert restored.ok, restored.text
            running.until(has("a"))
            if time.monotonic() - began >= 4:
                break
            # Consul may have written something itself meanwhile, so that its index did not run backwards.
            assert source.index(consul) > before, "routes were removed before their retention was over"
        else:
            raise AssertionError(f"the index of Consul ran on {TRIES} times")
        source.write(consul, "b")
        running.until(has("a", "b"))
        running.until_ok()


def _hasty(endpoint: Endpoint, **options: Any) -> Client:
    return Client(endpoint, **{**options, "wait": 1.0})


def test_routes_stay_while_consul_has_no_leader(source: ConsulSource, tmp_path: Path) -> None:
    with cluster(tmp_path) as (follower, others):
        source.write(follower, "a")
        with supervised(source.make(follower.address)) as running:
            running.until(has("a"))
            for each in others:
                each.kill()
            running.until_failing("no leader", timeout=60)
            assert has("a")(running.configuration)
            for each in others:
                each.start(wait=False)
            follower.wait_until_ready()
            # The agent drops its connections to the killed servers one by one.
            until(lambda: _written(source, follower, "b"), "a write that succeeds", timeout=60)
            running.until(has("a", "b"), timeout=60)


def _written(source: ConsulSource, consul: Consul, name: str) -> bool:
    try:
        source.write(consul, name)
    except LabError:
        return False
    return True


@contextmanager
def cluster(directory: Path) -> Iterator[tuple[Consul, list[Consul]]]:
    """Start three servers; yield one that is not the leader, and the others."""
    first = Consul(directory, expect=3)
    everyone = [first, *(Consul(directory, expect=3, join=[first]) for _ in range(2))]
    with ExitStack() as stack:
        for each in everyone:
            stack.callback(each.kill)
            each.start(wait=False)
        for each in everyone:
            each.wait_until_ready()
        leader = first.request("GET", "/v1/status/leader").json().rpartition(":")[2]
        follower, *others = sorted(everyone, key=lambda each: str(each.ports["server"]) == leader)
        yield follower, others


def test_another_datacentre_is_read_through_the_nearest_agent(source: ConsulSource, tmp_path: Path) -> None:
    near = Consul(tmp_path, settings={"datacenter": "near"})
    far = Consul(
        tmp_path,
        settings={"datacenter": "far", "retry_join_wan": [f"127.0.0.1:{near.ports['serf_wan']}"]},
    )
    with near, far:
        both = {"near", "far"}
        until(lambda: set(near.request("GET", "/v1/catalog/datacenters").json()) == both, "both datacentres")
        source.write(near, "here")
        source.write(far, "there")
        with supervised(source.make(near.address)) as running:
            running.until(has("here"))
        with supervised(source.make(near.address, datacenter="far")) as running:
            running.until(has("there"))
            source.write(far, "more")
            running.until(has("there", "more"))
        with supervised(source.make(near.address, datacenter="mars")) as running:
            running.until_failing("knows no datacentre 'mars'")


def test_consuls_own_variables_apply(
    source: ConsulSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Consul(tmp_path, acl=True) as consul:
        source.write(consul, "a")
        monkeypatch.setenv("CONSUL_HTTP_ADDR", consul.address)
        monkeypatch.setenv("CONSUL_HTTP_TOKEN", MASTER_TOKEN)
        with watched(source.make("")) as running:
            running.until(has("a"))
        monkeypatch.delenv("CONSUL_HTTP_TOKEN")
        with watched(source.make("", token=MASTER_TOKEN)) as running:
            running.until(has("a"))


def test_client_and_server_certificates_are_verified(source: ConsulSource, tmp_path: Path) -> None:
    # One self-signed certificate serves as authority, server and client certificate.
    file, port = str(write_certificate(tmp_path / "certificate.pem")), free_port()
    tls = {"ca": file, "cert": file, "key": file}
    settings = {"ports": {"https": port}, "verify_incoming_https": True}
    settings |= {"ca_file": file, "cert_file": file, "key_file": file}
    with Consul(tmp_path, settings=settings) as consul:
        source.write(consul, "a")
        with watched(source.make(f"127.0.0.1:{port}", tls=tls)) as running:
            running.until(has("a"))
        for some in ({"ca": tls["ca"]}, {}):
            with supervised(source.make(f"127.0.0.1:{port}", tls=some)) as refused:
                refused.until_failing("no TLS with Consul")
