"""Traefik 3 and Rondpoint with the same file of routes: their APIs return the same fields and values.

MISSING and DIFFERENT list the fields that Rondpoint leaves out or shows differently, with the reason.
Additional fields of Rondpoint are not compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.discovery.certificates.pairs import make_pair, private_key
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.installation import Installation, start
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.waiting import until

ROUTES = """
http:
  routers:
    shop: {rule: "Host(`shop.test`) && PathPrefix(`/a`)", service: shop, middlewares: [strip]}
    plain: {rule: "Host(`plain.test`)", service: alone, entryPoints: [web], priority: 7}
    chained: {rule: "Host(`chained.test`)", service: shop@file, middlewares: [chain, strip@file]}
    secure: {rule: "Host(`secure.test`)", service: shop, entryPoints: [secure], tls: {}}
    strict: {rule: "Host(`strict.test`)", service: shop, entryPoints: [secure], tls: {options: strict}}
    half: {rule: "Host(`half.test`)", service: shop, entryPoints: [web, other]}
    nowhere: {rule: "Host(`nowhere.test`)", service: nowhere}
    unguarded: {rule: "Host(`unguarded.test`)", service: shop, middlewares: [nowhere]}
    garbled: {rule: "Hos(`garbled.test`)", service: shop}
  services:
    shop:
      loadBalancer:
        servers: [{url: "http://127.0.0.1:9001"}, {url: "http://127.0.0.1:9002", weight: 3}]
    alone: {loadBalancer: {servers: [{url: "http://127.0.0.1:9003"}], passHostHeader: false}}
    empty: {loadBalancer: {servers: [], responseForwarding: {flushInterval: 1s500ms}}}
    turns:
      weighted:
        services: [{name: shop@file, weight: 2}, {name: alone@file, weight: 1}]
        sticky: {cookie: {name: c}}
    hashed: {highestRandomWeight: {services: [{name: shop@file, weight: 2}, {name: alone@file, weight: 1}]}}
    spare: {failover: {service: shop@file, fallback: alone@file}}
    picky: {failover: {service: shop@file, fallback: alone@file, errors: {status: [404, 500-599]}}}
    copied: {mirroring: {service: shop@file, mirrors: [{name: alone@file, percent: 10}], maxBodySize: 9}}
    watched:
      loadBalancer:
        servers: [{url: "http://127.0.0.1:9001"}]
        passiveHealthCheck: {failureWindow: 90s, maxFailedAttempts: 3}
  middlewares:
    strip: {stripPrefix: {prefixes: [/a, /b]}}
    chain: {chain: {middlewares: [add, strip]}}
    add: {addPrefix: {prefix: /x}}
    replace: {replacePathRegex: {regex: "^/(.*)", replacement: "/y/$1"}}
"""

OPTIONS = """
    m-auth: {forwardAuth: {address: "http://a.test/v", trustForwardHeader: true, authResponseHeaders: [X-A]}}
    m-basic: {basicAuth: {users: ["a:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"], realm: r, headerField: X-User}}
    m-digest: {digestAuth: {users: ["a:traefik:a2688e031edb4be6a3797f3882655c05"], removeHeader: true}}
    m-breaker: {circuitBreaker: {expression: "NetworkErrorRatio() > 0.5", checkPeriod: 1s}}
    m-buffering: {buffering: {maxRequestBodyBytes: 7, retryExpression: "Attempts() < 2"}}
    m-compress: {compress: {excludedContentTypes: [text/event-stream], minResponseBodyBytes: 9}}
    m-bare: {compress: {}}
    m-type: {contentType: {}}
    m-errors: {errors: {status: ["500-599", "404"], service: shop, query: "/{status}.html"}}
    m-headers:
      headers:
        customRequestHeaders: {X-A: b, X-B: ""}
        accessControlAllowOriginList: ["*"]
        accessControlMaxAge: 100
        stsSeconds: 5
        frameDeny: true
    m-allow: {ipAllowList: {sourceRange: [127.0.0.1/32, 192.168.1.7], ipStrategy: {depth: 2}}}
    m-flight: {inFlightReq: {amount: 5, sourceCriterion: {requestHost: true}}}
    m-rate: {rateLimit: {average: 5, period: 1m, burst: 3}}
    m-rate-bare: {rateLimit: {average: 5}}
    m-regex: {redirectRegex: {regex: "^/a", replacement: "/b", permanent: true}}
    m-scheme: {redirectScheme: {scheme: https, port: "444"}}
    m-replace: {replacePath: {path: /x}}
    m-retry: {retry: {attempts: 4, initialInterval: 100ms}}
    m-strip-regex: {stripPrefixRegex: {regex: ["^/v[0-9]+"]}}
    m-cert: {passTLSClientCert: {pem: true, info: {notAfter: true, subject: {commonName: true}}}}
