"""What both providers of Consul live through: where it is, what is shown to it, and what becomes of it."""

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
from discovery.providers.consul_kv import ConsulKvProvider, retained_keys
from discovery.providers.consul_kv import provider as keys
from discovery.providers.contract import Provider
from rondpoint.model import Configuration
from rondpoint.settings import ConsulCatalogOptions, ConsulOptions
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.certificate import write_certificate
from tests.lab.consul import MASTER_TOKEN, Consul
from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.waiting import until

TRIES = 5


class Way(Struct, frozen=True):
    """One of the two: a provider of an address and options, and how a route `NAME.test` is written.

    `path` is that of the query which tells of it.
    """

    make: Callable[..., Provider]
    write: Callable[[Consul, str], None]
    path: str

    def index(self, consul: Consul) -> int:
        """Consul's index of what the provider reads."""
        return int(consul.ask("GET", self.path).headers["X-Consul-Index"])


def _catalogue(address: str, **options: Any) -> Provider:
    endpoint = {"address": address, **options}
    return ConsulCatalogProvider(ConsulCatalogOptions.model_validate({"endpoint": endpoint}))


def _register(consul: Consul, name: str) -> None:
    # Not with the agent, which would see to it that it stays.
    entry = {"ID": name, "Service": name, "Port": 80, "Tags": [f"traefik.frontend.rule=Host:{name}.test"]}
    consul.put("/v1/catalog/register", {"Node": "far", "Address": "10.0.0.1", "Service": entry})


def _keys(address: str, **options: Any) -> Provider:
    endpoints = (address,) if address else ()
    return ConsulKvProvider(ConsulOptions.model_validate({"endpoints": endpoints, **options}))


def _put(consul: Consul, name: str) -> None:
    consul.put(f"/v1/kv/traefik/backends/{name}/servers/s/url", "http://10.0.0.1")
    consul.put(f"/v1/kv/traefik/frontends/{name}/backend", name)
    consul.put(f"/v1/kv/traefik/frontends/{name}/routes/r/rule", f"Host:{name}.test")


