"""Where requests go: the precedence of hostnames, paths, methods, headers and ages."""

import pytest

from tests.discovery.providers.kubernetes_gateway.cluster import Cluster, service

GATEWAY = """
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: traefik.io/gateway-controller}
---
kind: Gateway
metadata: {name: gw}
spec:
  gatewayClassName: ours
  listeners:
    - {name: web, port: 80, protocol: HTTP}
"""
SERVICES = (service("one", "1.1.1.1"), service("two", "2.2.2.2"), service("three", "3.3.3.3"))


def route(name: str, rules: str, hostnames: str = "[]", created: str = "2026-01-01T00:00:00Z") -> str:
    return f"""
kind: HTTPRoute
metadata: {{name: {name}, creationTimestamp: '{created}'}}
spec:
  parentRefs: [{{name: gw}}]
  hostnames: {hostnames}
  rules: {rules}
"""


def to(service_name: str, *matches: str) -> str:
    return f"{{matches: [{', '.join(matches)}], backendRefs: [{{name: {service_name}, port: 80}}]}}"


def prefix(value: str) -> str:
    return f"{{path: {{type: PathPrefix, value: {value}}}}}"


def exact(value: str) -> str:
    return f"{{path: {{type: Exact, value: {value}}}}}"


def header(name: str, value: str) -> str:
    return f"{{headers: [{{name: {name}, value: {value}}}]}}"


PATHS = route(
    "paths",
    f"[{to('one', prefix('/match'))}, {to('two', prefix('/match/prefix/one'), exact('/match/exact'))}, "
    f"{to('three', exact('/match/exact/one'), prefix('/match/'))}]",
)
ACROSS = (
    route(
        "part-1",
        f"[{to('one', prefix('/'), header('version', 'one'))}]",
        "[example.com, example.net]",
    ),
    route("part-2", f"[{to('two', prefix('/v2'), header('version', 'two'))}]", "[example.com]"),
)
HEADERS = route(
    "headers",
    f"[{to('one', header('version', 'one'))}, {to('two', header('version', 'two'))}, "
    "{matches: [{headers: [{name: version, value: two}, {name: color, value: orange}]}], "
    "backendRefs: [{name: one, port: 80}]}, "
    "{matches: [{headers: [{name: color, type: RegularExpression, value: '^b'}]}], "
    "backendRefs: [{name: three, port: 80}]}]",
)
QUERIES = route(
    "queries",
    "[{matches: [{queryParams: [{name: animal, value: whale}]}], backendRefs: [{name: one, port: 80}]}, "
    "{matches: [{queryParams: [{name: animal, value: dolphin}]}], backendRefs: [{name: two, port: 80}]}, "
    "{matches: [{queryParams: [{name: animal, value: dolphin}, {name: color, value: blue}]}], "
    "backendRefs: [{name: three, port: 80}]}]",
)
METHODS = route(
    "methods",
    "[{matches: [{method: POST}], backendRefs: [{name: one, port: 80}]}, "
    "{matches: [{method: GET}], backendRefs: [{name: two, port: 80}]}, "
    "{matches: [{path: {value: /p}, method: PUT}], backendRefs: [{name: three, port: 80}]}]",
)
HOSTS = (
    route("specific", f"[{to('one', prefix('/'))}]", "[a.example.com]"),
    route("wildcard", f"[{to('two', exact('/exact'), prefix('/'))}]", "['*.example.com']"),
    route("all", f"[{to('three', prefix('/'))}]"),
)
AGES = (
    route("a-younger", f"[{to('one', prefix('/'))}]", "[a.test]", "2026-05-01T00:00:00Z"),
    route("b-older", f"[{to('two', prefix('/'))}]", "[a.test]", "2026-04-01T00:00:00Z"),
    route("c-longer", f"[{to('three', prefix('/x'))}]", "[a.test]", "2026-06-01T00:00:00Z"),
    route("d-name", f"[{to('one', prefix('/'))}]", "[b.test]"),
    route("e-name", f"[{to('two', prefix('/'))}]", "[b.test]"),
)
ORDER = route("order", f"[{to('one', prefix('/'))}, {to('two', prefix('/'))}]")
NO_MATCHES = route("open", "[{backendRefs: [{name: one, port: 80}]}]")
REGEX = route(
    "regex",
    "[{matches: [{path: {type: RegularExpression, value: '^/v[0-9]+/'}}], "
    "backendRefs: [{name: one, port: 80}]}]",
)

