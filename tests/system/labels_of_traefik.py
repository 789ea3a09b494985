"""Cases of labels on containers, with requests that are sent to both proxies.

In labels and requests, {n} stands for the case's name, {N} for the name in capitals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.system.default_rule_of_traefik import LABELS
from tests.system.default_rule_of_traefik import REQUESTS as DEFAULT_RULE_REQUESTS

R, S, M = "traefik.http.routers.", "traefik.http.services.", "traefik.http.middlewares."
PORT = ".loadbalancer.server.port"
OPTIONS = "options of the container"
"""A key among labels with options of the SDK for running the container; `stopped` is our own option."""

Labels = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A request: `METHOD host/target`, and headers; {n} stands for the case's name."""

    line: str
    headers: tuple[tuple[str, str], ...] = ()


def host_labels(rule: str = "", **more: str) -> Labels:
    """Return labels of a router for the host with the case's name."""
    text = "Host(`{n}.test`)" + (f" && {rule}" if rule else "")
    return {f"{R}{{n}}.rule": text, **{f"{R}{{n}}.{key}": value for key, value in more.items()}}


def balancer_labels(options: Labels, **router: str) -> Labels:
    """Return the same labels with a service that has a port and these options."""
    service = {f"{S}{{n}}.loadbalancer.{key}": value for key, value in options.items()}
    return {**host_labels(**router), f"{S}{{n}}{PORT}": "80", **service}