WAYS = {
    "catalogue": Way(_catalogue, _register, "/v1/catalog/node/far"),
    "keys": Way(_keys, _put, "/v1/kv/traefik?recurse"),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


def has(*names: str) -> Callable[[Configuration], bool]:
    """Whether these are routed, and no others, Consul's own service aside."""
    hosts = {f"Host:{name}.test" for name in names}
    return lambda found: {each.rule.text for each in found.routers.values()} - {"Host(`consul`)"} == hosts


def test_a_consul_that_comes_later(way: Way, tmp_path: Path) -> None:
    late = Consul(tmp_path)
    with supervised(way.make(late.address)) as at_work:
        at_work.until_failing("connection refused")
        with late:
            way.write(late, "a")
            at_work.until(has("a"))
            at_work.until_well()


def test_an_index_that_runs_backwards_takes_nothing_at_once(
    way: Way, consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (provider, retained_keys):
        monkeypatch.setattr(module, "RETENTION", 4.0)
    for owner in (provider, keys):
        # Consul says so when the wait is over, which else lasts five minutes.
        monkeypatch.setattr(owner, "Client", _hasty)
    way.write(consul, "a")
    snapshot = consul.ask("GET", "/v1/snapshot").content
    with supervised(way.make(consul.address)) as at_work:
        for _ in range(TRIES):
            for name in ("b", "c"):
                way.write(consul, name)
            at_work.until(has("a", "b", "c"))
            before = way.index(consul)
            began = time.monotonic()
            restored = requests.put(f"{consul.url}/v1/snapshot", data=snapshot, timeout=60)
            assert restored.ok, restored.text
            at_work.until(has("a"))
            if time.monotonic() - began >= 4:
                break
            # Consul may have written something of its own meanwhile, and its index have run on with that.
            assert way.index(consul) > before, "what may have been forgotten went before its time"
        else:
            raise AssertionError(f"the index of Consul ran on {TRIES} times")
        way.write(consul, "b")
        at_work.until(has("a", "b"))
        at_work.until_well()


def _hasty(endpoint: Endpoint, **options: Any) -> Client:
    return Client(endpoint, **{**options, "wait": 1.0})


def test_routes_stay_while_consul_has_no_leader(way: Way, tmp_path: Path) -> None:
    with cluster(tmp_path) as (asked, others):
        way.write(asked, "a")
        with supervised(way.make(asked.address)) as at_work:
            at_work.until(has("a"))
            for each in others:
                each.kill()
            at_work.until_failing("no leader", timeout=60)
            assert has("a")(at_work.standing)
            for each in others:
                each.start(wait=False)
            asked.wait_until_ready()
            # Its connections to the servers that were are noticed one by one.
            until(lambda: _written(way, asked, "b"), "a write that succeeds", timeout=60)
            at_work.until(has("a", "b"), timeout=60)


def _written(way: Way, consul: Consul, name: str) -> bool:
    try:
        way.write(consul, name)
    except LabError:
        return False
    return True


@contextmanager
def cluster(directory: Path) -> Iterator[tuple[Consul, list[Consul]]]:
    """Three servers: one that does not lead, and the others."""
    first = Consul(directory, expect=3)
    everyone = [first, *(Consul(directory, expect=3, join=[first]) for _ in range(2))]
    with ExitStack() as stack:
        for each in everyone:
            stack.callback(each.kill)
            each.start(wait=False)
        for each in everyone:
            each.wait_until_ready()
        leader = first.ask("GET", "/v1/status/leader").json().rpartition(":")[2]
        asked, *others = sorted(everyone, key=lambda each: str(each.ports["server"]) == leader)
        yield asked, others


def test_another_datacentre_is_read_through_the_nearest_agent(way: Way, tmp_path: Path) -> None:
    near = Consul(tmp_path, settings={"datacenter": "near"})
    far = Consul(
        tmp_path,
        settings={"datacenter": "far", "retry_join_wan": [f"127.0.0.1:{near.ports['serf_wan']}"]},
    )
    with near, far:
        both = {"near", "far"}
        until(lambda: set(near.ask("GET", "/v1/catalog/datacenters").json()) == both, "both datacentres")
        way.write(near, "here")
        way.write(far, "there")
        with supervised(way.make(near.address)) as at_work:
            at_work.until(has("here"))
        with supervised(way.make(near.address, datacenter="far")) as at_work:
            at_work.until(has("there"))
            way.write(far, "more")
            at_work.until(has("there", "more"))
        with supervised(way.make(near.address, datacenter="mars")) as at_work:
            at_work.until_failing("knows no datacentre 'mars'")


def test_consuls_own_variables_count(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Consul(tmp_path, acl=True) as consul:
        way.write(consul, "a")
        monkeypatch.setenv("CONSUL_HTTP_ADDR", consul.address)
        monkeypatch.setenv("CONSUL_HTTP_TOKEN", MASTER_TOKEN)
        with watched(way.make("")) as at_work:
            at_work.until(has("a"))
        monkeypatch.delenv("CONSUL_HTTP_TOKEN")
        with watched(way.make("", token=MASTER_TOKEN)) as at_work:
            at_work.until(has("a"))


def test_both_sides_show_a_certificate(way: Way, tmp_path: Path) -> None:
    # One certificate, which is its own authority, serves both.
    file, port = str(write_certificate(tmp_path / "certificate.pem")), free_port()
    tls = {"ca": file, "cert": file, "key": file}
    settings = {"ports": {"https": port}, "verify_incoming_https": True}
    settings |= {"ca_file": file, "cert_file": file, "key_file": file}
    with Consul(tmp_path, settings=settings) as consul:
        way.write(consul, "a")
        with watched(way.make(f"127.0.0.1:{port}", tls=tls)) as at_work:
            at_work.until(has("a"))
        for some in ({"ca": tls["ca"]}, {}):
            with supervised(way.make(f"127.0.0.1:{port}", tls=some)) as refused:
                refused.until_failing("no TLS with Consul")
