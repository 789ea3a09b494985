"""The catalogue of a real Consul, followed through changes, faults and losses."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from discovery.providers import ProviderError
from discovery.providers.consul_catalog import ConsulCatalogProvider, reader
from discovery.providers.consul_catalog import provider as module
from rondpoint.model import Configuration, ServerState
from rondpoint.settings import ConsulCatalogOptions
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.consul import MASTER_TOKEN, Consul
from tests.lab.ports import free_port
from tests.lab.waiting import until


def provider_of(consul: Consul | str, token: str = "", **options: Any) -> ConsulCatalogProvider:
    address = consul if isinstance(consul, str) else consul.address
    given = {"endpoint": {"address": address, "token": token}, "domain": "consul.local", **options}
    return ConsulCatalogProvider(ConsulCatalogOptions.model_validate(given))


def servers(found: Configuration, service: str = "hello") -> dict[str, ServerState]:
    """Ids of a service's instances → their state."""
    known = found.services.get(f"{service}@consulcatalog")
    return {each.name.partition("/")[2]: each.state for each in known.servers} if known else {}


def has(*ids: str, service: str = "hello") -> Callable[[Configuration], bool]:
    return lambda found: servers(found, service).keys() == set(ids)


@pytest.fixture(params=[100, 2, 0], ids=["by node", "some", "whole"])
def _reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node is followed, or some or none of them, as where there are more than can be."""
    monkeypatch.setattr(reader, "MAX_FOLLOWED_NODES", request.param)


each_way = pytest.mark.usefixtures("_reading")


@each_way
def test_services_come_and_go_with_their_registrations(consul: Consul) -> None:
    with watched(provider_of(consul)) as at_work:
        at_work.next()
        consul.register("hello", 80, ID="one", Address="10.1.1.1")
        found = at_work.until(has("one"))
        (router,) = (each for each in found.routers.values() if each.service == "hello@consulcatalog")
        assert router.rule.text == "Host:hello.consul.local"
        assert found.services["hello@consulcatalog"].servers[0].url == "http://10.1.1.1:80"
        consul.register("hello", 80, ID="two")
        at_work.until(has("one", "two"))
        consul.deregister("one")
        at_work.until(has("two"))
        consul.deregister("two")
        at_work.until(has())


@each_way
def test_other_tags_make_other_routes(consul: Consul) -> None:
    consul.register("hello", 80, Tags=["traefik.frontend.rule=Host:a"])
    with watched(provider_of(consul)) as at_work:
        at_work.next()
        consul.register("hello", 80, Tags=["traefik.frontend.rule=Host:b"])
        at_work.until(lambda found: any(each.rule.text == "Host:b" for each in found.routers.values()))


@each_way
def test_an_instance_in_maintenance_takes_no_requests(consul: Consul) -> None:
    consul.register("hello", 80, ID="one")
    consul.register("hello", 81, ID="two")
    up, draining = ServerState.UP, ServerState.DRAINING
    with watched(provider_of(consul)) as at_work:
        assert servers(at_work.next()) == {"one": up, "two": up}
        consul.put("/v1/agent/service/maintenance/one?enable=true")
        at_work.until(lambda found: servers(found) == {"one": draining, "two": up})
        consul.put("/v1/agent/service/maintenance/one?enable=false")
        at_work.until(lambda found: servers(found) == {"one": up, "two": up})
        consul.put("/v1/agent/maintenance?enable=true")
        at_work.until(lambda found: servers(found) == {"one": draining, "two": draining})


@each_way
def test_an_instance_is_routed_once_its_check_passes_and_as_long_as_it_does(consul: Consul) -> None:
    with watched(provider_of(consul)) as at_work:
        at_work.next()
        consul.register("hello", 80, Check={"CheckID": "alive", "TTL": "10m"})
        assert servers(at_work.until(has("hello"))) == {"hello": ServerState.DRAINING}
        consul.put("/v1/agent/check/pass/alive")
        at_work.until(lambda found: servers(found) == {"hello": ServerState.UP})
        consul.put("/v1/agent/check/fail/alive")
        at_work.until(lambda found: servers(found) == {"hello": ServerState.DRAINING})


@each_way
def test_an_idle_catalogue_costs_no_traffic(consul: Consul) -> None:
    with watched(provider_of(consul)) as at_work:
        at_work.next()
        consul.register("hello", 80)
        at_work.until(has("hello"))
        assert _requests(consul) > 0, "Consul does not tell of requests"

        def idle() -> bool:
            before = _requests(consul)
            time.sleep(2)
            return _requests(consul) == before

        # After a start Consul has something to say about itself.
        until(idle, "no traffic")


def _requests(consul: Consul) -> int:
    return consul.process.log.count("Request finished")


def test_a_consul_that_is_not_there_is_said_so_and_found_when_it_comes(tmp_path: Path) -> None:
    consul = Consul(tmp_path)
    with supervised(provider_of(consul)) as at_work:
        at_work.until_failing("connection refused")
        with consul:
            consul.register("hello", 80)
            at_work.until(has("hello"))
            at_work.until_well()


@each_way
def test_routes_outlive_consul_and_what_it_forgot_for_a_while(
    consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETENTION", 8.0)
    for service in ("hello", "other"):
        consul.register(service, 80)
    with supervised(provider_of(consul)) as at_work:
        at_work.until(has("hello"))
        consul.kill()
        at_work.until_failing("connection refused")
        assert servers(at_work.standing)
        consul.start()
        consul.register("hello", 80, ID="new")
        at_work.until(has("new"))
        assert servers(at_work.standing, "other")
        at_work.until(has(service="other"))
        assert servers(at_work.standing) == {"new": ServerState.UP}


def test_a_restarted_consul_that_kept_its_data_changes_nothing(tmp_path: Path) -> None:
    with Consul(tmp_path, keep=True) as consul:
        consul.register("hello", 80)
        with supervised(provider_of(consul)) as at_work:
            at_work.until(has("hello"))
            consul.restart()
            consul.register("hello", 80, ID="two")
            at_work.until(has("hello", "two"))


def test_a_frozen_consul_keeps_its_routes(consul: Consul) -> None:
    consul.register("hello", 80)
    with supervised(provider_of(consul)) as at_work:
        at_work.until(has("hello"))
        consul.freeze()
        time.sleep(0.5)
        assert servers(at_work.standing)
        consul.thaw()
        consul.deregister("hello")
        at_work.until(has())


def test_routes_stay_while_consul_has_no_leader(tmp_path: Path) -> None:
    first = Consul(tmp_path, expect=3)
    everyone = [first, *(Consul(tmp_path, expect=3, join=[first]) for _ in range(2))]
    try:
        for each in everyone:
            each.start(wait=False)
        for each in everyone:
            each.wait_until_ready()
        leader = first.ask("GET", "/v1/status/leader").json().rpartition(":")[2]
        asked, *others = sorted(everyone, key=lambda each: str(each.ports["server"]) == leader)
        asked.register("hello", 80)
        with supervised(provider_of(asked)) as at_work:
            at_work.until(has("hello"))
            for each in others:
                each.kill()
            at_work.until_failing("no leader", timeout=60)
            assert servers(at_work.standing)
            for each in others:
                each.start(wait=False)
            asked.wait_until_ready()
            asked.register("hello", 80, ID="two")
            at_work.until(has("hello", "two"), timeout=60)
    finally:
        for each in everyone:
            each.kill()


READ_SERVICES = 'service_prefix "" { policy = "read" }'
READ_NODES = 'node_prefix "" { policy = "read" }'


def test_a_token_that_does_not_suffice_is_told_what_it_lacks(tmp_path: Path) -> None:
    with Consul(tmp_path, acl=True) as consul:
        consul.register("hello", 80)
        for rules, missing in (("", "node:read"), (READ_SERVICES, "node:read")):
            token = consul.make_token(rules) if rules else ""
            with supervised(provider_of(consul, token)) as at_work:
                at_work.until_failing(missing)
        with supervised(provider_of(consul, "unknown")) as at_work:
            at_work.until_failing("does not know the token")
        with supervised(provider_of(consul, consul.make_token(READ_NODES))) as at_work:
            at_work.until(lambda found: any("service:read" in str(each) for each in found.diagnostics))
        with supervised(provider_of(consul, consul.make_token(READ_SERVICES + READ_NODES))) as at_work:
            at_work.until(has("hello"))


@each_way
def test_routes_stay_when_a_token_loses_its_rights(tmp_path: Path) -> None:
    with Consul(tmp_path, acl=True) as consul:
        consul.register("hello", 80)
        policy = consul.put("/v1/acl/policy", {"Name": "p", "Rules": READ_SERVICES + READ_NODES})
        token = consul.put("/v1/acl/token", {"Policies": [{"Name": "p"}]})["SecretID"]
        with supervised(provider_of(consul, token)) as at_work:
            at_work.until(has("hello"))
            consul.put(
                f"/v1/acl/policy/{policy['ID']}", {"ID": policy["ID"], "Name": "p", "Rules": READ_NODES}
            )
            consul.register("other", 80)
            at_work.until_failing("service:read", timeout=60)
            assert servers(at_work.standing)
            consul.put(
                f"/v1/acl/policy/{policy['ID']}",
                {"ID": policy["ID"], "Name": "p", "Rules": READ_SERVICES + READ_NODES},
            )
            at_work.until(has("other", service="other"), timeout=60)


def test_the_next_agent_is_asked_when_one_is_down(consul: Consul) -> None:
    with watched(provider_of(f"127.0.0.1:{free_port()}, {consul.address}")) as at_work:
        assert servers(at_work.next(), "consul")


def test_consuls_own_variables_count(consul: Consul, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUL_HTTP_ADDR", consul.url)
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", MASTER_TOKEN)
    with watched(provider_of("")) as at_work:
        assert servers(at_work.next(), "consul")


def test_constraints_that_cannot_be_read_are_named() -> None:
    provider = provider_of(f"127.0.0.1:{free_port()}", constraints="Tagg(`a`)")
    with watched(provider) as at_work:
        until(lambda: isinstance(at_work.error, ProviderError), "the fault")
        assert "providers.consulCatalog.constraints" in str(at_work.error)


def test_without_watch_it_is_read_once(consul: Consul) -> None:
    with watched(provider_of(consul, watch=False)) as at_work:
        at_work.next()
        consul.register("hello", 80)
        assert at_work.quiet(1)


@each_way
def test_two_thousand_services_of_three_instances(consul: Consul) -> None:
    fill(consul, 2000)
    with watched(provider_of(consul)) as at_work:
        found = at_work.next(60)
        assert len(found.services) == 2001
        assert {len(each.servers) for name, each in found.services.items() if name[0] == "s"} == {3}
        # A service more, an instance more of the same tags, an instance that fails: each is seen.
        consul.register("hello", 80)
        at_work.until(has("hello"))
        consul.register("s7", 80, ID="s7-3", Tags=["traefik.enable=true"])
        at_work.until(has("s7-0", "s7-1", "s7-2", "s7-3", service="s7"))
        consul.put("/v1/agent/service/maintenance/s7-3?enable=true")
        at_work.until(lambda found: servers(found, "s7")["s7-3"] is ServerState.DRAINING)


def test_a_change_is_read_from_its_node_alone(consul: Consul) -> None:
    fill(consul, 20)
    with watched(provider_of(consul)) as at_work:
        at_work.next()

        def answers_to_one_change() -> list[int]:
            before = [_asked(consul, node) for node in NODES]
            name = f"more-{sum(before)}"
            place(consul, "n1", name, "s7", known=True)
            at_work.until(lambda found: name in servers(found, "s7"))
            until(lambda: _asked(consul, "n1") > before[1], "the answer in Consul's log")
            return [_asked(consul, node) - count for node, count in zip(NODES, before, strict=True)]

        # A question that is put anew just after a change is answered at once, whatever changed.
        until(lambda: answers_to_one_change() == [0, 1, 0], "an answer of the one node")


def _asked(consul: Consul, node: str) -> int:
    """Answers to the question what is on a node."""
    return consul.process.log.count(f"url=/v1/catalog/node/{node}")


@each_way
def test_nodes_come_move_and_go(consul: Consul) -> None:
    def hosts(found: Configuration) -> set[str]:
        known = found.services.get("far@consulcatalog")
        return {server.host for server in known.servers} if known else set()

    with watched(provider_of(consul)) as at_work:
        at_work.next()
        place(consul, "n1", "one", "far", address="10.0.0.1")
        at_work.until(lambda found: hosts(found) == {"10.0.0.1"})
        place(consul, "n2", "one", "far", address="10.0.0.2")
        at_work.until(lambda found: hosts(found) == {"10.0.0.1", "10.0.0.2"})
        consul.put("/v1/catalog/register", {"Node": "n1", "Address": "10.0.0.3"})
        at_work.until(lambda found: hosts(found) == {"10.0.0.3", "10.0.0.2"})
        consul.put("/v1/catalog/deregister", {"Node": "n1"})
        at_work.until(lambda found: hosts(found) == {"10.0.0.2"})
        place(consul, "n1", "one", "far", address="10.0.0.4")
        at_work.until(lambda found: hosts(found) == {"10.0.0.2", "10.0.0.4"})


def test_more_nodes_than_can_be_followed_are_read_otherwise(
    consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_FOLLOWED_NODES", 1)
    with watched(provider_of(consul)) as at_work:
        at_work.next()
        for number in range(4):
            place(consul, f"n{number}", f"far-{number}", "far")
            at_work.until(lambda found: f"far-{number}" in servers(found, "far"))  # noqa: B023
        until(lambda: "url=/v1/catalog/services?" in consul.process.log, "the names of services asked for")
        consul.put("/v1/catalog/deregister", {"Node": "n1"})
        at_work.until(has("far-0", "far-2", "far-3", service="far"))


def test_what_moves_between_nodes_that_are_not_followed_is_never_missing(
    consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_FOLLOWED_NODES", 0)
    place(consul, "n0", "far", "far")
    for node in ("n4", "n9"):
        place(consul, node, f"near-{node}", "near")
    with watched(provider_of(consul)) as at_work:
        at_work.next()
        # A reading under way has seen the old place before it sees the new one.
        for old, new in (("n0", "n4"), ("n4", "n9")):
            entry = {"ID": f"on {new}", "Service": "far", "Port": 80, "Tags": ["traefik.enable=true"]}
            gone = next(iter(servers(at_work.last or Configuration(), "far")))
            consul.put(
                "/v1/txn",
                [
                    {"Service": {"Verb": "delete", "Node": old, "Service": {**entry, "ID": gone}}},
                    {"Service": {"Verb": "set", "Node": new, "Service": entry}},
                ],
            )

            def moved(found: Configuration, own: str = f"on {new}") -> bool:
                known = servers(found, "far")
                assert known, "it has gone before it has come"
                return known.keys() == {own}

            at_work.until(moved)


def place(
    consul: Consul,
    node: str,
    service_id: str,
    service: str,
    *,
    address: str = "10.0.0.9",
    known: bool = False,
) -> None:
    """One instance on a node; where that is `known`, it is left as it is, as agents do."""
    entry = {"ID": service_id, "Service": service, "Port": 80, "Tags": ["traefik.enable=true"]}
    place = {"Node": node, "Address": address, "SkipNodeUpdate": known, "Service": entry}
    consul.put("/v1/catalog/register", place)


def remove(consul: Consul, node: str, service_id: str) -> None:
    consul.put("/v1/catalog/deregister", {"Node": node, "ServiceID": service_id})


NODES = ["n0", "n1", "n2"]


def fill(consul: Consul, services: int) -> None:
    """So many services with an instance, and its check, on each of three nodes."""
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