# name: (labels of each container, requests)
CASES: dict[str, tuple[list[Labels], list[str | SampleRequest]]] = {
    "plain": ([host_labels()], ["{n}.test/", "{n}.test/a?b=c", "{N}.TEST:80/", "{n}.test./", "a.{n}.test/"]),
    "default-rule": ([{"traefik.enable": "true"}], ["default-rule/", "default-rule.test/"]),
    "service-alone": ([{f"{S}other{PORT}": "80"}], ["service-alone/", "other/"]),
    "disabled": ([{"traefik.enable": "false", **host_labels()}], ["{n}.test/"]),
    "named-service": ([{**host_labels(service="x-{n}"), f"{S}x-{{n}}{PORT}": "80"}], ["{n}.test/"]),
    "only-service": ([{**host_labels(), f"{S}y-{{n}}{PORT}": "80"}], ["{n}.test/"]),
    "two-services": (
        [{**host_labels(), f"{S}a-{{n}}{PORT}": "80", f"{S}b-{{n}}{PORT}": "80"}],
        ["{n}.test/"],
    ),
    "unknown-service": ([host_labels(service="nowhere")], ["{n}.test/"]),
    "internal-service": ([host_labels(service="noop@internal")], ["{n}.test/"]),
    "qualified": ([{**host_labels(service="z-{n}@docker"), f"{S}z-{{n}}{PORT}": "80"}], ["{n}.test/"]),
    "case-of-names": (
        [{"traefik.HTTP.Routers.{n}.Rule": "Host(`{n}.test`)", f"{S}{{n}}.LoadBalancer.Server.Port": "80"}],
        ["{n}.test/"],
    ),
    "wrong-port": ([{**host_labels(), f"{S}{{n}}{PORT}": "81"}], ["{n}.test/"]),
    "bad-port": ([{**host_labels(), f"{S}{{n}}{PORT}": "eighty"}], ["{n}.test/"]),
    "bad-rule": ([host_labels("Hots(`x`)")], ["{n}.test/"]),
    "bad-value": ([{**host_labels(), f"{R}{{n}}.priority": "high"}], ["{n}.test/"]),
    "entry-point": ([host_labels(entrypoints="web")], ["{n}.test/"]),
    "other-entry-point": ([host_labels(entrypoints="other")], ["{n}.test/"]),
    "tls": ([host_labels(tls="true")], ["{n}.test/"]),
    "path": (
        [host_labels("Path(`/a`)")],
        [f"{{n}}.test{path}" for path in ("/a", "/a/", "/A", "/%61", "/b/../a", "//a")],
    ),
    "path-space": ([host_labels("Path(`/a b`)")], ["{n}.test/a%20b", "{n}.test/a+b"]),
    "path-slash": ([host_labels("Path(`/a%2Fb`)")], ["{n}.test/a%2Fb", "{n}.test/a/b"]),
    "prefix": (
        [host_labels("PathPrefix(`/api`)")],
        [f"{{n}}.test{path}" for path in ("/api", "/apix", "/api/v", "/ap")],
    ),
    "path-regexp": (
        [host_labels(r"PathRegexp(`^/v[0-9]+/`)")],
        ["{n}.test/v1/x", "{n}.test/v/x", "{n}.test/%761/x"],
    ),
    "host-regexp": (
        [{f"{R}{{n}}.rule": r"HostRegexp(`^[a-z]+\.{n}\.test$`)"}],
        ["a.{n}.test/", "A.{n}.test/", "1.{n}.test/"],
    ),
    "wildcard": ([{f"{R}{{n}}.rule": "Host(`*.{n}.test`)"}], ["a.{n}.test/", "a.b.{n}.test/", "{n}.test/"]),
    "method": ([host_labels("Method(`POST`)")], ["POST {n}.test/", "{n}.test/"]),
    "header": (
        [host_labels("Header(`X-A`, `b`)")],
        [
            SampleRequest("{n}.test/", (("x-a", "b"),)),
            SampleRequest("{n}.test/", (("X-A", "bb"),)),
            "{n}.test/",
        ],
    ),
    "header-regexp": (
        [host_labels("HeaderRegexp(`X-A`, `^b`)")],
        [SampleRequest("{n}.test/", (("X-A", "bb"),)), SampleRequest("{n}.test/", (("X-A", "ab"),))],
    ),
    "query": (
        [host_labels("Query(`a`, `b`)")],
        ["{n}.test/?a=b", "{n}.test/?a=c&a=b", "{n}.test/?a=%62", "{n}.test/?a"],
    ),
    "query-alone": (
        [host_labels("Query(`a`)")],
        ["{n}.test/?a", "{n}.test/?a=", "{n}.test/?a=b", "{n}.test/"],
    ),
    "query-regexp": ([host_labels("QueryRegexp(`a`, `^b+$`)")], ["{n}.test/?a=bb", "{n}.test/?a=bc"]),
    "client-ip": ([host_labels("ClientIP(`127.0.0.0/8`)")], ["{n}.test/"]),
    "other-client": ([host_labels("ClientIP(`10.0.0.0/8`)")], ["{n}.test/"]),
    "not": ([host_labels("!PathPrefix(`/no`)")], ["{n}.test/yes", "{n}.test/no"]),
    "either": (
        [host_labels("(Path(`/a`) || Path(`/b`) && Method(`POST`))")],
        ["{n}.test/a", "{n}.test/b", "POST {n}.test/b"],
    ),
    "priority": (
        [host_labels(), {f"{R}{{n}}-high.rule": "Host(`{n}.test`)", f"{R}{{n}}-high.priority": "1000"}],
        ["{n}.test/"],
    ),
    "length": (
        [host_labels(), {f"{R}{{n}}-long.rule": "Host(`{n}.test`) && PathPrefix(`/long`)"}],
        ["{n}.test/", "{n}.test/long"],
    ),
    "scaled": ([{**host_labels(service="{n}"), f"{S}{{n}}{PORT}": "80"}] * 3, ["{n}.test/"]),
    "twins": ([host_labels()] * 2, ["{n}.test/"]),
    "conflict": (
        [
            {**host_labels("Path(`/a`)"), f"{S}{{n}}{PORT}": "80"},
            {**host_labels("Path(`/b`)"), f"{S}{{n}}{PORT}": "80"},
        ],
        ["{n}.test/a", "{n}.test/b"],
    ),
    "strip": (
        [{**host_labels(middlewares="m-{n}"), f"{M}m-{{n}}.stripprefix.prefixes": "/a, /b"}],
        [f"{{n}}.test{path}" for path in ("/a/x", "/b", "/ax", "/c/a", "/a%2Fx", "/%61/x?q", "/a/./x")],
    ),
    "strip-regexp": (
        [{**host_labels(middlewares="m-{n}"), f"{M}m-{{n}}.stripprefixregex.regex": "^/v[0-9]+"}],
        ["{n}.test/v12/x", "{n}.test/v/x", "{n}.test/v1"],
    ),
    "add": (
        [{**host_labels(middlewares="m-{n}"), f"{M}m-{{n}}.addprefix.prefix": "/p"}],
        ["{n}.test/x%2Fy?z", "{n}.test/"],
    ),
    "replace": (
        [{**host_labels(middlewares="m-{n}"), f"{M}m-{{n}}.replacepath.path": "/r"}],
        ["{n}.test/x?y=z"],
    ),
    "replace-regexp": (
        [
            {
                **host_labels(middlewares="m-{n}"),
                f"{M}m-{{n}}.replacepathregex.regex": "^/a/(.*)",
                f"{M}m-{{n}}.replacepathregex.replacement": "/b/$1",
            }
        ],
        ["{n}.test/a/x%2Fy?z", "{n}.test/c"],
    ),
    "chained": (
        [
            {
                **host_labels(middlewares="c-{n}"),
                f"{M}c-{{n}}.chain.middlewares": "s-{n}, a-{n}",
                f"{M}s-{{n}}.stripprefix.prefixes": "/s",
                f"{M}a-{{n}}.addprefix.prefix": "/a",
            }
        ],
        ["{n}.test/s/x"],
    ),
    "in-order": (
        [
            {
                **host_labels(middlewares="a-{n}@docker, s-{n}"),
                f"{M}s-{{n}}.stripprefix.prefixes": "/a/s",
                f"{M}a-{{n}}.addprefix.prefix": "/a",
            }
        ],
        ["{n}.test/s/x"],
    ),
    "no-middleware": ([host_labels(middlewares="nowhere")], ["{n}.test/"]),
    "own-port": (
        [{**host_labels(), f"{S}{{n}}{PORT}": "8080", OPTIONS: {"environment": {"PORT": "8080"}}}],
        ["{n}.test/"],
    ),
    "two-ports": (
        [
            {
                f"{R}{{n}}-a.rule": "Host(`a.{n}.test`)",
                f"{R}{{n}}-a.service": "{n}-a",
                f"{S}{{n}}-a{PORT}": "80",
                f"{R}{{n}}-b.rule": "Host(`b.{n}.test`)",
                f"{R}{{n}}-b.service": "{n}-b",
                f"{S}{{n}}-b{PORT}": "81",
            }
        ],
        ["a.{n}.test/", "b.{n}.test/"],
    ),
    "two-routers": (
        [{f"{R}{{n}}-a.rule": "Host(`a.{n}.test`)", f"{R}{{n}}-b.rule": "Host(`b.{n}.test`)"}],
        ["a.{n}.test/", "b.{n}.test/"],
    ),
    "url": ([{**host_labels(), f"{S}{{n}}.loadbalancer.server.url": "http://127.0.0.1:1"}], ["{n}.test/"]),
    "url-and-port": (
        [
            {
                **host_labels(),
                f"{S}{{n}}.loadbalancer.server.url": "http://127.0.0.1:1",
                f"{S}{{n}}{PORT}": "80",
            }
        ],
        ["{n}.test/"],
    ),
    "list-of-servers": (
        [{**host_labels(), f"{S}{{n}}.loadbalancer.servers[0].url": "http://127.0.0.1:1"}],
        ["{n}.test/"],
    ),
    "strange-scheme": ([balancer_labels({"server.scheme": "gopher"}, service="{n}")], ["{n}.test/"]),
    "no-weight": (
        [balancer_labels({"server.weight": "0"}, service="{n}"), balancer_labels({}, service="{n}")],
        ["{n}.test/"],
    ),
    "no-weight-at-all": ([balancer_labels({"server.weight": "0"}, service="{n}")], ["{n}.test/"]),
    "own-weights": (
        [balancer_labels({}, service="{n}"), balancer_labels({"server.weight": "3"}, service="{n}")],
        ["{n}.test/"],
    ),
    "other-host": ([balancer_labels({"passhostheader": "false"}, service="{n}")], ["{n}.test/"]),
    "flushed": ([balancer_labels({"responseforwarding.flushinterval": "10"}, service="{n}")], ["{n}.test/"]),
    "sticky": (
        [balancer_labels({"sticky.cookie": "true", "sticky.cookie.name": "seat"}, service="{n}")],
        ["{n}.test/"],
    ),
    "chosen": ([balancer_labels({"strategy": "p2c"}, service="{n}")], ["{n}.test/"]),
    "badly-chosen": ([balancer_labels({"strategy": "best"}, service="{n}")], ["{n}.test/"]),
    "checked": (
        [balancer_labels({"healthcheck.path": "/", "healthcheck.interval": "10s"}, service="{n}")],
        ["{n}.test/"],
    ),
    "transported": ([balancer_labels({"serverstransport": "nowhere@file"}, service="{n}")], ["{n}.test/"]),
    "of-service": (
        [
            {
                **balancer_labels({}, service="{n}"),
                f"{S}{{n}}.middlewares": "m-{n}",
                f"{M}m-{{n}}.addprefix.prefix": "/a",
                f"{R}{{n}}.middlewares": "o-{n}",
                f"{M}o-{{n}}.addprefix.prefix": "/b",
            }
        ],
        ["{n}.test/"],
    ),
    "some-entry-points": ([host_labels(entrypoints="web,other")], ["{n}.test/"]),
    "no-entry-points": ([host_labels(entrypoints="")], ["{n}.test/"]),
    "tls-off": ([host_labels(tls="false")], ["{n}.test/"]),
    "tls-options": ([{**host_labels(), f"{R}{{n}}.tls.options": "x@file"}], ["{n}.test/"]),
    "tls-resolver": ([{**host_labels(), f"{R}{{n}}.tls.certresolver": "x"}], ["{n}.test/"]),
    "tls-domains": (
        [
            {
                **host_labels(),
                f"{R}{{n}}.tls.domains[0].main": "a.test",
                f"{R}{{n}}.tls.domains[0].sans": "b.test,c.test",
            }
        ],
        ["{n}.test/"],
    ),
    "old-syntax": (
        [{f"{R}{{n}}.rule": "Host(`a.{n}.test`,`b.{n}.test`)", f"{R}{{n}}.rulesyntax": "v2"}],
        ["b.{n}.test/", "{n}.test/"],
    ),
    "observed": ([{**host_labels(), f"{R}{{n}}.observability.accesslogs": "false"}], ["{n}.test/"]),
    "no-rule": ([{f"{R}{{n}}.priority": "5"}], ["no-rule/", "{n}.test/"]),
    "empty-rule": ([{f"{R}{{n}}.rule": ""}], ["empty-rule/"]),
    "misspelt": ([{**host_labels(), f"{R}{{n}}.middleware": "m-{n}"}], ["{n}.test/"]),
    "misspelt-section": (
        [
            {
                **host_labels(),
                "traefik.http.router.{n}.middlewares": "m-{n}",
                f"{M}m-{{n}}.addprefix.prefix": "/a",
            }
        ],
        ["{n}.test/"],
    ),
    "unknown-option": ([{**host_labels(), f"{R}{{n}}.colour": "blue"}], ["{n}.test/"]),
    "unknown-label": ([{**host_labels(), "traefik.htp.routers.{n}.rule": "x"}], ["{n}.test/"]),
    "at-in-name": ([{"traefik.http.routers.{n}@file.rule": "Host(`{n}.test`)"}], ["{n}.test/", "{n}/"]),
    "labels-of-1": (
        [{**host_labels(), "traefik.port": "81", "traefik.frontend.rule": "Host:x-{n}.test"}],
        ["{n}.test/", "x-{n}.test/"],
    ),
    "tcp-alone": ([{"traefik.tcp.services.{n}.loadbalancer.server.port": "80"}], ["{n}/", "tcp-alone/"]),
    "tcp-beside": (
        [{"traefik.tcp.services.{n}.loadbalancer.server.port": "80", **host_labels()}],
        ["{n}.test/"],
    ),
    "udp-alone": ([{"traefik.udp.services.{n}.loadbalancer.server.port": "80"}], ["udp-alone/"]),
    "enabled-1": ([{"traefik.enable": "1", **host_labels()}], ["{n}.test/"]),
    "enabled-no": ([{"traefik.enable": "no", **host_labels()}], ["{n}.test/"]),
    "enabled-cased": ([{"traefik.Enable": "false", **host_labels()}], ["{n}.test/"]),
    "no-such-network": ([{"traefik.docker.network": "nowhere", **host_labels()}], ["{n}.test/"]),
    "no-network": ([{**host_labels(), OPTIONS: {"network_mode": "none"}}], ["{n}.test/"]),
    "host-mode": (
        [
            {
                **host_labels(),
                f"{S}{{n}}{PORT}": "8099",
                OPTIONS: {"network_mode": "host", "hostname": None, "environment": {"PORT": "8099"}},
            }
        ],
        ["{n}.test/"],
    ),
    "left-out": ([{"skip": "yes", **host_labels()}], ["{n}.test/"]),
    "other-middleware": (
        [
            balancer_labels({}, service="{n}", middlewares="m-{n}") | {f"{M}m-{{n}}.addprefix.prefix": "/a"},
            balancer_labels({}, service="{n}", middlewares="m-{n}") | {f"{M}m-{{n}}.addprefix.prefix": "/b"},
        ],
        ["{n}.test/"],
    ),
    "other-service": (
        [
            balancer_labels({"passhostheader": "true"}, service="{n}"),
            balancer_labels({"passhostheader": "false"}, service="{n}"),
        ],
        ["{n}.test/"],
    ),
    "of-another": (
        [
            {
                f"{M}m-{{n}}.addprefix.prefix": "/a",
                f"{S}s-{{n}}{PORT}": "80",
                f"{R}r-{{n}}.rule": "Path(`/{n}`)",
            },
            host_labels(middlewares="m-{n}", service="s-{n}"),
        ],
        ["{n}.test/"],
    ),
    "capitals": (
        [{f"{R}{{N}}.rule": "Host(`{n}.test`)", f"{R}{{N}}.service": "{N}", f"{S}{{N}}{PORT}": "80"}],
        ["{n}.test/"],
    ),
    "capitals-or-not": (
        [{f"{R}{{N}}.rule": "Host(`{n}.test`)", f"{R}{{N}}.service": "{n}", f"{S}{{N}}{PORT}": "80"}],
        ["{n}.test/"],
    ),
    "numbered": (
        [
            {
                f"{R}{{n}}.rule": "Host(`{n}.test`)",
                f"{R}{{n}}.middlewares[0]": "a-{n}",
                f"{R}{{n}}.middlewares[1]": "b-{n}",
                f"{M}a-{{n}}.addprefix.prefix": "/a",
                f"{M}b-{{n}}.addprefix.prefix": "/b",
            }
        ],
        ["{n}.test/"],
    ),
    "bad-expression": (
        [{**host_labels(middlewares="m-{n}"), f"{M}m-{{n}}.stripprefixregex.regex": "("}],
        ["{n}.test/"],
    ),
    "of-itself": (
        [{**host_labels(middlewares="m-{n}"), f"{M}m-{{n}}.chain.middlewares": "m-{n}"}],
        ["{n}.test/"],
    ),
    "two-kinds": (
        [
            {
                **host_labels(middlewares="m-{n}"),
                f"{M}m-{{n}}.addprefix.prefix": "/a",
                f"{M}m-{{n}}.stripprefix.prefixes": "/b",
            }
        ],
        ["{n}.test/"],
    ),
    "middleware-alone": ([{f"{M}m-{{n}}.addprefix.prefix": "/a"}], ["middleware-alone/"]),
    "filled-in": (
        [
            LABELS,
            {"rule": "else"},
        ],
        [*DEFAULT_RULE_REQUESTS, "elsewhere.filled-in/", "{n}/"],
    ),
    "file-middleware": ([host_labels(middlewares="shared@file")], ["{n}.test/x"]),
    "file-service": ([host_labels(service="gone@file")], ["{n}.test/"]),
    "of-file": ([{f"{S}{{n}}{PORT}": "80", f"{M}m-{{n}}.addprefix.prefix": "/m"}], ["{n}.test/x"]),
    "of-file-alone": ([{}], ["{n}.test/"]),
    "under_score": ([{"traefik.enable": "true"}], ["under-score/", "under_score/"]),
    "stopped": (
        [{**host_labels(), OPTIONS: {"stopped": True}}, {"traefik.enable": "true"}],
        ["{n}.test/"],
    ),
    "stopped-and-kept": (
        [{"traefik.docker.allownonrunning": "true", **host_labels(), OPTIONS: {"stopped": True}}],
        ["{n}.test/"],
    ),
}

