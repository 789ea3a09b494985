"""Traefik 3 and Rondpoint read the same documents from a URL, and respond alike to the same requests.

Both poll one server, whose document the test replaces. DIFFERENCES lists the intended differences, which
docs/http-provider.md explains. They are tested, too: a listed difference that no longer exists is an error.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.lab.configuration_server import Answer, ConfigurationServer
from tests.lab.http_server import Handler, HttpServer
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until

PATH = "/routes"


def document(name: str, origin: str, **router: Any) -> dict[str, Any]:
    """Return a document with one router for `NAME.test`; further keys are the router's."""
    return {
        "http": {
            "routers": {name: {"rule": f"Host(`{name}.test`)", "service": name, **router}},
            "services": {name: {"loadBalancer": {"servers": [{"url": origin}]}}},
        }
    }


YAML = """
http:
  routers:
    yaml:
      rule: "Host(`yaml.test`) && PathPrefix(`/a`)"
      service: yaml
      middlewares: [strip]
  middlewares:
    strip: {stripPrefix: {prefixes: [/a]}}
  services:
    yaml: {loadBalancer: {servers: [url: ORIGIN]}}
"""


class Step(NamedTuple):
    """A response of the configuration server, and requests with their status after both proxies read it."""

    answer: Answer
    requests: dict[str, int]


def given(body: object, **options: Any) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(text.encode(), **options)


def steps(origin: str) -> dict[str, Step]:
    """Return the steps by name; each begins with the state that the one before left."""

    def routes(name: str, **router: Any) -> dict[str, Any]:
        return document(name, origin, **router)

    base = routes("base")
    adding = routes("head", rule="Host(`head.test`) && Header(`X-A`, `1`)", middlewares=["add"])
    adding["http"]["middlewares"] = {"add": {"addPrefix": {"prefix": "/p"}}}
    v1 = {
        "frontends": {"old": {"backend": "old", "routes": {"r": {"rule": "Host:old.test"}}}},
        "backends": {"old": {"servers": {"s": {"url": origin}}}},
    }
    return {
        "JSON": Step(given(base), {"base.test/": 200, "base.test/x?y=1": 200, "other.test/": 404}),
        "YAML": Step(
            given(YAML.replace("ORIGIN", origin)),
            {"yaml.test/a/b": 200, "yaml.test/b": 404, "base.test/": 404},
        ),
        "a redirect": Step(
            Answer(status=307, headers={"Location": "/moved"}), {"moved.test/": 200, "yaml.test/a": 404}
        ),
        "a router without its service": Step(
            given(routes("lone", service="gone")), {"lone.test/": 404, "moved.test/": 404}
        ),
        "a middleware that does not exist": Step(
            given(routes("open", middlewares=["gone"])), {"open.test/": 404, "moved.test/": 404}
        ),
        "a header and a middleware": Step(given(adding), {"head.test/x": 404, "head.test/x X-A=1": 200}),
        "no routes": Step(given("{}"), {"head.test/x X-A=1": 404, "base.test/": 404}),
        "routes again": Step(given(base), {"base.test/": 200}),
        "an empty body": Step(given(""), {"base.test/": 200}),
        "routes after an empty body": Step(given(routes("next")), {"next.test/": 200, "base.test/": 404}),
        "status 500": Step(given(base, status=500), {"next.test/": 200, "base.test/": 404}),
        "routes after status 500": Step(given(routes("more")), {"more.test/": 200, "next.test/": 404}),
        "an unknown option": Step(given(routes("new", novel=True)), {"new.test/": 200, "more.test/": 404}),
        "Traefik 1's format": Step(given(v1), {"old.test/": 200, "base.test/": 404}),
    }


DIFFERENCES = {
    ("an empty body", "base.test/"): 404,
    ("an unknown option", "new.test/"): 404,
    ("an unknown option", "more.test/"): 200,
    ("Traefik 1's format", "old.test/"): 404,
}
"""(step, request) → the status of Traefik."""


class Echo(Handler):
    """Responds with the target of the request."""

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
        self.reply(200, self.path.encode())


def outcome(proxy: Installation, line: str) -> tuple[int, str]:
    """Return the status of the response, and the target that the origin got."""
    request, _, header = line.partition(" ")
    host, _, path = request.partition("/")
    headers = [tuple(header.split("="))] if header else []
    response = proxy.request(host, f"/{path}", headers=headers)
    return response.status, response.text if response.status == 200 else ""


def test_the_same_documents_have_the_same_effect(processes: Processes) -> None:
    with ConfigurationServer() as server, HttpServer(Echo) as origin:
        flags = (
            f"--providers.http.endpoint={server.url}{PATH}",
            "--providers.http.pollInterval=100ms",
            "--providers.providersThrottleDuration=10ms",
        )
        server.answers["/moved"] = given(document("moved", origin.url))
        server.answers[PATH] = given("{}")
        ours = start(processes, "--workers=1", *flags, "--providers.http.headers.X-Proxy=ours")
        theirs = start_traefik(processes, *flags, "--providers.http.headers.X-Proxy=theirs")
        for name, step in steps(origin.url).items():
            server.answers[PATH] = step.answer
            for proxy in ("ours", "theirs"):
                server.wait_for_requests(X_Proxy=proxy)
            for line, status in step.requests.items():
                expected = DIFFERENCES.get((name, line), status)
                assert (expected == status) != ((name, line) in DIFFERENCES)
                for proxy, wanted in ((ours, status), (theirs, expected)):
                    until(
                        lambda proxy=proxy, line=line, wanted=wanted: outcome(proxy, line)[0] == wanted,
                        f"{name}: {line} with status {wanted} by {'us' if proxy is ours else 'Traefik'}",
                        timeout=20,
                    )
                if (name, line) not in DIFFERENCES:
                    assert outcome(ours, line) == outcome(theirs, line), (name, line)
