"""The examples of Traefik 1.7's documentation are served: routing, middlewares and balancing."""

from __future__ import annotations

import tomllib

import pytest
import yaml

from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.dynamic import decode as decode_tree
from discovery.labels import decode as decode_labels
from discovery.merging.merge import merge
from discovery.merging.union import unite
from discovery.providers.key_value.tree import unfold
from proxy.middlewares.chains import ChainError, Chains
from proxy.net.deadlines import Sweeper
from proxy.upstream.auxiliary_pools import AuxiliaryPools
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.configuration import Configuration
from rondpoint.entry_points.redirection import RedirectionTarget
from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.explain import explain_request
from rondpoint.rules.request_facts import Facts
from tests.discovery.labels.containers import OPTIONS, container
from tests.system.examples_of_traefik_1 import EXAMPLES
from tests.system.examples_of_traefik_1.example import Example, Served

ENTRY_POINTS = {"http": RedirectionTarget("http", 80), "https": RedirectionTarget("https", 443)}
PROVIDER = "P"


def configuration(example: Example) -> Configuration:
    """Return what the agent would publish for this example."""
    return merge({PROVIDER: unite(_decoded(example), PROVIDER)}, tuple(ENTRY_POINTS))


def _decoded(example: Example) -> list[Decoded]:
    if example.file:
        read = yaml.safe_load if example.file.lstrip().startswith("{") else tomllib.loads
        return [decode_tree(read(example.file), PROVIDER, "file")]
    if example.keys:
        report = Report(PROVIDER, "keys")
        keys = {f"traefik/{key}": value.encode() for key, value in example.keys.items()}
        tree = unfold(keys, "traefik", report)
        assert report.diagnostics == ()
        return [decode_tree(tree, PROVIDER, "keys")]
    return [
        decode_labels(container(name, dict(labels), provider=PROVIDER), OPTIONS)
        for name, labels in example.labels.items()
    ]


def _active(found: Configuration) -> ActiveConfiguration:
    return ActiveConfiguration(
        found.routers, found.services, found.middlewares, found.diagnostics, tuple(ENTRY_POINTS)
    )


def _facts(served: Served) -> Facts:
    host, slash, path = served.url.partition("/")
    return Facts(host, f"{slash}{path}" or "/")


@pytest.mark.parametrize("name", EXAMPLES)
def test_requests_meet_what_the_example_says(name: str) -> None:
    found = configuration(EXAMPLES[name])
    for served in EXAMPLES[name].served:
        explanation = explain_request(_active(found), served.entry_point, _facts(served))
        kinds = tuple(found.middlewares[each].kind for each in explanation.middlewares)
        service = explanation.service.removesuffix(f"@{PROVIDER}")
        assert (service, kinds, explanation.status) == (served.service, served.kinds, served.status), served


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_proxy_can_perform_the_middlewares_of_each_router(name: str) -> None:
    example = EXAMPLES[name]
    found = configuration(example)
    chains = Chains(AuxiliaryPools(Sweeper(), UpstreamTimeouts()), ENTRY_POINTS)
    for middleware in found.middlewares.values():
        chains.put(middleware)
    refused = set()
    for router in found.routers.values():
        try:
            chains.compile_chain(router.middlewares, "router", router.name)
        except ChainError:
            refused.add(router.service.removesuffix(f"@{PROVIDER}"))
    assert refused == set()


@pytest.mark.parametrize("name", EXAMPLES)
def test_services_and_diagnostics(name: str) -> None:
    example = EXAMPLES[name]
    found = configuration(example)
    for service, wanted in example.services.items():
        assert found.services[f"{service}@{PROVIDER}"] == wanted
    told = [item.message for item in found.diagnostics]
    assert len(told) == len(example.told), told
    for part in example.told:
        assert any(part in message for message in told), told
