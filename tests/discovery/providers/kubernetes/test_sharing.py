"""The three providers of one agent share watches of the same cluster and namespaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from discovery.leadership import permanent
from discovery.providers.contract import Provider
from discovery.providers.kubernetes.clusters import Clusters
from discovery.providers.kubernetes_crd.provider import KubernetesCrdProvider
from discovery.providers.kubernetes_gateway import KubernetesGatewayProvider
from discovery.providers.kubernetes_gateway.options import EntryPointAddress
from discovery.providers.kubernetes_ingress import KubernetesIngressProvider
from rondpoint.configuration import Configuration
from rondpoint.settings import (
    KubernetesCrdOptions,
    KubernetesGatewayOptions,
    KubernetesIngressOptions,
)
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.watching import Watched, watched
from tests.lab.kubernetes import custom_resources, gateway_api
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.manifests import endpoint, endpoint_slice, ingress, manifest, service
from tests.lab.waiting import until

CORE = ("services", "endpointslices", "secrets", "nodes", "configmaps")


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        custom_resources.install(server)
        gateway_api.install(server)
        rule = {"match": "Host(`crd.test`)", "services": [{"name": "web", "port": 80}]}
        server.apply(
            *(service(), endpoint_slice(), ingress(), gateway_api.gateway_class(), gateway_api.gateway()),
            gateway_api.http_route(hostnames=["gateway.test"]),
            manifest(custom_resources.GROUP, "IngressRoute", "web", spec={"routes": [rule]}),
        )
        yield server


def providers(api: ApiServer, *, ingresses: Mapping[str, Any] | None = None) -> list[Provider]:
    """Return the providers of one agent; that for Ingresses may have further options."""
    clusters, options = Clusters(permanent()), {"endpoint": api.url}
    entry_points = {"web": EntryPointAddress(80, always_tls=False)}
    return [
        KubernetesIngressProvider(
            read_section(KubernetesIngressOptions, {**options, **(ingresses or {})}), str, clusters
        ),
        KubernetesCrdProvider(read_section(KubernetesCrdOptions, options), str, clusters),
        KubernetesGatewayProvider(
            read_section(KubernetesGatewayOptions, options), entry_points, str, clusters
        ),
    ]


def servers(found: Configuration) -> set[str]:
    return {server.host for each in found.services.values() for server in each.servers}


def watches(api: ApiServer) -> Counter[str]:
    """Count the watches of core resources, by resource, and namespace if they have one."""
    found: Counter[str] = Counter()
    for request in api.requests:
        target = urlsplit(request.split()[1])
        parts = target.path.split("/")
        if "true" in parse_qs(target.query).get("watch", ()) and parts[-1] in CORE:
            found[
                "/".join(parts[parts.index("namespaces") + 1 :] if "namespaces" in parts else parts[-1:])
            ] += 1
    return found


def test_three_providers_watch_each_core_resource_once(api: ApiServer) -> None:
    with ExitStack() as stack:
        running = [stack.enter_context(watched(each)) for each in providers(api)]
        for each in running:
            each.until(lambda found: servers(found) == {"10.1.0.1"})
        until(lambda: len(watches(api)) == len(CORE), "the watches")
        api.apply(endpoint_slice(endpoints=[endpoint("10.1.0.2")]))
        for each in running:
            each.until(lambda found: servers(found) == {"10.1.0.2"})
        assert watches(api) == Counter(CORE)


def test_other_namespaces_are_watched_apart(api: ApiServer) -> None:
    with ExitStack() as stack:
        only_default = {"namespaces": ["default"]}
        running = [stack.enter_context(watched(each)) for each in providers(api, ingresses=only_default)]
        for each in running:
            each.until(lambda found: servers(found) == {"10.1.0.1"})
        apart = ("services", "endpointslices", "secrets")
        expected = Counter((*CORE, *(f"default/{each}" for each in apart)))
        until(lambda: watches(api) == expected, "the watches")


def test_a_provider_that_stops_leaves_the_others_their_watches(api: ApiServer) -> None:
    first, *others = (Watched(each) for each in providers(api))
    for each in (first, *others):
        each.thread.start()
        each.until(lambda found: servers(found) == {"10.1.0.1"})
    first.end()
    api.apply(endpoint_slice(endpoints=[endpoint("10.1.0.2")]))
    for each in others:
        each.until(lambda found: servers(found) == {"10.1.0.2"})
        each.end()
