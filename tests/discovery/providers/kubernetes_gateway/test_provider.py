"""The provider follows a stand-in for the Kubernetes API, and writes statuses to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from discovery.providers.kubernetes_gateway import KubernetesGatewayProvider
from discovery.providers.kubernetes_gateway.options import EntryPointAddress
from rondpoint.configuration import Configuration
from rondpoint.settings import KubernetesGatewayOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.gateway_api import (
    EXPERIMENTAL,
    gateway,
    gateway_class,
    http_route,
    install,
    install_experimental,
    layer4_route,
)
from tests.lab.kubernetes.manifests import Manifest, endpoint, endpoint_slice, service
from tests.lab.waiting import until

ENTRY_POINTS = {
    "web": EntryPointAddress(80),
    "raw": EntryPointAddress(9000),
    "secure": EntryPointAddress(443),
    "dns": EntryPointAddress(53, udp=True),
}
LISTENERS = (
    {"name": "raw", "port": 9000, "protocol": "TCP"},
    {"name": "tls", "port": 443, "protocol": "TLS", "tls": {"mode": "Passthrough"}},
    {"name": "dns", "port": 53, "protocol": "UDP"},
)


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        install(server)
        server.apply(gateway_class(), gateway(), service(), endpoint_slice())
        yield server


def provider_of(api: ApiServer, **options: Any) -> KubernetesGatewayProvider:
    return KubernetesGatewayProvider(
        read_section(KubernetesGatewayOptions, {"endpoint": api.url, **options}), ENTRY_POINTS
    )


def hosts(found: Configuration) -> set[str]:
    return {router.rule.text.split("`")[1] for router in found.routers.values()}


def servers(found: Configuration) -> set[str]:
    return {server.host for each in found.services.values() for server in each.servers}


def condition(api: ApiServer, item: Manifest, kind: str) -> str:
    """Return the status and reason of a condition of a route's first parent, or of any other object."""
    status = api.get(item).get("status") or {}
    holder = (status.get("parents") or [status])[0]
    found = [each for each in holder.get("conditions") or () if each["type"] == kind]
    return f"{found[0]['status']} {found[0]['reason']}" if found else ""


def test_routes_are_followed_and_their_statuses_written(api: ApiServer) -> None:
    api.apply(http_route())
    with watched(provider_of(api)) as running:
        found = running.next()
        assert (hosts(found), servers(found), found.diagnostics) == ({"web.test"}, {"10.1.0.1"}, ())
        for item in (http_route(), gateway(), gateway_class()):
            until(lambda item=item: condition(api, item, "Accepted") == "True Accepted", "the status")
        api.apply(http_route("lost", ["lost.test"], "none"))
        running.until(lambda found: hosts(found) == {"web.test", "lost.test"})
        until(
            lambda: condition(api, http_route("lost"), "ResolvedRefs") == "False BackendNotFound",
            "the status of the second route",
        )
        until(
            lambda: api.get(gateway())["status"]["listeners"][0]["attachedRoutes"] == 2,
            "the number of routes",
        )
        api.apply(endpoint_slice(endpoints=[endpoint("10.1.0.2")]))
        running.until(lambda found: servers(found) == {"10.1.0.2"})
        written = len([each for each in api.requests if each.startswith("PUT")])
        api.apply(endpoint_slice(endpoints=[endpoint("10.1.0.3")]))
        running.until(lambda found: servers(found) == {"10.1.0.3"})
        # The statuses are as they were, so none was written again.
        assert len([each for each in api.requests if each.startswith("PUT")]) == written


def layer4_routes() -> tuple[Manifest, ...]:
    to_web, to_dns = {"name": "web", "port": 80}, {"name": "dns", "port": 53}
    return (
        layer4_route("TCPRoute", "raw", "raw", to_web),
        layer4_route("TLSRoute", "tls", "tls", to_web, hostnames=["tls.test"]),
        layer4_route("UDPRoute", "dns", "dns", to_dns),
    )


def served(found: Configuration) -> set[str]:
    """Return the kinds of the routes that lead to servers."""
    routers = [*found.tcp_routers, *found.udp_routers]
    return {name.partition("-")[0] for name in routers if not name.startswith("gateway-")}


def layer4_cluster(api: ApiServer) -> None:
    api.apply(gateway("gw", 80, *LISTENERS), service("dns", ports=(("", 53),)), *layer4_routes())
    udp = service("dns", ports=(("", 53),))
    udp["spec"]["ports"][0]["protocol"] = "UDP"
    api.apply(udp, endpoint_slice("dns", [endpoint("10.1.0.9")], ports=(("", 5353),)))


