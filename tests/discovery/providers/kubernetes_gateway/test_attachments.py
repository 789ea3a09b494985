"""Which routes attach to which listeners, and what the statuses say about it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.discovery.providers.kubernetes_gateway.cluster import NOW, Cluster, Told, conditions, service
from tests.lab.certificate import write_certificate

CLASSES = """
kind: GatewayClass
metadata: {name: ours, generation: 3}
spec: {controllerName: traefik.io/gateway-controller}
---
kind: GatewayClass
metadata: {name: theirs}
spec: {controllerName: example.com/other}
---
kind: Namespace
metadata: {name: default, labels: {team: web}}
---
kind: Namespace
metadata: {name: shop, labels: {team: shop}}
"""
ONE = service("one", "1.1.1.1")
ATTACHED = {"Accepted": Told("True", "Accepted"), "ResolvedRefs": Told("True", "ResolvedRefs")}
FINE = {**ATTACHED, "Programmed": Told("True", "Programmed")}


def gateway(*listeners: str, class_name: str = "ours", namespace: str = "default") -> str:
    return f"""
kind: Gateway
metadata: {{name: gw, namespace: {namespace}, generation: 2}}
spec:
  gatewayClassName: {class_name}
  listeners: [{", ".join(listeners)}]
"""


def listener(
    name: str = "web", port: int = 80, hostname: str = "", protocol: str = "HTTP", more: str = ""
) -> str:
    host = f", hostname: '{hostname}'" if hostname else ""
    return f"{{name: {name}, port: {port}, protocol: {protocol}{host}{more}}}"


def route(
    parent: str = "{name: gw}", hostnames: str = "[]", namespace: str = "default", kind: str = "HTTPRoute"
) -> str:
    return f"""
kind: {kind}
metadata: {{name: r, namespace: {namespace}, generation: 5}}
spec:
  parentRefs: [{parent}]
  hostnames: {hostnames}
  rules: [{{backendRefs: [{{name: one, namespace: default, port: 80}}]}}]