"""
"""Middlewares of every common kind; only their options are compared."""

CERTIFICATES: tuple[tuple[str, str, tuple[str, ...], tuple[float, float]], ...] = (
    ("valid", "ec", ("b.valid.test", "a.valid.test", "10.0.0.1"), (-1, 90)),
    ("ending", "rsa", ("ending.test",), (-80, 10)),
    ("ended", "ec", ("*.ended.test",), (-90, -1)),
)
"""Certificates in files: common name, kind of key, other names, and the first and last day from now."""

TLS = """
tls:
  options: {{strict: {{minVersion: VersionTLS13}}}}
  certificates:
"""

OPTION_NAMES = tuple(re.findall(r"^    (m-[a-z-]+):", OPTIONS, re.MULTILINE))

DIFFERENT = {
    ("m-basic", "users"): "they are hidden",
    ("m-digest", "users"): "they are hidden",
    ("m-allow", "sourceRange"): "an address is a network of its own: 192.168.1.7/32",
    ("m-errors", "service"): "it is qualified",
}

ROUTERS = ("shop", "plain", "chained", "secure", "strict", "half", "nowhere", "unguarded", "garbled")
SERVICES = ("shop", "alone", "empty", "turns", "hashed", "spare", "picky", "copied", "watched")
MIDDLEWARES = ("strip", "chain", "add", "replace")

MISSING = {"http2": "HTTP/2 is not served yet"}

REASONS = {"nowhere": "nowhere@file", "unguarded": "nowhere@file", "garbled": "Hos"}

LEFT_OUT = ("nowhere", "unguarded", "garbled")
"""Routers that are left out: Rondpoint shows only their provider and the error."""


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    routes = tmp_path_factory.mktemp("routes") / "routes.yml"
    tls = [TLS.format().rstrip("\n")]
    for number, (name, kind, names, days) in enumerate(CERTIFICATES):
        file = routes.with_name(f"{name}.pem")
        key = private_key(kind, number)
        file.write_text("".join(make_pair(*names, key=key, subject=name, days=days, serial=number + 1)))
        tls.append(f"    - {{certFile: {file}, keyFile: {file}}}")
    routes.write_text(ROUTES.rstrip("\n") + OPTIONS + "\n".join(tls) + "\n")
    return [f"--providers.file.filename={routes}"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "own.pem")


@pytest.fixture(scope="module")
def ours(running: Processes, flags: list[str], certificate: Path) -> Installation:
    found = start(
        running,
        "--workers=1",
        f"--entryPoints.secure.address=127.0.0.1:{free_port()}",
        f"--entryPoints.secure.tls.certificates={certificate},{certificate}",
        *flags,
    )
    until(lambda: len(found.api("/api/http/routers")) == len(ROUTERS), "all routers")
    return found


@pytest.fixture(scope="module")
def theirs(running: Processes, flags: list[str]) -> Installation:
    web, admin = free_port(), free_port()
    process = running(
        "traefik",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        f"--entryPoints.secure.address=127.0.0.1:{free_port()}",
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        "--api.insecure",
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
        "--log.level=FATAL",
        *flags,
    )
    process.wait_for_port(admin)
    found = Installation(process, web, admin, None)
    until(lambda: b"unguarded@file" in http.request(admin, "localhost", "/api/http/routers").body, "routers")
    return found


def own(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items without Traefik's internal ones."""
    return [item for item in found if item.get("provider") != "internal"]


def qualified(item: dict[str, Any]) -> dict[str, Any]:
    """Return the router with qualified names of service and TLS options; Traefik shows them as written."""
    service, tls = item.get("service", ""), item.get("tls", {})
    if service and "@" not in service:
        item = {**item, "service": f"{service}@file"}
    options = tls.get("options", "default")
    if options != "default":
        item = {**item, "tls": {**tls, "options": f"{options}@file"}}
    return item


def compare(mine: Any, other: Any, where: str) -> None:
    """Assert that `mine` has all fields and values of `other`."""
    if isinstance(other, dict):
        assert isinstance(mine, dict), where
        for name, value in other.items():
            if name not in MISSING:
                assert name in mine, f"{where}.{name} is missing: {value!r}"
                compare(mine[name], value, f"{where}.{name}")
    elif isinstance(other, list):
        assert isinstance(mine, list), where
        assert len(mine) == len(other), where
        for number, (one, another) in enumerate(zip(mine, other, strict=True)):
            compare(one, another, f"{where}[{number}]")
    else:
        assert mine == other, where