FILE = {
    "http": {
        "middlewares": {"shared": {"addPrefix": {"prefix": "/shared"}}},
        "services": {"gone": {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:1"}]}}},
        "routers": {
            "in-file": {
                "rule": "Host(`of-file.test`)",
                "service": "of-file@docker",
                "middlewares": ["m-of-file@docker", "shared"],
            },
            "in-file-alone": {"rule": "Host(`of-file-alone.test`)", "service": "of-file-alone"},
        },
    }
}
"""The route file of both proxies."""

_ROUTER_CASES = (
    "file-middleware",
    "entry-point",
    "other-entry-point",
    "tls",
    "path",
    "path-space",
    "path-slash",
    "prefix",
    "path-regexp",
    "host-regexp",
    "wildcard",
    "method",
    "header",
    "header-regexp",
    "query",
    "query-alone",
    "query-regexp",
    "client-ip",
    "other-client",
    "not",
    "either",
    "strip",
    "strip-regexp",
    "add",
    "replace",
    "replace-regexp",
    "chained",
    "in-order",
    "no-middleware",
    "bad-rule",
    "some-entry-points",
    "no-entry-points",
    "tls-off",
    "tls-options",
    "tls-resolver",
    "tls-domains",
    "old-syntax",
    "observed",
    "two-routers",
    "numbered",
    "bad-expression",
    "of-itself",
    "two-kinds",
)
_SERVICE_CASES = (
    "file-service",
    "flushed",
    "sticky",
    "chosen",
    "badly-chosen",
    "checked",
    "transported",
    "other-host",
    "no-weight-at-all",
    "strange-scheme",
    "two-ports",
    "of-service",
    "capitals",
)
SHARED = dict.fromkeys(_ROUTER_CASES, "routers") | dict.fromkeys(_SERVICE_CASES, "services")
"""Cases that share a container: the name of the container with all their labels."""

UNKNOWN_LABEL = "an unknown label is reported, and the others apply; Traefik drops the container"
UNAVAILABLE_MIDDLEWARE = "a router whose middleware is not available responds with 503; Traefik drops it"
DIFFERENCES = {
    ("bad-port", "{n}.test/"): "the default applies, and the label is reported; Traefik drops the container",
    ("bad-value", "{n}.test/"): "the default applies, and the label is reported; Traefik drops the container",
    ("path", "{n}.test/%61"): "the server gets escapes as they were sent; Traefik decodes them",
    ("path-regexp", "{n}.test/%761/x"): "the server gets escapes as they were sent; Traefik decodes them",
    (
        "strip",
        "{n}.test/a%2Fx",
    ): "the server gets escapes as they were sent; Traefik decodes the rest",
    (
        "twins",
        "{n}.test/",
    ): "containers that define the same router share a service; Traefik drops the router",
    ("list-of-servers", "{n}.test/"): UNKNOWN_LABEL,
    (
        "strange-scheme",
        "{n}.test/",
    ): "the default applies, and the label is reported; Traefik responds with 500",
    ("badly-chosen", "{n}.test/"): "the default applies, and the label is reported; Traefik drops the router",
    (
        "transported",
        "{n}.test/",
    ): "a service whose serversTransport does not exist responds 503; Traefik drops the router",
    ("empty-rule", "empty-rule/"): "an empty rule is an error; Traefik uses the default rule",
    ("unknown-option", "{n}.test/"): UNKNOWN_LABEL,
    ("numbered", "{n}.test/"): "lists may be numbered; for Traefik the list is empty",
    ("bad-expression", "{n}.test/"): UNAVAILABLE_MIDDLEWARE,
    ("of-itself", "{n}.test/"): UNAVAILABLE_MIDDLEWARE,
}