def test_routes_of_tls_tcp_and_udp_are_followed_and_their_statuses_written(api: ApiServer) -> None:
    install_experimental(api)
    layer4_cluster(api)
    with watched(provider_of(api, experimentalChannel=True)) as running:
        found = running.next()
        assert served(found) == {"tcproute", "tlsroute", "udproute"}
        assert found.diagnostics == ()
        for item in layer4_routes():
            until(lambda item=item: condition(api, item, "Accepted") == "True Accepted", "the status")
            assert condition(api, item, "ResolvedRefs") == "True ResolvedRefs"
        api.apply(endpoint_slice("dns", [endpoint("10.1.0.8")], ports=(("", 5353),)))
        running.until(
            lambda found: (
                [server.host for each in found.udp_services.values() for server in each.servers]
                == ["10.1.0.8"]
            )
        )
        for item in layer4_routes():
            api.delete(item)
        running.until(lambda found: not served(found))
        until(
            lambda: {each["attachedRoutes"] for each in api.get(gateway())["status"]["listeners"]} == {0},
            "the number of routes",
        )


def test_the_experimental_channel_is_followed_only_if_the_settings_say_so(api: ApiServer) -> None:
    install_experimental(api)
    layer4_cluster(api)
    with watched(provider_of(api)) as running:
        assert served(running.next()) == {"tlsroute"}
        assert not [each for each in api.requests if "tcproutes" in each or "udproutes" in each]


def test_kinds_that_are_not_installed_or_not_allowed_cost_no_other_routes(api: ApiServer) -> None:
    install_experimental(api)
    layer4_cluster(api)
    api.apply(http_route())
    api.uninstall(EXPERIMENTAL, "UDPRoute")
    api.forbid("tlsroutes")
    with watched(provider_of(api, experimentalChannel=True)) as running:
        found = running.next()
        assert (hosts(found), served(found)) == ({"web.test"}, {"tcproute"})
        missing = [each for each in found.diagnostics if "does not know" in each.message]
        assert [each.message.split()[6].partition(".")[0] for each in missing] == ["tlsroutes", "udproutes"]
        assert all("the right to list and watch them" in each.hint for each in missing)


def addresses_of(api: ApiServer) -> object:
    return (api.get(gateway()).get("status") or {}).get("addresses")


def test_addresses_of_the_settings_and_of_a_service_are_written(api: ApiServer) -> None:
    published = service("published")
    published["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}, {"hostname": "h"}]}}
    api.apply(published)
    expected = [{"type": "IPAddress", "value": "192.0.2.7"}, {"type": "Hostname", "value": "h"}]
    reference = {"service": {"name": "published", "namespace": "default"}}
    for written, addresses in (
        (reference, expected),
        ({"ip": "192.0.2.9"}, [expected[0] | {"value": "192.0.2.9"}]),
    ):
        with watched(provider_of(api, statusAddress=written)) as running:
            running.next()
            until(lambda wanted=addresses: addresses_of(api) == wanted, "addresses")


def test_a_status_that_may_not_be_written_costs_no_routes(
    api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    api.apply(http_route())
    api.forbid_writes = True
    with watched(provider_of(api)) as running:
        assert hosts(running.next()) == {"web.test"}
        until(
            lambda: "the status of objects of kind HTTPRoute cannot be written" in caplog.text, "the warning"
        )
        api.apply(http_route("other", ["other.test"]))
        running.until(lambda found: hosts(found) == {"web.test", "other.test"})


def test_routes_outlive_an_outage(api: ApiServer) -> None:
    api.apply(http_route())
    with supervised(provider_of(api)) as running:
        running.until(lambda found: hosts(found) == {"web.test"})
        api.go()
        running.until_failing("cannot be reached")
        assert hosts(running.configuration) == {"web.test"}
        api.come_back()
        api.apply(http_route("other", ["other.test"]))
        running.until(lambda found: hosts(found) == {"web.test", "other.test"})
        running.until_ok()


def test_a_cluster_without_the_definitions_is_told_and_noticed_later() -> None:
    with ApiServer() as api, watched(provider_of(api)) as running:
        found = running.next()
        assert not found.routers
        assert any("does not know httproutes" in each.message for each in found.diagnostics)


def test_a_change_among_many_routes_costs_what_it_changes(api: ApiServer) -> None:
    for number in range(300):
        api.apply(http_route(f"r{number}", [f"r{number}.test"]))
    with watched(provider_of(api)) as running:
        running.until(lambda found: len(found.routers) == 300)
        before = running.last
        assert before is not None
        changed = time.monotonic()
        api.apply(http_route("r7", ["new.test"]))
        after = running.until(lambda found: "new.test" in hosts(found))
        # Nothing is polled. The limit is far below any interval of polling.
        assert time.monotonic() - changed < 5
        same = [name for name in after.routers if after.routers[name] is before.routers.get(name)]
        assert len(same) == 299