@pytest.mark.parametrize("name", [name for name in ROUTERS if name not in LEFT_OUT])
def test_a_router_is_described_alike(ours: Installation, theirs: Installation, name: str) -> None:
    path = f"/api/http/routers/{name}@file"
    mine, other = ours.api(path), qualified(theirs.api(path))
    if name == "half":
        # Traefik keeps a missing entry point, Rondpoint drops it; both report it.
        assert other.pop("entryPoints") == ["web", "other"]
        assert (mine["entryPoints"], len(mine["error"]), len(other.pop("error"))) == (["web"], 1, 1)
    compare(mine, other, name)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_left_out_router_is_disabled_with_the_reason(
    ours: Installation, theirs: Installation, name: str
) -> None:
    path = f"/api/http/routers/{name}@file"
    for found in (ours.api(path), theirs.api(path)):
        assert (found["name"], found["provider"], found["status"]) == (f"{name}@file", "file", "disabled")
        assert REASONS[name] in found["error"][0]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_described_alike(ours: Installation, theirs: Installation, name: str) -> None:
    path = f"/api/http/services/{name}@file"
    mine, other = ours.api(path), theirs.api(path)
    # Traefik counts routers with missing middlewares as users.
    other["usedBy"] = [user for user in other.get("usedBy", ()) if user.split("@")[0] not in LEFT_OUT]
    if not other["usedBy"]:
        del other["usedBy"]
    compare(mine, other, name)


@pytest.mark.parametrize("name", MIDDLEWARES)
def test_a_middleware_is_described_alike(ours: Installation, theirs: Installation, name: str) -> None:
    path = f"/api/http/middlewares/{name}@file"
    mine, other = ours.api(path), theirs.api(path)
    compare(mine, other, name)


@pytest.mark.parametrize("name", OPTION_NAMES)
def test_the_options_of_a_middleware_are_written_alike(
    ours: Installation, theirs: Installation, name: str
) -> None:
    path = f"/api/http/middlewares/{name}@file"
    mine, other = ours.api(path), theirs.api(path)
    assert mine["type"] == other["type"]
    (kind,) = (key for key in other if key.lower() == other["type"])
    options = other[kind]
    for option in [option for option in options if (name, option) in DIFFERENT]:
        assert mine[kind][option] != options.pop(option)
    compare(mine[kind], options, name)


def test_an_entry_point_is_described_alike(ours: Installation, theirs: Installation) -> None:
    for mine, other in zip(ours.api("/api/entrypoints"), theirs.api("/api/entrypoints"), strict=True):
        # Ports differ; so do the head size and the path options.
        del other["address"], other["http"]
        compare(mine, other, other["name"])
        assert mine["address"].startswith("127.0.0.1:")
    assert ours.api("/api/entrypoints/web")["name"] == theirs.api("/api/entrypoints/web")["name"] == "web"


def test_rawdata_holds_the_same_objects_by_the_same_names(ours: Installation, theirs: Installation) -> None:
    mine, other = ours.api("/api/rawdata"), theirs.api("/api/rawdata")
    for kind in ("routers", "services", "middlewares"):
        names = {name for name in other[kind] if not name.endswith("@internal")}
        assert set(mine[kind]) == names
        for name in names:
            # The list shows an object exactly as its own path does.
            assert mine[kind][name] == ours.api(f"/api/http/{kind}/{name}")
    assert other["routers"]["shop@file"].items() <= theirs.api("/api/http/routers/shop@file").items()


def test_the_overview_counts_alike(ours: Installation, theirs: Installation) -> None:
    mine, other = ours.api("/api/overview"), theirs.api("/api/overview")
    assert mine["http"]["routers"] == {"total": 9, "warnings": 1, "errors": 3}
    assert {key: other["http"]["routers"][key] for key in ("warnings", "errors")} == {
        "warnings": 1,
        "errors": 3,
    }
    assert mine["http"]["services"] == {"total": 9, "warnings": 0, "errors": 0}
    for key in ("tcp", "udp", "features", "providers"):
        compare(mine[key], other[key], key)
    # Rondpoint counts the certificate of the entry point, too.
    assert other["certificates"] == {"total": 3, "warnings": 1, "errors": 1}
    assert mine["certificates"] == {"total": 4, "warnings": 1, "errors": 1}


CERTIFICATE_QUERIES = [
    "",
    "search=LAB",
    "search=ending",
    "search=10.0.0.1",
    "search=nonsense",
    "status=enabled",
    "status=Warning",
    "status=expired",
    "sortBy=cn&direction=desc",
    "sortBy=validUntil",
    "sortBy=validUntil&direction=desc",
    "sortBy=nonsense",
    "search=LAB&sortBy=name&per_page=2",
]


@pytest.mark.parametrize("query", CERTIFICATE_QUERIES)
def test_certificates_are_listed_alike(ours: Installation, theirs: Installation, query: str) -> None:
    mine = [each for each in ours.api(f"/api/certificates?{query}") if not each["id"].endswith("@settings")]
    compare(mine, theirs.api(f"/api/certificates?{query}"), query)


