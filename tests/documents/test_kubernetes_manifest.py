"""deploy/kubernetes.yaml grants the rights that the code uses, and its flags are valid settings."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from discovery.kubernetes.resources import INGRESSES
from discovery.providers.kubernetes_ingress.provider import selections
from rondpoint.settings import Settings, load

FILE = Path(__file__).parents[2] / "deploy/kubernetes.yaml"
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all(FILE.read_text()))


def find(kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in OBJECTS if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def container(deployment: str) -> dict[str, Any]:
    (found,) = find("Deployment", deployment)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def settings(deployment: str, tmp_path: Path) -> Settings:
    loaded = load(container(deployment)["args"][1:], {}, tmp_path)
    assert loaded.warnings == ()
    return loaded.settings


def test_the_agent_has_exactly_the_rights_that_it_uses(tmp_path: Path) -> None:
    options = settings("agent", tmp_path).providers.kubernetes_ingress
    assert options is not None
    used = {
        (each.resource.group, each.resource.plural, verb)
        for each in selections(options)
        for verb in ("list", "watch")
    }
    assert options.ingress_endpoint is not None
    used.add((INGRESSES.group, f"{INGRESSES.plural}/status", "update"))
    granted = {
        (group, resource, verb)
        for rule in find("ClusterRole", "rondpoint-agent")["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == used


def test_only_the_agent_has_an_account() -> None:
    for deployment in ("proxy", "redis"):
        spec = find("Deployment", deployment)["spec"]["template"]["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert "serviceAccountName" not in spec


def test_agent_and_proxy_share_store_and_secret(tmp_path: Path) -> None:
    agent, proxy = (settings(name, tmp_path) for name in ("agent", "proxy"))
    assert agent.redis.url == proxy.redis.url == "redis://redis:6379/0"
    assert agent.store.secret_file == proxy.store.secret_file
    assert find("Service", "redis")["spec"]["ports"][0]["port"] == 6379


@pytest.mark.parametrize("name", ["proxy", "redis"])
def test_services_select_their_pods_and_name_their_ports(name: str) -> None:
    spec = find("Service", name)["spec"]
    deployment = find("Deployment", name)["spec"]
    assert spec["selector"].items() <= deployment["template"]["metadata"]["labels"].items()
    assert deployment["selector"]["matchLabels"] == deployment["template"]["metadata"]["labels"]
    ports = {port["name"] for port in container(name)["ports"]}
    assert {port["targetPort"] for port in spec["ports"]} <= ports


def test_the_class_is_one_that_the_provider_takes() -> None:
    assert find("IngressClass", "rondpoint")["spec"]["controller"] == "traefik.io/ingress-controller"
