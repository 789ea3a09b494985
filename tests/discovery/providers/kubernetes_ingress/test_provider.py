"""The provider against stand-ins for the API server: changes, faults, and the status that it writes."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from discovery.kubernetes import objects as objects_module
from discovery.providers.kubernetes_ingress import KubernetesIngressProvider
from rondpoint.configuration import Configuration
from rondpoint.settings import KubernetesIngressOptions
from tests.discovery.providers.kubernetes_ingress.decoding import WEB, messages, rules, urls
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import Watched, watched
from tests.lab.certificate import write_certificate
from tests.lab.kubernetes.api_server import ApiServer, State
from tests.lab.kubernetes.emulator import Emulator
from tests.lab.kubernetes.manifests import (
    TRAEFIK,
    endpoint,
    endpoint_slice,
    ingress,
    ingress_class,
    node,
    secret,
    service,
)
from tests.lab.waiting import until

ROUTER = "default-web-web-test@kubernetes"
SERVICE = "default-web-80@kubernetes"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        server.apply(ingress(), *WEB)
        yield server


def provider(api: ApiServer, **options: Any) -> KubernetesIngressProvider:
    return KubernetesIngressProvider(KubernetesIngressOptions(endpoint=api.url, **options))


def hosts(configuration: Configuration) -> set[str]:
    return set(rules(configuration))


def lists(api: ApiServer) -> int:
    return sum("watch=true" not in request for request in api.requests)


def started(running: Watched, api: ApiServer, selections: int = 6) -> Configuration:
    """Wait for the first configuration, and until every watch is open."""
    found = running.next()
    until(lambda: len(api.requests) >= 2 * selections, "all watches")
    return found


def test_the_first_configuration_is_complete(api: ApiServer) -> None:
    with watched(provider(api)) as running:
        found = running.next()
        assert hosts(found) == {"default-web-web-test"}
        assert urls(found) == ["http://10.1.0.1:8080"]
        assert found.diagnostics == ()


def test_each_change_is_emitted_at_once_and_without_a_list(api: ApiServer) -> None:
    with watched(provider(api)) as running:
        started(running, api)
        before = lists(api)
        at = time.monotonic()
        api.apply(ingress("shop", host="shop.test"))
        running.until(lambda found: "default-shop-shop-test" in hosts(found))
        api.apply(endpoint_slice("web", [endpoint("10.1.0.2")]))
        running.until(lambda found: urls(found) == ["http://10.1.0.2:8080"])
        api.delete(ingress("shop"))
        running.until(lambda found: hosts(found) == {"default-web-web-test"})
        # The client would list again after half a minute at the earliest.
        assert time.monotonic() - at < 10
        assert lists(api) == before


def test_a_change_decodes_only_what_it_affects(api: ApiServer) -> None:
    names = [f"s{number}" for number in range(20)]
    for name in names:
        api.apply(ingress(name, host=f"{name}.test", service=name), service(name), endpoint_slice(name))
    with watched(provider(api)) as running:
        first = started(running, api)
        api.apply(endpoint_slice("s7", [endpoint("10.2.0.7")]))
        second = running.next()
    changed = {name for name in first.services if first.services[name] is not second.services[name]}
    assert changed == {"default-s7-80@kubernetes"}
    assert all(first.routers[name] is second.routers[name] for name in first.routers if "s7" not in name)


def test_objects_that_no_ingress_needs_change_nothing(api: ApiServer) -> None:
    with watched(provider(api)) as running:
        started(running, api)
        api.apply(service("other"), endpoint_slice("other"), secret("other", {"a": "b"}), node("n1"))
        assert running.quiet()


def test_a_service_that_comes_later_is_noticed(api: ApiServer) -> None:
    api.delete(service("web"))
    with watched(provider(api)) as running:
        found = started(running, api)
        assert not found.routers
        assert "the service default/web does not exist" in messages(found)
        api.apply(service("web"))
        found = running.until(lambda found: bool(found.routers))
        assert found.diagnostics == ()


def test_a_class_that_comes_later_is_noticed(api: ApiServer) -> None:
    api.apply(ingress(class_name="own"))
    with watched(provider(api)) as running:
        assert not started(running, api).routers
        api.apply(ingress_class("own"))
        running.until(lambda found: bool(found.routers))


def test_an_outage_keeps_the_routes_and_its_end_is_noticed(api: ApiServer) -> None:
    api.apply(ingress("shop", host="shop.test"))
    with supervised(provider(api)) as running:
        running.until(lambda found: len(found.routers) == 2)
        api.go()
        running.until_failing("connection refused")
        assert len(running.configuration.routers) == 2
        api.state.delete(("/apis/networking.k8s.io/v1/ingresses", "default", "shop"))
        api.come_back()
        running.until(lambda found: hosts(found) == {"default-web-web-test"})
        running.until_ok()


def test_a_cluster_that_comes_back_empty_keeps_its_routes_for_a_while(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_module, "RETENTION", 0.7)
    with supervised(provider(api)) as running:
        running.until(lambda found: bool(found.routers))
        api.go()
        running.until_failing("connection refused")
        api.come_back(State(first_version=1))
        api.apply(ingress("new", host="new.test"))
        found = running.until(lambda found: "default-web-web-test" in hosts(found))
        running.until_ok()
        assert urls(found) == ["http://10.1.0.1:8080"]
        running.until(lambda found: "default-web-web-test" not in hosts(found))


def test_410_leads_to_a_list_and_nothing_is_lost(api: ApiServer) -> None:
    with watched(provider(api)) as running:
        started(running, api)
        before = lists(api)
        api.compact()
        api.apply(ingress("shop", host="shop.test"))
        running.until(lambda found: len(found.routers) == 2)
        assert lists(api) > before


def test_a_cut_connection_is_no_failure(api: ApiServer) -> None:
    with watched(provider(api)) as running:
        started(running, api)
        api.cut()
        api.apply(ingress("shop", host="shop.test"))
        running.until(lambda found: len(found.routers) == 2)
        assert running.error is None


def test_a_missing_right_is_named_and_its_grant_noticed(api: ApiServer) -> None:
    api.forbid("secrets")
    with supervised(provider(api)) as running:
        running.until_failing(
            "grant the agent's account the verbs list and watch on secrets in the whole cluster"
        )
        api.forbid()
        running.until(lambda found: bool(found.routers))


def test_only_services_with_node_ports_need_the_right_to_nodes(api: ApiServer) -> None:
    annotated = service("node", annotations={f"{TRAEFIK}service.nodeportlb": "true"}, type="NodePort")
    api.apply(annotated, ingress("node", host="node.test", service="node"))
    api.forbid("nodes")
    with watched(provider(api)) as running:
        found = running.next()
        assert hosts(found) == {"default-web-web-test"}
        assert "let the agent's account list and watch nodes" in messages(found)


def test_a_resource_that_the_api_server_lacks_is_told(api: ApiServer) -> None:
    api.uninstall("networking.k8s.io/v1", "IngressClass")
    with watched(provider(api)) as running:
        found = running.next()
        assert found.routers
        assert "does not know ingressclasses.networking.k8s.io" in messages(found)


def test_only_the_namespaces_of_the_settings_are_read(api: ApiServer) -> None:
    for namespace in ("shop", "other"):
        api.apply(
            ingress("web", host=f"{namespace}.test", namespace=namespace),
            service("web", namespace=namespace),
            endpoint_slice("web", namespace=namespace),
        )
    api.forbid()
    options = {"namespaces": ("default", "shop"), "disable_cluster_scope_resources": True}
    with watched(provider(api, **options)) as running:
        assert hosts(running.next()) == {"default-web-web-test", "shop-web-shop-test"}
    assert not [request for request in api.requests if "namespaces" not in request]


def test_only_ingresses_with_certain_labels_are_read(api: ApiServer) -> None:
    api.apply(ingress("shop", host="shop.test", labels={"app": "shop"}))
    with watched(provider(api, label_selector="app=shop")) as running:
        assert hosts(started(running, api)) == {"default-shop-shop-test"}
        api.apply(ingress("shop", host="shop.test", labels={"app": "other"}))
        running.until(lambda found: not found.routers)


def test_secrets_of_helm_are_not_read(api: ApiServer) -> None:
    with watched(provider(api)) as running:
        running.next()
    asked = [request for request in api.requests if "/secrets" in request]
    assert asked
    assert all("labelSelector=owner%21%3Dhelm" in request for request in asked)


def test_a_certificate_follows_its_secret_and_its_key_is_sealed(api: ApiServer, tmp_path: Path) -> None:
    text = write_certificate(tmp_path / "web.pem", "DNS:web.test").read_text()
    pair = {"tls.crt": text, "tls.key": text}
    api.apply(secret("web-tls", pair, secret_type="kubernetes.io/tls"), ingress(tls=["web-tls"]))
    options = KubernetesIngressOptions(endpoint=api.url)
    with watched(KubernetesIngressProvider(options, lambda key: f"sealed {len(key)}")) as running:
        found = started(running, api)
        (made,) = found.certificates.values()
        assert made.names == ("web.test",)
        assert made.key.startswith("sealed ")
        api.delete(secret("web-tls", {}))
        found = running.until(lambda found: not found.certificates)
        assert found.routers
        api.apply(secret("web-tls", pair))
        running.until(lambda found: bool(found.certificates))


def status(api: ApiServer, name: str = "web") -> Any:
    return api.get(ingress(name)).get("status", {}).get("loadBalancer", {}).get("ingress")


def test_the_address_of_the_settings_is_written_into_the_status(api: ApiServer) -> None:
    api.apply(ingress("foreign", annotations={"kubernetes.io/ingress.class": "nginx"}))
    options = {"ip": "192.0.2.1", "hostname": "lb.test"}
    with watched(provider(api, ingress_endpoint=options)) as running:
        started(running, api)
        until(lambda: status(api) == [options], "the status")
        version = api.state.version
        api.apply(ingress("shop", host="shop.test"))
        until(lambda: status(api, "shop") == [options], "the status of a new Ingress")
        assert status(api, "foreign") is None
        # One change by the test, and one by the provider.
        assert api.state.version == version + 2


def test_the_addresses_of_a_published_service_are_followed(api: ApiServer) -> None:
    balancer = service("traefik", type="LoadBalancer")
    api.apply(balancer)
    with watched(provider(api, ingress_endpoint={"published_service": "default/traefik"})) as running:
        started(running, api)
        balancer["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
        api.apply(balancer)
        until(lambda: status(api) == [{"ip": "192.0.2.7"}], "the status")
        balancer["status"] = {"loadBalancer": {"ingress": [{"hostname": "lb.test"}]}}
        api.apply(balancer)
        until(lambda: status(api) == [{"hostname": "lb.test"}], "the new status")


def test_a_published_service_that_is_missing_is_told(api: ApiServer) -> None:
    with watched(provider(api, ingress_endpoint={"published_service": "default/missing"})) as running:
        found = running.next()
        assert found.routers
        assert "the service default/missing" in messages(found)
        api.apply(service("missing", type="LoadBalancer"))
        running.until(lambda found: not found.diagnostics)


def test_a_status_that_cannot_be_written_does_not_harm_the_routes(
    api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    api.forbid_writes = True
    with watched(provider(api, ingress_endpoint={"ip": "192.0.2.1"})) as running:
        assert running.next().routers
        until(lambda: "the verbs update on ingresses.networking.k8s.io/status" in caplog.text, "a warning")
        api.apply(ingress("shop", host="shop.test"))
        running.until(lambda found: len(found.routers) == 2)


def test_annotations_of_a_service_change_its_routes(api: ApiServer) -> None:
    with watched(provider(api)) as running:
        started(running, api)
        api.apply(service("web", annotations={f"{TRAEFIK}service.passhostheader": "false"}))
        running.until(lambda found: not found.services[SERVICE].pass_host_header)


def test_kmock_is_served_as_well() -> None:
    """kmock is an independent imitation of the API server; it knows neither versions nor selectors."""
    ingresses, services = "networking.k8s.io/v1/ingresses", "v1/services"
    slices, secrets = "discovery.k8s.io/v1/endpointslices", "v1/secrets"
    with Emulator(ingresses, services, slices, secrets) as kmock:
        kmock.create(services, service("web"))
        kmock.create(slices, endpoint_slice("web"))
        kmock.create(ingresses, ingress())
        options = KubernetesIngressOptions(endpoint=kmock.url, disable_cluster_scope_resources=True)
        with watched(KubernetesIngressProvider(options)) as running:
            assert urls(running.next()) == ["http://10.1.0.1:8080"]
            kmock.patch(slices, endpoint_slice("web", [endpoint("10.1.0.2")]))
            running.until(lambda found: urls(found) == ["http://10.1.0.2:8080"])
            kmock.delete(ingresses, ingress())
            running.until(lambda found: not found.routers)