@pytest.mark.parametrize("number", range(len(CERTIFICATES)))
def test_a_certificate_is_described_alike(ours: Installation, theirs: Installation, number: int) -> None:
    found = theirs.api(f"/api/certificates?search={CERTIFICATES[number][0]}")[0]
    path = f"/api/certificates/{found['name']}"
    compare(ours.api(path), theirs.api(path), path)


@pytest.mark.parametrize(
    "query",
    [
        "sortBy=priority",
        "sortBy=priority&direction=desc",
        "sortBy=rule",
        "sortBy=name&direction=desc",
        "sortBy=entryPoints",
        "sortBy=nonsense",
        "search=SHOP",
        "search=pathprefix",
        "status=enabled",
        "status=warning",
        "status=Disabled",
        "status=nonsense",
        "serviceName=shop@file",
        "serviceName=shop",
        "serviceName=shop@docker",
        "middlewareName=strip@file",
        "middlewareName=strip",
        "search=plain&status=enabled&serviceName=alone@file",
    ],
)
def test_routers_are_filtered_and_sorted_alike(ours: Installation, theirs: Installation, query: str) -> None:
    def names(found: Installation) -> list[str]:
        return [
            item["name"]
            for item in own(found.api(f"/api/http/routers?{query}"))
            if item["name"].split("@")[0] not in LEFT_OUT
        ]

    expected = names(theirs)
    if query == "serviceName=shop@docker":
        # Traefik compares the name as written.
        expected = []
    if query == "serviceName=shop":
        # Traefik finds only names written without a provider.
        expected = sorted([*expected, "chained@file"])
    found = names(ours)
    if query == "sortBy=entryPoints":
        # Traefik counts the entry point that does not exist.
        expected.remove("half@file")
        found.remove("half@file")
    assert found == expected


@pytest.mark.parametrize("kind", ["services", "middlewares"])
@pytest.mark.parametrize(
    "query",
    [
        "sortBy=type",
        "sortBy=provider",
        "sortBy=status&direction=desc",
        "sortBy=servers",
        "search=A",
        "status=enabled",
    ],
)
def test_services_and_middlewares_are_filtered_and_sorted_alike(
    ours: Installation, theirs: Installation, kind: str, query: str
) -> None:
    # Some kinds in OPTIONS are not served yet, so Rondpoint disables them.
    mine, other = (
        [item["name"] for item in own(found.api(f"/api/http/{kind}?{query}")) if item["name"][:2] != "m-"]
        for found in (ours, theirs)
    )
    assert mine == other


PATHS = [
    "/api/http/services?per_page=2&search=@file",
    "/api/http/services?per_page=2&page=2&search=@file",
    "/api/http/services?per_page=2&page=3&search=@file",
    "/api/http/services?per_page=3&search=@file",
    "/api/http/services?page=0",
    "/api/http/services?per_page=-1",
    "/api/http/services?per_page=x",
    "/api/http/services?search=nonsense&page=1",
    "/api/http/services?search=nonsense&page=2",
    "/api/http/services?per_page=&page=&search=@file",
    "/api/http/middlewares?per_page=1&page=2&search=@file",
    "/api/http/middlewares/none@file",
    "/api/http/services/none",
    "/api/http/routers/a%2Fb@file",
    "/api/entrypoints/none",
    "/api/entrypoints?per_page=2&page=2",
    "/api/certificates/none",
    "/api/certificates?page=0",
    "/api/tcp/routers",
    "/api/tcp/services?page=1",
    "/api/tcp/services?page=2",
    "/api/tcp/middlewares",
    "/api/udp/routers",
    "/api/udp/services",
    "/api/udp/middlewares",
    "/api/tcp/routers/none@file",
    "/api/nothing",
]


@pytest.mark.parametrize("path", PATHS)
def test_pages_and_refusals_are_alike(ours: Installation, theirs: Installation, path: str) -> None:
    mine, other = (http.request(found.admin, "localhost", path) for found in (ours, theirs))
    assert mine.status == other.status
    assert mine.header("X-Next-Page") == other.header("X-Next-Page")
    if mine.status == 200:
        expected = [item.get("name") for item in json.loads(other.body)]
        assert [item.get("name") for item in json.loads(mine.body)] == expected
    elif other.text.startswith("{") and "invalid request" not in other.text:
        assert json.loads(mine.body)["message"] == json.loads(other.body)["message"].replace("TCP ", "")


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_read_only_paths_allow_no_other_methods(
    ours: Installation, theirs: Installation, method: str
) -> None:
    for found in (ours, theirs):
        headers = (("Content-Type", "application/json"),)
        answer = http.request(found.admin, "localhost", "/api/overview", method=method, headers=headers)
        assert answer.status in (200, 405)
        assert not answer.header("Access-Control-Allow-Origin")
