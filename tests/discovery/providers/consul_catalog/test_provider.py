"""The catalogue provider on a real Consul, with changes, outages and data loss."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from discovery.providers import ProviderError
from discovery.providers.consul_catalog import ConsulCatalogProvider, reader
from discovery.providers.consul_catalog import provider as module
from rondpoint.configuration import Configuration
from rondpoint.model import ServerState
from rondpoint.settings import ConsulCatalogOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.consul import MASTER_TOKEN, Consul
from tests.lab.ports import free_port
from tests.lab.waiting import until


def provider_of(consul: Consul | str, token: str = "", **options: Any) -> ConsulCatalogProvider:
    address = consul if isinstance(consul, str) else consul.address
    given = {"endpoint": {"address": address, "token": token}, "domain": "consul.local", **options}
    return ConsulCatalogProvider(read_section(ConsulCatalogOptions, given))


def servers(found: Configuration, service: str = "hello") -> dict[str, ServerState]:
    """Return the ids of a service's instances → their states."""
    known = found.services.get(f"{service}@consulcatalog")
    return {each.name.partition("/")[2]: each.state for each in known.servers} if known else {}


def has(*ids: str, service: str = "hello") -> Callable[[Configuration], bool]:
    return lambda found: servers(found, service).keys() == set(ids)


