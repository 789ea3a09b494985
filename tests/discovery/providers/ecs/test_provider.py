"""The ECS provider on a stand-in for the APIs of AWS (`tests/lab/aws.py`)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from discovery.providers.ecs import EcsProvider
from rondpoint.configuration import Configuration
from rondpoint.settings import EcsOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.aws import Aws
from tests.lab.ports import free_port


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with Aws() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def provider(**options: object) -> EcsProvider:
    return EcsProvider(read_section(EcsOptions, {"refreshSeconds": 1, **options}))


def has(**services: list[str]) -> Callable[[Configuration], bool]:
    """Return a test for the addresses of the servers of each service (`_` for `-`)."""

    def holds(found: Configuration) -> bool:
        return {name.replace("_", "-"): addresses for name, addresses in services.items()} == {
            name.partition("@")[0]: sorted(f"{server.host}:{server.port}" for server in service.servers)
            for name, service in found.services.items()
        }

    return holds


def rules(found: Configuration) -> list[str]:
    return sorted(router.rule.text for router in found.routers.values())


def test_tasks_are_read_again_and_again(aws: Aws) -> None:
    first = aws.run_task("shop", {80: 80}, address="10.0.0.1")
    with watched(provider()) as running:
        found = running.next()
        assert has(service_shop_web=["10.0.0.1:80"])(found)
        assert rules(found) == ["Host(`service-shop-web`)"]
        aws.run_task("shop", {80: 80}, address="10.0.0.2")
        running.until(has(service_shop_web=["10.0.0.1:80", "10.0.0.2:80"]))
        aws.stop_task(first)
        running.until(has(service_shop_web=["10.0.0.2:80"]))
        assert aws.calls.count("DescribeTaskDefinition") == 2


def test_all_pages_of_all_clusters_are_read(aws: Aws) -> None:
    for cluster in ("a", "b", "c"):
        for number in range(3):
            aws.run_task(f"{cluster}{number}", {80: 80}, cluster=cluster)
    with watched(provider(autoDiscoverClusters=True)) as running:
        assert len(running.next().services) == 9
    with watched(provider(clusters=["a", "b"])) as running:
        assert len(running.next().services) == 6


def test_machines_in_and_outside_of_aws_are_found(aws: Aws) -> None:
    aws.run_task("far", {80: 31001}, own_network=False, machine="mi-1", address="10.0.0.9")
    aws.run_task("near", {80: 31002}, own_network=False, machine="i-1", address="10.0.0.8")
    with watched(provider(ecsAnywhere=True)) as running:
        found = running.next()
        assert has(service_far_web=["10.0.0.9:31001"], service_near_web=["10.0.0.8:31002"])(found)


def test_an_outage_keeps_the_routes_and_its_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    aws = Aws(port)
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    with supervised(provider()) as running:
        with aws:
            aws.run_task("shop", {80: 80}, address="10.0.0.1")
            running.until(has(service_shop_web=["10.0.0.1:80"]))
        running.until_failing("AWS does not respond to ListTasks")
        assert has(service_shop_web=["10.0.0.1:80"])(running.configuration)
        with Aws(port) as successor:
            successor.run_task("shop", {80: 80}, address="10.0.0.2")
            running.until(has(service_shop_web=["10.0.0.2:80"]))


def test_a_missing_permission_is_named(aws: Aws) -> None:
    aws.fault = "AccessDeniedException"
    with supervised(provider()) as running:
        running.until_failing("the role needs ecs:ListTasks")


def test_without_a_region_the_fault_says_so(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/missing")
    with supervised(provider()) as running:
        running.until_failing("set providers.ecs.region")


def test_without_boto3_the_fault_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with supervised(provider()) as running:
        running.until_failing("the ECS provider needs boto3 (pip install 'rondpoint[ecs]')")


def test_bad_constraints_are_a_fault() -> None:
    with supervised(provider(constraints="Label(")) as running:
        running.until_failing("providers.ecs.constraints: ")