# objects, method and URL, headers, servers or status
REQUESTS: list[tuple[str | tuple[str, ...], str, dict[str, str], str | int]] = [
    (PATHS, "/match/exact/one", {}, "3.3.3.3"),
    (PATHS, "/match/exact", {}, "2.2.2.2"),
    (PATHS, "/match", {}, "1.1.1.1"),
    (PATHS, "/match/prefix/one/any", {}, "2.2.2.2"),
    (PATHS, "/matching", {}, 404),
    (PATHS, "/", {}, 404),
    (ACROSS, "http://example.com/", {}, "1.1.1.1"),
    (ACROSS, "http://example.com/example", {}, "1.1.1.1"),
    (ACROSS, "http://example.net/example", {}, "1.1.1.1"),
    (ACROSS, "http://example.com/example", {"version": "one"}, "1.1.1.1"),
    (ACROSS, "http://example.com/v2", {}, "2.2.2.2"),
    (ACROSS, "http://example.net/v2", {}, "1.1.1.1"),
    (ACROSS, "http://example.com/v2/example", {}, "2.2.2.2"),
    (ACROSS, "http://example.com/", {"version": "two"}, "2.2.2.2"),
    (ACROSS, "http://example.org/", {}, 404),
    (HEADERS, "/", {"Version": "one"}, "1.1.1.1"),
    (HEADERS, "/", {"Version": "two"}, "2.2.2.2"),
    (HEADERS, "/", {"version": "two", "color": "orange"}, "1.1.1.1"),
    (HEADERS, "/", {"color": "blue"}, "3.3.3.3"),
    (HEADERS, "/", {"version": "three"}, 404),
    (QUERIES, "/?animal=whale", {}, "1.1.1.1"),
    (QUERIES, "/?animal=dolphin", {}, "2.2.2.2"),
    (QUERIES, "/?animal=dolphin&color=blue", {}, "3.3.3.3"),
    (QUERIES, "/?animal=shark", {}, 404),
    (METHODS, "POST /", {}, "1.1.1.1"),
    (METHODS, "GET /p", {}, "2.2.2.2"),
    (METHODS, "PUT /p/q", {}, "3.3.3.3"),
    (METHODS, "HEAD /", {}, 404),
    (HOSTS, "http://a.example.com/exact", {}, "1.1.1.1"),
    (HOSTS, "http://b.example.com/exact", {}, "2.2.2.2"),
    (HOSTS, "http://c.b.example.com/x", {}, "2.2.2.2"),
    (HOSTS, "http://example.com/exact", {}, "3.3.3.3"),
    (HOSTS, "http://b.example.org/exact", {}, "3.3.3.3"),
    (AGES, "http://a.test/", {}, "2.2.2.2"),
    (AGES, "http://a.test/x", {}, "3.3.3.3"),
    (AGES, "http://b.test/", {}, "1.1.1.1"),
    (ORDER, "/", {}, "1.1.1.1"),
    (NO_MATCHES, "/any", {}, "1.1.1.1"),
    (REGEX, "/v12/x", {}, "1.1.1.1"),
    (REGEX, "/v/x", {}, 404),
]


@pytest.mark.parametrize(("objects", "request_line", "headers", "expected"), REQUESTS)
def test_the_most_specific_match_takes_a_request(
    objects: str | tuple[str, ...], request_line: str, headers: dict[str, str], expected: str | int
) -> None:
    documents = (objects,) if isinstance(objects, str) else objects
    cluster = Cluster(GATEWAY, *SERVICES, *documents)
    method, _, target = request_line.rpartition(" ")
    url = target if target.startswith("http") else f"http://any.test{target}"
    assert cluster.goes_to(url, method or "GET", **headers) == expected
    assert not cluster.texts


GRPC = """
kind: GRPCRoute
metadata: {name: calls}
spec:
  parentRefs: [{name: gw}]
  rules:
    - matches: [{method: {service: shop.Cart, method: Add}}]
      backendRefs: [{name: one, port: 80}]
    - matches: [{method: {service: shop.Cart}}]
      backendRefs: [{name: two, port: 80}]
    - matches: [{method: {method: Ping}}]
      backendRefs: [{name: three, port: 80}]
    - matches: [{method: {type: RegularExpression, service: 'mail\\..+', method: Send.*}}]
      backendRefs: [{name: one, port: 80}]
    - matches: [{headers: [{name: version, value: two}]}]
      backendRefs: [{name: two, port: 80}]
"""


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/shop.Cart/Add", {}, "1.1.1.1"),
        ("/shop.Cart/Remove", {}, "2.2.2.2"),
        ("/other.Service/Ping", {}, "3.3.3.3"),
        ("/mail.Box/SendAll", {}, "1.1.1.1"),
        ("/mail.Box/Read", {}, 404),
        ("/other.Service/Read", {"version": "two"}, "2.2.2.2"),
        ("/shopXCart/Add", {}, 404),
    ],
)
def test_calls_are_matched_by_service_method_and_headers(
    path: str, headers: dict[str, str], expected: str | int
) -> None:
    cluster = Cluster(GATEWAY, *SERVICES, GRPC)
    assert cluster.goes_to(f"http://any.test{path}", "POST", **headers) == expected
    assert {server.scheme for each in cluster.merged.services.values() for server in each.servers} == {"h2c"}