@pytest.fixture(params=[100, 2, 0], ids=["by node", "some", "whole"])
def _reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow all nodes, some or none of them, as if there were more than can be followed."""
    monkeypatch.setattr(reader, "MAX_FOLLOWED_NODES", request.param)


with_each_limit = pytest.mark.usefixtures("_reading")


@with_each_limit
def test_services_are_routed_while_they_are_registered(consul: Consul) -> None:
    with watched(provider_of(consul)) as running:
        running.next()
        consul.register("hello", 80, ID="one", Address="10.1.1.1")
        found = running.until(has("one"))
        (router,) = (each for each in found.routers.values() if each.service == "hello@consulcatalog")
        assert router.rule.text == "Host:hello.consul.local"
        assert found.services["hello@consulcatalog"].servers[0].url == "http://10.1.1.1:80"
        consul.register("hello", 80, ID="two")
        running.until(has("one", "two"))
        consul.deregister("one")
        running.until(has("two"))
        consul.deregister("two")
        running.until(has())


@with_each_limit
def test_changed_tags_change_the_routes(consul: Consul) -> None:
    consul.register("hello", 80, Tags=["traefik.frontend.rule=Host:a"])
    with watched(provider_of(consul)) as running:
        running.next()
        consul.register("hello", 80, Tags=["traefik.frontend.rule=Host:b"])
        running.until(lambda found: any(each.rule.text == "Host:b" for each in found.routers.values()))


@with_each_limit
def test_an_instance_in_maintenance_takes_no_requests(consul: Consul) -> None:
    consul.register("hello", 80, ID="one")
    consul.register("hello", 81, ID="two")
    up, draining = ServerState.UP, ServerState.DRAINING
    with watched(provider_of(consul)) as running:
        assert servers(running.next()) == {"one": up, "two": up}
        consul.put("/v1/agent/service/maintenance/one?enable=true")
        running.until(lambda found: servers(found) == {"one": draining, "two": up})
        consul.put("/v1/agent/service/maintenance/one?enable=false")
        running.until(lambda found: servers(found) == {"one": up, "two": up})
        consul.put("/v1/agent/maintenance?enable=true")
        running.until(lambda found: servers(found) == {"one": draining, "two": draining})


@with_each_limit
def test_an_instance_takes_requests_while_its_check_passes(consul: Consul) -> None:
    with watched(provider_of(consul)) as running:
        running.next()
        consul.register("hello", 80, Check={"CheckID": "alive", "TTL": "10m"})
        assert servers(running.until(has("hello"))) == {"hello": ServerState.DRAINING}
        consul.put("/v1/agent/check/pass/alive")
        running.until(lambda found: servers(found) == {"hello": ServerState.UP})
        consul.put("/v1/agent/check/fail/alive")
        running.until(lambda found: servers(found) == {"hello": ServerState.DRAINING})


@with_each_limit
def test_an_idle_catalogue_costs_no_traffic(consul: Consul) -> None:
    with watched(provider_of(consul)) as running:
        running.next()
        consul.register("hello", 80)
        running.until(has("hello"))
        assert _requests(consul) > 0, "Consul does not log requests"

        def idle() -> bool:
            before = _requests(consul)
            time.sleep(2)
            return _requests(consul) == before

        # Consul still changes its own entries for a while after its start.
        until(idle, "no traffic")


def _requests(consul: Consul) -> int:
    return consul.process.log.count("Request finished")


def test_a_missing_consul_is_reported_and_found_when_it_starts(tmp_path: Path) -> None:
    consul = Consul(tmp_path)
    with supervised(provider_of(consul)) as running:
        running.until_failing("connection refused")
        with consul:
            consul.register("hello", 80)
            running.until(has("hello"))
            running.until_ok()


@with_each_limit
def test_routes_outlive_an_outage_and_forgotten_services_are_kept_for_a_while(
    consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETENTION", 8.0)
    for service in ("hello", "other"):
        consul.register(service, 80)
    with supervised(provider_of(consul)) as running:
        running.until(has("hello"))
        consul.kill()
        running.until_failing("connection refused")
        assert servers(running.configuration)
        consul.start()
        consul.register("hello", 80, ID="new")
        running.until(has("new"))
        assert servers(running.configuration, "other")
        running.until(has(service="other"))
        assert servers(running.configuration) == {"new": ServerState.UP}


def test_a_restart_of_consul_with_its_data_changes_nothing(tmp_path: Path) -> None:
    with Consul(tmp_path, keep=True) as consul:
        consul.register("hello", 80)
        with supervised(provider_of(consul)) as running:
            running.until(has("hello"))
            consul.restart()
            consul.register("hello", 80, ID="two")
            running.until(has("hello", "two"))


def test_routes_stay_while_consul_is_frozen(consul: Consul) -> None:
    consul.register("hello", 80)
    with supervised(provider_of(consul)) as running:
        running.until(has("hello"))
        consul.freeze()
        time.sleep(0.5)
        assert servers(running.configuration)
        consul.thaw()
        consul.deregister("hello")
        running.until(has())


def test_routes_stay_while_consul_has_no_leader(tmp_path: Path) -> None:
    first = Consul(tmp_path, expect=3)
    everyone = [first, *(Consul(tmp_path, expect=3, join=[first]) for _ in range(2))]
    try:
        for each in everyone:
            each.start(wait=False)
        for each in everyone:
            each.wait_until_ready()
        leader = first.request("GET", "/v1/status/leader").json().rpartition(":")[2]
        follower, *others = sorted(everyone, key=lambda each: str(each.ports["server"]) == leader)
        follower.register("hello", 80)
        with supervised(provider_of(follower)) as running:
            running.until(has("hello"))
            for each in others:
                each.kill()
            running.until_failing("no leader", timeout=60)
            assert servers(running.configuration)
            for each in others:
                each.start(wait=False)
            follower.wait_until_ready()
            follower.register("hello", 80, ID="two")
            running.until(has("hello", "two"), timeout=60)
    finally:
        for each in everyone:
            each.kill()


READ_SERVICES = 'service_prefix "" { policy = "read" }'
READ_NODES = 'node_prefix "" { policy = "read" }'


def test_the_missing_permission_of_a_token_is_reported(tmp_path: Path) -> None:
    with Consul(tmp_path, acl=True) as consul:
        consul.register("hello", 80)
        for rules, missing in (("", "node:read"), (READ_SERVICES, "node:read")):
            token = consul.make_token(rules) if rules else ""
            with supervised(provider_of(consul, token)) as running:
                running.until_failing(missing)
        with supervised(provider_of(consul, "unknown")) as running:
            running.until_failing("does not know the token")
        with supervised(provider_of(consul, consul.make_token(READ_NODES))) as running:
            running.until(lambda found: any("service:read" in str(each) for each in found.diagnostics))
        with supervised(provider_of(consul, consul.make_token(READ_SERVICES + READ_NODES))) as running:
            running.until(has("hello"))


@with_each_limit
def test_routes_stay_when_a_token_loses_its_rights(tmp_path: Path) -> None:
    with Consul(tmp_path, acl=True) as consul:
        consul.register("hello", 80)
        policy = consul.put("/v1/acl/policy", {"Name": "p", "Rules": READ_SERVICES + READ_NODES})
        token = consul.put("/v1/acl/token", {"Policies": [{"Name": "p"}]})["SecretID"]
        with supervised(provider_of(consul, token)) as running:
            running.until(has("hello"))
            consul.put(
                f"/v1/acl/policy/{policy['ID']}", {"ID": policy["ID"], "Name": "p", "Rules": READ_NODES}
            )
            consul.register("other", 80)
            running.until_failing("service:read", timeout=60)
            assert servers(running.configuration)
            consul.put(
                f"/v1/acl/policy/{policy['ID']}",
                {"ID": policy["ID"], "Name": "p", "Rules": READ_SERVICES + READ_NODES},
            )
            running.until(has("other", service="other"), timeout=60)


def test_the_next_agent_is_used_if_one_is_down(consul: Consul) -> None:
    with watched(provider_of(f"127.0.0.1:{free_port()}, {consul.address}")) as running:
        assert servers(running.next(), "consul")


def test_consuls_own_variables_apply(consul: Consul, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUL_HTTP_ADDR", consul.url)
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", MASTER_TOKEN)
    with watched(provider_of("")) as running:
        assert servers(running.next(), "consul")


def test_invalid_constraints_are_reported() -> None:
    provider = provider_of(f"127.0.0.1:{free_port()}", constraints="Tagg(`a`)")
    with watched(provider) as running:
        until(lambda: isinstance(running.error, ProviderError), "the fault")
        assert "providers.consulCatalog.constraints" in str(running.error)


def test_without_watch_it_is_read_once(consul: Consul) -> None:
    with watched(provider_of(consul, watch=False)) as running:
        running.next()
        consul.register("hello", 80)
        assert running.quiet(1)


@with_each_limit
def test_two_thousand_services_of_three_instances(consul: Consul) -> None:
    fill(consul, 2000)
    with watched(provider_of(consul)) as running:
        found = running.next(60)
        assert len(found.services) == 2001
        assert {len(each.servers) for name, each in found.services.items() if name[0] == "s"} == {3}
        # Each change is seen: a new service, a new instance with the same tags, an instance that fails.
        consul.register("hello", 80)
        running.until(has("hello"))
        consul.register("s7", 80, ID="s7-3", Tags=["traefik.enable=true"])
        running.until(has("s7-0", "s7-1", "s7-2", "s7-3", service="s7"))
        consul.put("/v1/agent/service/maintenance/s7-3?enable=true")
        running.until(lambda found: servers(found, "s7")["s7-3"] is ServerState.DRAINING)


def test_a_change_is_read_from_its_node_alone(consul: Consul) -> None:
    fill(consul, 20)
    with watched(provider_of(consul)) as running:
        running.next()

        def results_of_one_change() -> list[int]:
            before = [_node_queries(consul, node) for node in NODES]
            name = f"more-{sum(before)}"
            place(consul, "n1", name, "s7", known=True)
            running.until(lambda found: name in servers(found, "s7"))
            until(lambda: _node_queries(consul, "n1") > before[1], "the query in Consul's log")
            return [_node_queries(consul, node) - count for node, count in zip(NODES, before, strict=True)]

        # A query that starts just after a change returns at once, whatever changed.
        until(lambda: results_of_one_change() == [0, 1, 0], "a result of the one node")


def _node_queries(consul: Consul, node: str) -> int:
    """Return the number of finished queries for a node's services."""
    return consul.process.log.count(f"url=/v1/catalog/node/{node}")


