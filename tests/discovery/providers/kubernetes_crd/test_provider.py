"""The provider follows an imitation of the Kubernetes API through changes, faults and returns."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from discovery.providers.kubernetes_crd import provider as provider_module
from discovery.providers.kubernetes_crd.custom_resources import LAYER4_KINDS
from discovery.providers.kubernetes_crd.provider import KubernetesCrdProvider
from rondpoint.configuration import Configuration
from rondpoint.settings import KubernetesCrdOptions
from tests.discovery.certificates.pairs import make_pair
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.custom_resources import GROUP, OLDER_GROUP, install
from tests.lab.kubernetes.manifests import Manifest, endpoint, endpoint_slice, manifest, secret, service


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        install(server)
        server.apply(service(), endpoint_slice())
        yield server


def route(name: str = "web", host: str = "web.test", group: str = GROUP, **more: Any) -> Manifest:
    one = {"match": f"Host(`{host}`)", "services": [{"name": "web", "port": 80}], **more}
    return manifest(group, "IngressRoute", name, spec={"routes": [one]})


def provider_of(api: ApiServer, **options: Any) -> KubernetesCrdProvider:
    return KubernetesCrdProvider(KubernetesCrdOptions(endpoint=api.url, **options))


def rules(found: Configuration) -> set[str]:
    return {router.rule.text for router in found.routers.values()}


def servers(found: Configuration) -> set[str]:
    return {server.host for each in found.services.values() for server in each.servers}


ROUTES = 400

WEB, OTHER = "Host(`web.test`)", "Host(`other.test`)"


def test_objects_are_there_at_the_start_and_followed_by_events(api: ApiServer) -> None:
    api.apply(route())
    with watched(provider_of(api)) as running:
        found = running.next()
        assert (rules(found), servers(found)) == ({WEB}, {"10.1.0.1"})
        assert not found.diagnostics
        api.apply(route("other", "other.test"))
        running.until(lambda found: rules(found) == {WEB, OTHER})
        api.delete(route())
        running.until(lambda found: rules(found) == {OTHER})
        listed = [each for each in api.requests if "ingressroutes" in each and "watch=true" not in each]
        assert len([each for each in listed if "traefik.io" in each]) == 1


def test_a_change_of_a_looked_up_object_changes_what_depends_on_it(api: ApiServer) -> None:
    api.apply(
        route("guarded", "guarded.test", middlewares=[{"name": "auth"}]),
        manifest(GROUP, "Middleware", "auth", spec={"basicAuth": {"secret": "users"}}),
    )
    with watched(provider_of(api)) as running:
        assert running.next().middlewares["default-auth@kubernetescrd"].unusable
        api.apply(secret("users", {"users": "one:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="}))
        found = running.until(lambda found: not found.middlewares["default-auth@kubernetescrd"].unusable)
        assert not found.diagnostics
        api.apply(endpoint_slice(endpoints=[endpoint("10.1.0.1"), endpoint("10.1.0.2")]))
        running.until(lambda found: servers(found) == {"10.1.0.1", "10.1.0.2"})


def test_objects_that_affect_nothing_cause_no_configuration(api: ApiServer) -> None:
    api.apply(route())
    with watched(provider_of(api)) as running:
        running.next()
        api.apply(service("unrelated"), secret("unrelated", {"a": "b"}))
        assert running.quiet()


def test_certificates_of_secrets_are_sealed_and_follow_their_secret(api: ApiServer) -> None:
    one, two = make_pair("web.test"), make_pair("web.test", serial=4712)
    api.apply(
        manifest(
            GROUP,
            "IngressRoute",
            "web",
            spec={
                "routes": [{"match": WEB, "services": [{"name": "web", "port": 80}]}],
                "tls": {"secretName": "web"},
            },
        ),
        secret("web", {"tls.crt": one.certificate, "tls.key": one.key}),
    )
    options = KubernetesCrdOptions(endpoint=api.url)
    with watched(KubernetesCrdProvider(options, lambda text: f"sealed {len(text)}")) as running:
        [certificate] = running.next().certificates.values()
        assert certificate.key.startswith("sealed ")
        api.apply(secret("web", {"tls.crt": two.certificate, "tls.key": two.key}))
        running.until(lambda found: certificate.name not in found.certificates and bool(found.certificates))


def test_routes_outlive_an_outage_and_its_end_is_noticed(api: ApiServer) -> None:
    api.apply(route())
    with supervised(provider_of(api)) as running:
        running.until(lambda found: rules(found) == {WEB})
        api.go()
        running.until_failing("cannot be reached")
        assert rules(running.configuration) == {WEB}
        api.state.put(
            ("/apis/traefik.io/v1alpha1/ingressroutes", "default", "other"), route("other", "other.test")
        )
        api.come_back()
        running.until(lambda found: rules(found) == {WEB, OTHER})
        running.until_ok()


def test_a_right_that_is_missing_is_named(api: ApiServer) -> None:
    api.forbid("secrets")
    with supervised(provider_of(api)) as running:
        running.until_failing("grant the agent's account the verbs list and watch on secrets")
        api.forbid()
        running.until_ok()


def test_definitions_that_are_not_installed_are_reported_until_they_are(api: ApiServer) -> None:
    api.uninstall(GROUP, "TLSStore")
    api.apply(route())
    with watched(provider_of(api)) as running:
        found = running.next()
        assert rules(found) == {WEB}
        assert [each.message for each in found.diagnostics] == [
            "the API server does not know tlsstores.traefik.io, so there are none"
        ]


def test_accounts_need_no_right_to_the_older_group_or_to_kinds_for_tcp_and_udp(api: ApiServer) -> None:
    install(api, OLDER_GROUP)
    api.apply(route())
    api.forbid(*LAYER4_KINDS.values())
    with watched(provider_of(api)) as running:
        found = running.next()
        assert (rules(found), found.diagnostics) == ({WEB}, ())


def test_both_groups_are_read_and_the_newer_one_counts(api: ApiServer) -> None:
    install(api, OLDER_GROUP)
    api.apply(
        route("web", "old.test", OLDER_GROUP),
        route("web", "web.test"),
        route("other", "other.test", OLDER_GROUP),
    )
    with watched(provider_of(api)) as running:
        assert rules(running.next()) == {WEB, OTHER}
        api.delete(route("web"))
        running.until(lambda found: rules(found) == {"Host(`old.test`)", OTHER})


def test_the_older_group_alone_is_enough() -> None:
    with ApiServer() as server:
        install(server, OLDER_GROUP)
        server.apply(service(), endpoint_slice(), route(group=OLDER_GROUP))
        with watched(provider_of(server)) as running:
            found = running.next()
            assert (rules(found), found.diagnostics) == ({WEB}, ())


def test_names_of_two_namespaces_that_become_one_are_left_out(api: ApiServer) -> None:
    for namespace, name in (("a", "b-c"), ("a-b", "c")):
        api.apply(
            service(name, namespace=namespace),
            endpoint_slice(name, [endpoint(f"10.9.0.{len(name)}")], namespace=namespace),
            manifest(
                GROUP,
                "TraefikService",
                f"of-{namespace}",
                namespace,
                spec={"weighted": {"services": [{"name": name, "port": 80}]}},
            ),
        )
    with watched(provider_of(api)) as running:
        found = running.next()
        assert "a-b-c-80@kubernetescrd" not in found.services
        assert "its servers are those of port 80 of the service a/b-c" in found.diagnostics[0].message


def test_namespaces_and_labels_select_objects(api: ApiServer) -> None:
    labelled = route("labelled", "labelled.test")
    labelled["metadata"]["labels"] = {"app": "shop"}
    elsewhere = route("elsewhere", "elsewhere.test")
    elsewhere["metadata"]["namespace"] = "elsewhere"
    elsewhere["metadata"]["labels"] = {"app": "shop"}
    api.apply(route(), labelled, elsewhere)
    provider = provider_of(
        api, namespaces=("default",), label_selector="app=shop", disable_cluster_scope_resources=True
    )
    with watched(provider) as running:
        assert rules(running.next()) == {"Host(`labelled.test`)"}
    assert not [each for each in api.requests if "/nodes" in each or "/namespaces/default/" not in each]


def test_options_of_the_settings_reach_the_decoders(api: ApiServer) -> None:
    api.apply(route(services=[{"name": "web", "port": 80}]))
    with watched(provider_of(api, native_lb_by_default=True)) as running:
        assert servers(running.next()) == {"10.0.0.1"}


def test_objects_for_tcp_and_udp_are_followed(api: ApiServer) -> None:
    api.apply(manifest(GROUP, "MiddlewareTCP", "few", spec={"inFlightConn": {"amount": 5}}))
    with watched(provider_of(api)) as running:
        assert running.next().tcp_middlewares["default-few@kubernetescrd"].options == {"amount": 5}
        api.apply(manifest(GROUP, "MiddlewareTCP", "few", spec={"inFlightConn": {"amount": 6}}))
        assert running.next().tcp_middlewares["default-few@kubernetescrd"].options == {"amount": 6}


def test_one_object_that_cannot_be_decoded_does_not_take_the_others_along(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = provider_module.decode

    def failing(policy: Any, seal: Any, kind: str, item: Any, cluster: Any) -> Any:
        if item["metadata"]["name"] == "bad":
            raise LookupError("a bug")
        return decode(policy, seal, kind, item, cluster)

    monkeypatch.setattr(provider_module, "decode", failing)
    api.apply(route(), route("bad", "bad.test"))
    with watched(provider_of(api)) as running:
        found = running.next()
        assert rules(found) == {WEB}
        assert "a bug in Rondpoint" in found.diagnostics[0].message


def test_hundreds_of_routes_are_read_at_once_and_a_change_costs_little(api: ApiServer) -> None:
    for number in range(ROUTES):
        api.apply(
            service(f"s{number}"),
            endpoint_slice(f"s{number}", [endpoint(f"10.2.{number // 250}.{number % 250}")]),
            route(f"r{number}", f"h{number}.test", services=[{"name": f"s{number}", "port": 80}]),
        )
    started = time.monotonic()
    with watched(provider_of(api)) as running:
        found = running.next()
        loaded = time.monotonic() - started
        assert len(found.services) == ROUTES
        before = time.monotonic()
        api.apply(endpoint_slice("s7", [endpoint("10.3.0.1")]))
        changed = running.until(lambda found: "10.3.0.1" in servers(found))
        took = time.monotonic() - before
        print(f"loaded in {loaded:.2f} s, a change emitted after {1000 * took:.0f} ms")
        same = [name for name, each in found.services.items() if changed.services[name] is each]
        assert len(same) == ROUTES - 1
        assert took < 2
