"""`/api/explain` and `rondpoint explain`, asked of a running proxy."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from rondpoint.model import Composition, Member, Middleware, Service
from tests.lab import http
from tests.lab.origin import Origin, http_response
from tests.lab.processes import installed
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy


@pytest.fixture
def proxy(store: Store, short_path: Path) -> Iterator[Proxy]:
    with running_proxy(short_path, store) as proxy:
        yield proxy


def command(proxy: Proxy, *arguments: str) -> subprocess.CompletedProcess[str]:
    api = f"--api=http://127.0.0.1:{proxy.admin}"
    return subprocess.run(
        [installed("rondpoint"), "explain", *arguments, api], capture_output=True, text=True, check=False
    )


def test_a_request_is_explained_as_it_is_served(proxy: Proxy) -> None:
    with Origin.named("one") as origin:
        host = proxy.route(origin, rule="Host(`{host}`) && Header(`X-A`, `b`) && ClientIP(`192.0.2.0/24`)")
        name = host.removesuffix(".test")
        query = f"url=http://{host}:{proxy.web}/%25252f?c=d&header=X-A:%20b&client=192.0.2.7"
        found = json.loads(http.request(proxy.admin, "localhost", f"/api/explain?{query}").text)
        assert (found["router"], found["service"], found["status"]) == (name, name, 0)
        assert (found["entryPoint"], found["path"]) == ("web", "/%252f")
        assert [server["url"] for server in found["servers"]] == [f"http://127.0.0.1:{origin.port}"]

        told = command(proxy, f"http://{host}/", "--header=X-A: b", "--client=192.0.2.7")
        assert told.returncode == 0, told.stderr
        assert f"router      {name}" in told.stdout
        assert "balancing   wrr" in told.stdout
        told = command(proxy, f"http://{host}/", "--header", "X-A: c", "--method", "post")
        assert told.returncode == 1
        assert "no match: Header(`X-A`, `b`)" in told.stdout.replace("x-a", "X-A")
        assert f"see also    {name}: serves this host, but not this request" in told.stdout
        told = command(proxy, f"{host}/", "--json", "--header=X-A: b", "--client=192.0.2.7")
        assert json.loads(told.stdout)["router"] == name


def test_what_the_proxy_adds_is_seen_by_rules(proxy: Proxy) -> None:
    with Origin.named("one") as origin:
        lines = {"Proto": "http", "Port": str(proxy.web)}
        rule = " && ".join(f"Header(`X-Forwarded-{name}`, `{value}`)" for name, value in lines.items())
        host = proxy.route(origin, rule=f"Host(`{{host}}`) && {rule} && Header(`X-Real-Ip`, `192.0.2.7`)")
        query = f"url=http://{host}:{proxy.web}/&client=192.0.2.7"
        found = json.loads(http.request(proxy.admin, "localhost", f"/api/explain?{query}").text)
        assert found["router"] == host.removesuffix(".test")
        found = json.loads(http.request(proxy.admin, "localhost", f"/api/explain?{query}0").text)
        assert found["candidates"][-1]["failed"] == ["Header(`x-real-ip`, `192.0.2.7`)"]


STRIP = Middleware("strip@x", "stripPrefix", {"prefixes": ["/a"]})
LIMIT = Middleware("limit@x", "rateLimit", {"average": 1, "period": 3600.0, "burst": 3})
USERS = Middleware("users@x", "basicAuth", {"users": ["eve:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="], "realm": "o"})
BREAKER = {"expression": "ResponseCodeRatio(500, 600, 0, 600) > 0.1", "fallbackDuration": 600.0}


def ask(proxy: Proxy, query: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(http.request(proxy.admin, "localhost", f"/api/explain?{query}").text)
    return found


def test_each_middleware_says_what_it_does_to_this_request(proxy: Proxy) -> None:
    chain = Middleware("chain@x", "chain", {"middlewares": ["strip@x", "limit@x"]})
    proxy.middlewares.update((each.name, each) for each in (STRIP, LIMIT, USERS, chain))
    with Origin.named("one") as origin:
        host = proxy.route(origin, middlewares=("chain@x", "users@x"))
        found = ask(proxy, f"url=http://{host}/a/b&client=192.0.2.7")
        assert [(step["name"], step["kind"], step["partOf"]) for step in found["steps"]] == [
            ("strip@x", "stripPrefix", f"router {host.removesuffix('.test')}"),
            ("limit@x", "rateLimit", f"router {host.removesuffix('.test')}"),
            ("users@x", "basicAuth", f"router {host.removesuffix('.test')}"),
        ]
        strip, limit, users = found["steps"]
        assert strip["effect"] == "changes the path and query to /b"
        assert limit["effect"].endswith("3 may pass now")
        assert limit["options"] == {"average": 1, "period": "1h0m0s", "burst": 3}
        assert users["effect"] == "asks for a user name and a password for the realm 'o', with 401"
        assert (found["status"], users["status"]) == (401, 401)
        assert "qUqP5cyxm6" not in json.dumps(found)
        assert proxy.status(host, "/a/b") == 401

        def token_taken() -> bool:
            steps = ask(proxy, f"url=http://{host}/a/b&client=127.0.0.1")["steps"]
            taken = not steps[1]["effect"].endswith("3 may pass now")
            return taken or not proxy.status(host, "/a/b")

        # A worker that does not reach the store in time counts by itself.
        until(token_taken, "a token taken in the store")
        told = command(proxy, f"http://{host}/a/b", "--client=127.0.0.1")
        assert told.returncode == 1
        assert "   1. strip@x (stripPrefix) changes the path and query to /b\n" in told.stdout
        assert re.search("[12] may pass now", told.stdout)
        assert "response    401: middleware users@x asks for a user name" in told.stdout
        told = command(proxy, f"http://{host}/a/b", "--header=Authorization: Basic ZXZlOnRlc3Q=")
        assert told.returncode == 0, told.stdout
        assert "users@x (basicAuth) accepts the password of user eve" in told.stdout


PREDICTED = [
    (Middleware("m@x", "stripPrefix", {"prefixes": ["/a"]}), "/a/b", {}),
    (Middleware("m@x", "stripPrefix", {"prefixes": ["/a"]}), "/a../b", {}),
    (Middleware("m@x", "replacePathRegex", {"regex": "^/a/(.*)", "replacement": "/$1"}), "/a/b?c=d", {}),
    (Middleware("m@x", "redirectRegex", {"regex": "/a$", "replacement": "/b"}), "/a", {}),
    (Middleware("m@x", "redirectRegex", {"regex": "/a$", "replacement": "/b"}), "/c", {}),
    (USERS, "/", {}),
    (USERS, "/", {"Authorization": "Basic ZXZlOnRlc3Q="}),
    (USERS, "/", {"Authorization": "Basic ZXZlOm5v"}),
    (Middleware("m@x", "digestAuth", {"users": ["eve:traefik:" + "0" * 32]}), "/", {}),
    (Middleware("m@x", "ipAllowList", {"sourceRange": ["127.0.0.0/8"]}), "/", {}),
    (Middleware("m@x", "ipAllowList", {"sourceRange": ["10.0.0.0/8"], "rejectStatusCode": 410}), "/", {}),
    (Middleware("m@x", "encodedCharacters", {}), "/a%2Fb", {}),
    (Middleware("m@x", "headers", {"allowedHosts": ["b.test"]}), "/", {}),
    (Middleware("m@x", "headers", {"sslRedirect": True}), "/a", {}),
    (Middleware("m@x", "compress", {}), "/", {"Accept-Encoding": "gzip"}),
]


def test_predictions_come_true(proxy: Proxy) -> None:
    with Origin.named("one") as origin:
        for middleware, path, lines in PREDICTED:
            proxy.middlewares = {middleware.name: middleware}
            host = proxy.route(origin, middlewares=(middleware.name,))
            query = [("url", f"http://{host}{path}"), ("client", "127.0.0.1")]
            query += [("header", f"{name}: {value}") for name, value in lines.items()]
            found = ask(proxy, urlencode(query))
            response = http.request(proxy.web, host, path, headers=list(lines.items()))
            case = (middleware.kind, path, found["steps"][0]["effect"])
            assert (found["status"] or 200) == response.status, case
            if response.header("location"):
                assert f"redirects to {response.header('location')} with" in case[2], case
            if "changes the path" in case[2]:
                assert case[2].endswith(f" {origin.requests[-1].target}"), case


def test_a_redirection_is_predicted_and_no_error(proxy: Proxy) -> None:
    proxy.middlewares["tls@x"] = Middleware("tls@x", "redirectScheme", {"scheme": "https", "permanent": True})
    proxy.middlewares["strip@x"] = STRIP
    with Origin.named("one") as origin:
        host = proxy.route(origin, middlewares=("tls@x", "strip@x"))
        told = command(proxy, f"http://{host}/a")
        response = http.request(proxy.web, host, "/a")
    assert told.returncode == 0
    assert f"redirects to {response.header('location')} with {response.status}" in told.stdout
    assert "   2. strip@x (stripPrefix) is not reached\n" in told.stdout


def test_an_open_circuit_breaker_is_said_to_be_open(proxy: Proxy) -> None:
    proxy.middlewares["breaker@x"] = Middleware("breaker@x", "circuitBreaker", BREAKER)
    with Origin(http_response(b"", "500 No")) as origin:
        host = proxy.route(origin, middlewares=("breaker@x",))
        assert ask(proxy, f"url=http://{host}/")["steps"][0]["effect"].startswith("is closed now")
        until(lambda: proxy.status(host) == 503, "the open breaker")
        found = ask(proxy, f"url=http://{host}/")
    assert (found["status"], found["steps"][0]["effect"]) == (503, "is open now, and responds with 503")


def test_middlewares_of_the_members_of_a_service_are_explained_too(proxy: Proxy) -> None:
    proxy.middlewares["strip@x"] = STRIP
    with Origin.named("one") as origin:
        host = proxy.route(origin)
        name = host.removesuffix(".test")
        proxy.services["inner"] = Service("inner", proxy.services[name].servers, middlewares=("strip@x",))
        composition: Composition = "weighted"
        proxy.services[name] = Service(name, composition=composition, members=(Member("inner"),))
        proxy.publish()
        (member,) = ask(proxy, f"url=http://{host}/a/b")["members"]
    assert [(step["partOf"], step["effect"]) for step in member["steps"]] == [
        ("service inner", "changes the path and query to /b")
    ]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "url is missing"),
        ("url=ftp://a/", "is not a URL such as"),
        ("url=http://a:x/", "cannot be read"),
        ("url=http://a/&header=nonsense", "is not a header line such as Accept"),
        ("url=http://a/&entryPoint=other", "does not exist: expected one of web"),
    ],
)
def test_a_question_that_cannot_be_read_is_a_400_that_says_why(
    proxy: Proxy, query: str, message: str
) -> None:
    response = http.request(proxy.admin, "localhost", f"/api/explain?{query}")
    assert response.status == 400
    assert message in json.loads(response.text)["message"]


def test_the_command_passes_the_reason_on(proxy: Proxy) -> None:
    told = command(proxy, "ftp://a/")
    assert (told.returncode, "is not a URL such as" in told.stderr) == (1, True)