"""


GRANT = """
kind: ReferenceGrant
metadata: {name: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
  to: [{group: '', kind: Service}]
"""


@pytest.mark.parametrize(
    ("written", "of_route", "requests"),
    [
        ("", "[]", {"a.test": "1.1.1.1"}),
        ("", "[a.test]", {"a.test": "1.1.1.1", "b.test": 404}),
        ("a.test", "[]", {"a.test": "1.1.1.1", "b.test": 404}),
        ("a.test", "[a.test, b.test]", {"a.test": "1.1.1.1", "b.test": 404}),
        ("A.Test", "[a.TEST]", {"a.test": "1.1.1.1"}),
        ("*.a.test", "[b.a.test]", {"b.a.test": "1.1.1.1", "c.a.test": 404, "a.test": 404}),
        ("*.a.test", "['*.b.a.test']", {"c.b.a.test": "1.1.1.1", "c.a.test": 404}),
        ("b.a.test", "['*.a.test']", {"b.a.test": "1.1.1.1", "c.a.test": 404}),
        ("*.a.test", "['*.a.test']", {"c.b.a.test": "1.1.1.1", "xa.test": 404}),
    ],
)
@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_a_route_serves_the_hostnames_that_it_shares_with_a_listener(
    kind: str, written: str, of_route: str, requests: dict[str, str | int]
) -> None:
    own = route(hostnames=of_route, kind=kind)
    cluster = Cluster(CLASSES, ONE, gateway(listener(hostname=written)), own)
    assert {host: cluster.goes_to(f"http://{host}/") for host in requests} == requests
    assert not cluster.texts


REFUSED = [
    (gateway(listener(hostname="a.test")), route(hostnames="[b.test]"), "NoMatchingListenerHostname"),
    (gateway(listener()), route("{name: gw, sectionName: other}"), "NoMatchingParent"),
    (gateway(listener()), route("{name: gw, port: 8080}"), "NoMatchingParent"),
    (gateway(listener()), route("{name: gw, sectionName: web, port: 8080}"), "NoMatchingParent"),
    (gateway(listener()), route("{name: gw, namespace: default}", namespace="shop"), "NotAllowedByListeners"),
    (
        gateway(listener(more=", allowedRoutes: {kinds: [{kind: GRPCRoute}]}")),
        route(),
        "NotAllowedByListeners",
    ),
    (gateway(listener(port=81)), route(), "NotAllowedByListeners"),
    (gateway(listener(protocol="TCP")), route(), "NotAllowedByListeners"),
]


@pytest.mark.parametrize(
    ("of_gateway", "of_route", "reason"),
    REFUSED,
    ids=[f"{number}-{reason}" for number, (_, _, reason) in enumerate(REFUSED)],
)
def test_a_route_that_no_listener_takes_is_told_why(of_gateway: str, of_route: str, reason: str) -> None:
    cluster = Cluster(CLASSES, ONE, GRANT, of_gateway, of_route)
    assert cluster.goes_to("http://a.test/") == 404
    namespace = "shop" if "namespace: shop" in of_route else "default"
    (parent,) = cluster.status_of("HTTPRoute", "r", namespace)["parents"]
    assert conditions(parent) == {**ATTACHED, "Accepted": Told("False", reason)}
    assert any("does not take it" in text for text in cluster.texts)
    assert all(each["attachedRoutes"] == 0 for each in cluster.status_of("Gateway", "gw")["listeners"])


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ("{from: All}", "1.1.1.1"),
        ("{from: Same}", 404),
        ("{from: Selector, selector: {matchLabels: {team: shop}}}", "1.1.1.1"),
        ("{from: Selector, selector: {matchLabels: {team: web}}}", 404),
        (
            "{from: Selector, selector: {matchExpressions: [{key: team, operator: In, values: [shop, x]}]}}",
            "1.1.1.1",
        ),
        (
            "{from: Selector, selector: {matchExpressions: [{key: team, operator: NotIn, values: [shop]}]}}",
            404,
        ),
        ("{from: Selector, selector: {matchExpressions: [{key: team, operator: Exists}]}}", "1.1.1.1"),
        ("{from: Selector, selector: {matchExpressions: [{key: team, operator: DoesNotExist}]}}", 404),
        ("{from: None}", 404),
    ],
)
def test_listeners_choose_the_namespaces_of_their_routes(allowed: str, expected: str | int) -> None:
    own = gateway(listener(more=f", allowedRoutes: {{namespaces: {allowed}}}"))
    of_shop = route("{name: gw, namespace: default}", namespace="shop")
    cluster = Cluster(CLASSES, ONE, GRANT, own, of_shop)
    assert cluster.goes_to("http://a.test/") == expected


def test_the_labels_of_a_namespace_may_change() -> None:
    selector = "{from: Selector, selector: {matchLabels: {team: new}}}"
    own = gateway(listener(more=f", allowedRoutes: {{namespaces: {selector}}}"))
    cluster = Cluster(CLASSES, ONE, GRANT, own, route("{name: gw, namespace: default}", namespace="shop"))
    assert cluster.goes_to("http://a.test/") == 404
    cluster.apply("kind: Namespace\nmetadata: {name: shop, labels: {team: new}}")
    assert cluster.goes_to("http://a.test/") == "1.1.1.1"


def test_statuses_say_what_is_attached() -> None:
    cluster = Cluster(
        CLASSES, ONE, gateway(listener(), listener("api", 8080)), route("{name: gw, sectionName: api}")
    )
    assert conditions(cluster.status_of("GatewayClass", "ours")) == {"Accepted": Told("True", "Accepted")}
    assert cluster.status_of("GatewayClass", "theirs") == {}
    status = cluster.status_of("Gateway", "gw")
    assert status["addresses"] == [{"type": "IPAddress", "value": "192.0.2.1"}]
    assert conditions(status) == {
        "Accepted": Told("True", "Accepted"),
        "Programmed": Told("True", "Programmed"),
    }
    counts = {each["name"]: each["attachedRoutes"] for each in status["listeners"]}
    assert counts == {"web": 0, "api": 1}
    kinds = [{"group": "gateway.networking.k8s.io", "kind": kind} for kind in ("HTTPRoute", "GRPCRoute")]
    for each in status["listeners"]:
        assert (conditions(each), each["supportedKinds"]) == (FINE, kinds)
        assert {(c["observedGeneration"], c["lastTransitionTime"]) for c in each["conditions"]} == {(2, NOW)}
    (parent,) = cluster.status_of("HTTPRoute", "r")["parents"]
    assert parent["parentRef"] == {"name": "gw", "sectionName": "api"}
    assert parent["controllerName"] == "traefik.io/gateway-controller"
    assert conditions(parent) == ATTACHED
    assert (cluster.goes_to("http://a.test:8080/"), cluster.goes_to("http://a.test/")) == ("1.1.1.1", 404)
    cluster.remove("HTTPRoute", "default", "r")
    assert [each["attachedRoutes"] for each in cluster.status_of("Gateway", "gw")["listeners"]] == [0, 0]


def test_a_written_status_is_not_due_again_and_keeps_its_times() -> None:
    cluster = Cluster(CLASSES, ONE, gateway(listener()), route(), now="2026-01-01T00:00:00Z")
    for due in list(cluster.statuses.due(everything=True)):
        cluster.objects.put(due.resource, {**due.item, "status": due.status})
    cluster.now = NOW
    cluster.apply("kind: Namespace\nmetadata: {name: new}")
    assert list(cluster.statuses.due(everything=True)) == []
    cluster.remove("Service", "default", "one")
    (parent,) = cluster.status_of("HTTPRoute", "r")["parents"]
    assert {each["type"]: each["lastTransitionTime"] for each in parent["conditions"]} == {
        "Accepted": "2026-01-01T00:00:00Z",
        "ResolvedRefs": NOW,
    }


def test_statuses_of_other_controllers_stay() -> None:
    theirs: dict[str, Any] = {"parentRef": {"name": "x"}, "controllerName": "example.com/other"}
    cluster = Cluster(CLASSES, ONE, gateway(listener()), route() + f"status: {{parents: [{theirs}]}}")
    assert cluster.status_of("HTTPRoute", "r")["parents"][0] == theirs


def test_gateways_of_other_controllers_are_not_served() -> None:
    cluster = Cluster(CLASSES, ONE, gateway(listener(), class_name="theirs"), route())
    assert cluster.goes_to("http://a.test/") == 404
    assert cluster.status_of("Gateway", "gw") == {}
    assert cluster.status_of("HTTPRoute", "r") == {"parents": []} or not cluster.configuration.routers


def test_two_listeners_alike_are_in_conflict() -> None:
    cluster = Cluster(CLASSES, ONE, gateway(listener("web"), listener("again")), route())
    first, second = cluster.status_of("Gateway", "gw")["listeners"]
    assert conditions(first) == FINE
    assert conditions(second)["Conflicted"] == Told("True", "HostnameConflict")
    assert conditions(second)["Programmed"] == Told("False", "Invalid")
    assert cluster.goes_to("http://a.test/") == "1.1.1.1"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The data of a Secret with a certificate for a.test."""
    path = tmp_path_factory.mktemp("pair") / "both.pem"
    both = write_certificate(path, "DNS:a.test").read_bytes()
    # Key first, as openssl writes them.
    start = both.index(b"-----BEGIN CERTIFICATE")
    certificate, key = (base64.b64encode(text).decode() for text in (both[start:], both[:start]))
    return f"{{tls.crt: {certificate}, tls.key: {key}}}"


def secret(data: str, namespace: str = "default") -> str:
    metadata = f"{{name: cert, namespace: {namespace}}}"
    return f"kind: Secret\nmetadata: {metadata}\ntype: kubernetes.io/tls\ndata: {data}"


def secure(reference: str = "{name: cert}", more: str = "") -> str:
    return gateway(
        listener("tls", 443, "a.test", "HTTPS", f", tls: {{certificateRefs: [{reference}]{more}}}")
    )


SECRET_GRANT = """
kind: ReferenceGrant
metadata: {name: certs, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}]
  to: [{group: '', kind: Secret, name: cert}]
"""


def test_certificates_come_from_secrets(pair: str) -> None:
    cluster = Cluster(CLASSES, ONE, secure(), secret(pair), route())
    assert cluster.goes_to("https://a.test/") == "1.1.1.1"
    (certificate,) = cluster.merged.certificates.values()
    assert certificate.names == ("a.test",)
    assert conditions(cluster.status_of("Gateway", "gw")["listeners"][0]) == FINE


@pytest.mark.parametrize(
    ("reference", "namespace", "grant", "data", "reason"),
    [
        ("{name: none}", "default", "", None, "InvalidCertificateRef"),
        ("{name: cert}", "default", "", "{tls.crt: bm8=, tls.key: bm8=}", "InvalidCertificateRef"),
        ("{name: cert}", "default", "", "{}", "InvalidCertificateRef"),
        ("{name: cert, kind: ConfigMap}", "default", "", None, "InvalidCertificateRef"),
        ("{name: cert, group: wrong.io}", "default", "", None, "InvalidCertificateRef"),
        ("{name: cert, namespace: shop}", "shop", "", None, "RefNotPermitted"),
        (
            "{name: cert, namespace: shop}",
            "shop",
            SECRET_GRANT.replace("name: cert}", "name: other}"),
            None,
            "RefNotPermitted",
        ),
        (
            "{name: cert, namespace: shop}",
            "shop",
            SECRET_GRANT.replace("kind: Gateway", "kind: HTTPRoute"),
            None,
            "RefNotPermitted",
        ),
        ("{name: cert, namespace: shop}", "shop", SECRET_GRANT, None, ""),
        (
            "{name: cert, namespace: shop}",
            "shop",
            SECRET_GRANT.replace(", name: cert}", "}"),
            None,
            "",
        ),
    ],
    ids=[
        *("missing", "no-pem", "empty", "config-map", "group", "no-grant", "other-name", "other-kind"),
        *("granted", "granted-all"),
    ],
)
def test_a_listener_without_its_certificate_is_closed_and_says_so(
    pair: str, reference: str, namespace: str, grant: str, data: str | None, reason: str
) -> None:
    given = secret(pair if data is None else data, namespace)
    cluster = Cluster(CLASSES, ONE, secure(reference), given, grant, route())
    assert cluster.goes_to("https://a.test/") == (404 if reason else "1.1.1.1")
    (own,) = cluster.status_of("Gateway", "gw")["listeners"]
    # The route counts as attached: it has done nothing wrong.
    assert own["attachedRoutes"] == 1
    if reason:
        assert conditions(own)["ResolvedRefs"] == Told("False", reason)
        assert conditions(own)["Programmed"] == Told("False", "Invalid")
        assert not cluster.merged.certificates


def test_passthrough_and_unknown_kinds_are_refused(pair: str) -> None:
    cluster = Cluster(CLASSES, ONE, secure(more=", mode: Passthrough"), secret(pair), route())
    assert cluster.goes_to("https://a.test/") == 404
    (own,) = cluster.status_of("Gateway", "gw")["listeners"]
    assert conditions(own)["Accepted"] == Told("False", "UnsupportedValue")
    kinds = ", allowedRoutes: {kinds: [{kind: Unknown}, {kind: HTTPRoute}]}"
    cluster = Cluster(CLASSES, ONE, gateway(listener(more=kinds)), route())
    (own,) = cluster.status_of("Gateway", "gw")["listeners"]
    assert conditions(own)["ResolvedRefs"] == Told("False", "InvalidRouteKinds")
    assert [each["kind"] for each in own["supportedKinds"]] == ["HTTPRoute"]


def test_a_port_of_an_entry_point_with_tls_takes_no_plain_listener() -> None:
    cluster = Cluster(CLASSES, ONE, gateway(listener(port=443)), route())
    (own,) = cluster.status_of("Gateway", "gw")["listeners"]
    assert conditions(own)["Accepted"] == Told("False", "PortUnavailable")


ISOLATED = gateway(
    listener("all"),
    listener("example", hostname="*.example.com"),
    listener("foo", hostname="*.foo.example.com"),
    listener("abc", hostname="abc.foo.example.com"),
)
"""The Gateway of the conformance tests for listener isolation."""

HOSTS = ("bar.com", "bar.example.com", "bar.foo.example.com", "abc.foo.example.com")
LEVELS = ("all", "example", "foo", "abc")


@pytest.mark.parametrize(
    "hostnames", ["[]", "[bar.com, '*.example.com', '*.foo.example.com', abc.foo.example.com]"]
)
@pytest.mark.parametrize("section", LEVELS)
def test_a_listener_serves_no_hostname_of_a_more_specific_one(section: str, hostnames: str) -> None:
    of_section = route(f"{{name: gw, sectionName: {section}}}", hostnames)
    cluster = Cluster(CLASSES, ONE, ISOLATED, of_section)
    served = [host for host in HOSTS if cluster.goes_to(f"http://{host}/") == "1.1.1.1"]
    assert served == [HOSTS[LEVELS.index(section)]]
    (parent,) = cluster.status_of("HTTPRoute", "r")["parents"]
    assert conditions(parent) == ATTACHED
    lost = sum("belongs to a more specific listener" in text for text in cluster.texts)
    assert lost == (0 if hostnames == "[]" else 3 - LEVELS.index(section))


def test_a_route_of_all_listeners_serves_all_hostnames() -> None:
    cluster = Cluster(CLASSES, ONE, ISOLATED, route())
    assert [cluster.goes_to(f"http://{host}/") for host in HOSTS] == ["1.1.1.1"] * 4
    assert not cluster.texts


def test_listeners_of_other_ports_and_gateways_take_no_hostnames() -> None:
    other = gateway(listener(hostname="b.test")).replace("name: gw", "name: other")
    cluster = Cluster(CLASSES, ONE, gateway(listener(), listener("api", 8080, "a.test")), other, route())
    assert [cluster.goes_to(f"http://{host}/") for host in ("a.test", "b.test")] == ["1.1.1.1"] * 2
    # The listener on the other port takes its own hostname only.
    assert cluster.goes_to("http://b.test:8080/") == 404


def test_a_closed_listener_keeps_its_hostnames() -> None:
    closed = listener("no", hostname="a.test", more=", allowedRoutes: {kinds: [{kind: Unknown}]}")
    cluster = Cluster(CLASSES, ONE, gateway(listener(), closed), route())
    assert [cluster.goes_to(f"http://{host}/") for host in ("a.test", "b.test")] == [404, "1.1.1.1"]


def test_a_gateway_with_parameters_is_not_accepted() -> None:
    given = gateway(listener()) + "  infrastructure: {parametersRef: {group: x.io, kind: Y, name: z}}\n"
    cluster = Cluster(CLASSES, ONE, given, route())
    assert cluster.goes_to("http://a.test/") == 404
    status = cluster.status_of("Gateway", "gw")
    assert conditions(status) == {
        "Accepted": Told("False", "InvalidParameters"),
        "Programmed": Told("False", "Invalid"),
    }
    (own,) = status["listeners"]
    assert conditions(own) == {**FINE, "Programmed": Told("False", "Invalid")}
    assert any("parameters of kind x.io/Y are not supported" in text for text in cluster.texts)


@pytest.mark.parametrize(("listeners", "accepted"), [((), "False"), ((listener(),), "True")])
def test_a_gateway_is_accepted_if_a_listener_has_a_supported_protocol(
    listeners: tuple[str, ...], accepted: str
) -> None:
    cluster = Cluster(CLASSES, ONE, gateway(*listeners, listener("odd", 1111, protocol="INVALID")), route())
    status = cluster.status_of("Gateway", "gw")
    assert conditions(status)["Accepted"] == Told(accepted, "ListenersNotValid")
    odd = status["listeners"][-1]
    assert conditions(odd)["Accepted"] == Told("False", "UnsupportedProtocol")
    assert odd["supportedKinds"] == []