@with_each_limit
def test_nodes_are_added_moved_and_removed(consul: Consul) -> None:
    def hosts(found: Configuration) -> set[str]:
        known = found.services.get("far@consulcatalog")
        return {server.host for server in known.servers} if known else set()

    with watched(provider_of(consul)) as running:
        running.next()
        place(consul, "n1", "one", "far", address="10.0.0.1")
        running.until(lambda found: hosts(found) == {"10.0.0.1"})
        place(consul, "n2", "one", "far", address="10.0.0.2")
        running.until(lambda found: hosts(found) == {"10.0.0.1", "10.0.0.2"})
        consul.put("/v1/catalog/register", {"Node": "n1", "Address": "10.0.0.3"})
        running.until(lambda found: hosts(found) == {"10.0.0.3", "10.0.0.2"})
        consul.put("/v1/catalog/deregister", {"Node": "n1"})
        running.until(lambda found: hosts(found) == {"10.0.0.2"})
        place(consul, "n1", "one", "far", address="10.0.0.4")
        running.until(lambda found: hosts(found) == {"10.0.0.2", "10.0.0.4"})


def test_nodes_that_cannot_be_followed_are_read_after_changes(
    consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_FOLLOWED_NODES", 1)
    with watched(provider_of(consul)) as running:
        running.next()
        for number in range(4):
            place(consul, f"n{number}", f"far-{number}", "far")
            running.until(lambda found: f"far-{number}" in servers(found, "far"))  # noqa: B023
        until(lambda: "url=/v1/catalog/services?" in consul.process.log, "the query for service names")
        consul.put("/v1/catalog/deregister", {"Node": "n1"})
        running.until(has("far-0", "far-2", "far-3", service="far"))


def test_an_instance_that_moves_between_unfollowed_nodes_is_never_missing(
    consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_FOLLOWED_NODES", 0)
    place(consul, "n0", "far", "far")
    for node in ("n4", "n9"):
        place(consul, node, f"near-{node}", "near")
    with watched(provider_of(consul)) as running:
        running.next()
        # A reading sees that the instance left the old node before it sees it on the new one.
        for old, new in (("n0", "n4"), ("n4", "n9")):
            entry = {"ID": f"on {new}", "Service": "far", "Port": 80, "Tags": ["traefik.enable=true"]}
            gone = next(iter(servers(running.last or Configuration(), "far")))
            consul.put(
                "/v1/txn",
                [
                    {"Service": {"Verb": "delete", "Node": old, "Service": {**entry, "ID": gone}}},
                    {"Service": {"Verb": "set", "Node": new, "Service": entry}},
                ],
            )

            def moved(found: Configuration, own: str = f"on {new}") -> bool:
                known = servers(found, "far")
                assert known, "it was removed before it was added"
                return known.keys() == {own}

            running.until(moved)


def place(
    consul: Consul,
    node: str,
    service_id: str,
    service: str,
    *,
    address: str = "10.0.0.9",
    known: bool = False,
) -> None:
    """Register an instance on a node; with `known`, leave the node itself as it is, as agents do."""
    entry = {"ID": service_id, "Service": service, "Port": 80, "Tags": ["traefik.enable=true"]}
    place = {"Node": node, "Address": address, "SkipNodeUpdate": known, "Service": entry}
    consul.put("/v1/catalog/register", place)


def remove(consul: Consul, node: str, service_id: str) -> None:
    consul.put("/v1/catalog/deregister", {"Node": node, "ServiceID": service_id})


NODES = ["n0", "n1", "n2"]


def fill(consul: Consul, services: int) -> None:
    """Register services with an instance and its check on each of three nodes."""
    for node in range(3):
        consul.put("/v1/catalog/register", {"Node": f"n{node}", "Address": f"10.0.0.{node + 1}"})
    operations: list[dict[str, Any]] = []
    for number in range(services):
        for node in range(3):
            own = f"s{number}-{node}"
            entry = {"ID": own, "Service": f"s{number}", "Port": 80, "Tags": ["traefik.enable=true"]}
            check = {"Node": f"n{node}", "CheckID": own, "Name": "c", "Status": "passing", "ServiceID": own}
            operations.append({"Service": {"Verb": "set", "Node": f"n{node}", "Service": entry}})
            operations.append({"Check": {"Verb": "set", "Check": check}})
    for start in range(0, len(operations), 64):
        consul.put("/v1/txn", operations[start : start + 64])
