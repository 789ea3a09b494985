"""Routers, services and labels of TCP and UDP that Traefik 3.7 and Rondpoint are compared by.

DIFFERENCES names those that they read differently on purpose, with the reason.
"""

from __future__ import annotations

from typing import Any

S = {"service": "s"}


def tcp(rule: str, **more: Any) -> dict[str, Any]:
    return {"rule": rule, **S, **more}


TLS: dict[str, Any] = {"tls": {}}
THROUGH: dict[str, Any] = {"tls": {"passthrough": True}}

TCP_ROUTERS: dict[str, dict[str, Any]] = {
    "all": tcp("HostSNI(`*`)"),
    "all-lower": tcp("hostsni(`*`)"),
    "all-upper": tcp("HOSTSNI(`*`)"),
    "all-in-quotes": tcp('HostSNI("*")'),
    "all-in-parentheses": tcp("(HostSNI(`*`))"),
    "all-of-a-client": tcp("HostSNI(`*`) && ClientIP(`10.0.0.0/8`)"),
    "all-first": tcp("HostSNI(`*`) || HostSNI(`a.test`)"),
    "all-last": tcp("HostSNI(`a.test`) || HostSNI(`*`)"),
    "all-with-tls": tcp("HostSNI(`*`)", **TLS),
    "all-passing-through": tcp("HostSNI(`*`)", **THROUGH),
    "priority": tcp("HostSNI(`*`)", priority=77),
    "negative-priority": tcp("HostSNI(`*`)", priority=-7),
    "priority-0": tcp("HostSNI(`*`)", priority=0),
    "client": tcp("ClientIP(`10.0.0.1`)"),
    "client-network": tcp("!ClientIP(`fd00::/8`)"),
    "client-invalid": tcp("ClientIP(`10.0.0.0/99`)"),
    "name": tcp("HostSNI(`a.test`)", **TLS),
    "name-without-tls": tcp("HostSNI(`a.test`)"),
    "not-a-name-without-tls": tcp("!HostSNI(`a.test`)"),
    "name-of-a-client-without-tls": tcp("ClientIP(`::1`) && HostSNI(`a.test`)"),
    "name-passing-through": tcp("HostSNI(`a.test`)", **THROUGH),
    "name-in-capitals": tcp("HostSNI(`A.Test`)", **TLS),
    "name-with-dot": tcp("HostSNI(`a.test.`)", **TLS),
    "name-with-underscore": tcp("HostSNI(`a_b.test`)", **TLS),
    "name-with-port": tcp("HostSNI(`a.test:443`)", **TLS),
    "address": tcp("HostSNI(`10.0.0.1`)", **TLS),
    "wildcard": tcp("HostSNI(`*.a.test`)", **TLS),
    "wildcard-within": tcp("HostSNI(`a.*.test`)", **TLS),
    "unicode": tcp("HostSNI(`bücher.test`)", **TLS),
    "blank": tcp("HostSNI(`a b`)", **TLS),
    "empty-name": tcp("HostSNI(``)", **TLS),
    "two-values": tcp("HostSNI(`a.test`, `b.test`)", **TLS),
    "no-value": tcp("HostSNI()", **TLS),
    "pattern": tcp("HostSNIRegexp(`^[a-z]+\\.test$`)", **TLS),
    "pattern-without-tls": tcp("HostSNIRegexp(`^a`)"),
    "pattern-invalid": tcp("HostSNIRegexp(`(`)", **TLS),
    "pattern-unicode": tcp("HostSNIRegexp(`é`)", **TLS),
    "pattern-empty": tcp("HostSNIRegexp(``)", **TLS),
    "alpn": tcp("ALPN(`h2`)", **TLS),
    "alpn-of-a-name": tcp("HostSNI(`a.test`) && ALPN(`postgresql`)", **TLS),
    "alpn-of-acme": tcp("ALPN(`acme-tls/1`)", **TLS),
    "alpn-empty": tcp("ALPN(``)", **TLS),
    "http-matcher": tcp("Host(`a.test`)", **TLS),
    "no-matcher": tcp("a.test"),
    "empty-rule": tcp(""),
    "unbalanced": tcp("(HostSNI(`*`)"),
    "single-ampersand": tcp("HostSNI(`*`) & ClientIP(`::1`)"),
    "v2": tcp("HostSNI(`a.test`, `b.test`)", ruleSyntax="v2", **TLS),
    "v2-all": tcp("HostSNI(`*`)", ruleSyntax="v2"),
    "v2-wildcard": tcp("HostSNI(`*.a.test`)", ruleSyntax="v2", **TLS),
    "v2-pattern": tcp("HostSNIRegexp(`{sub:[a-z]+}.a.test`)", ruleSyntax="v2", **TLS),
    "v2-clients": tcp("ClientIP(`10.0.0.0/8`, `::1`)", ruleSyntax="v2"),
    "v2-unclosed": tcp("HostSNIRegexp(`{sub`)", ruleSyntax="v2", **TLS),
    "entry-point": tcp("HostSNI(`*`)", entryPoints=["other"]),
    "entry-points": tcp("HostSNI(`*`)", entryPoints=["web", "other"]),
    "unknown-entry-point": tcp("HostSNI(`*`)", entryPoints=["nope"]),
    "one-unknown-entry-point": tcp("HostSNI(`*`)", entryPoints=["nope", "web"]),
    "udp-entry-point": tcp("HostSNI(`*`)", entryPoints=["dns"]),
    "no-service": {"rule": "HostSNI(`*`)"},
    "unknown-service": {"rule": "HostSNI(`*`)", "service": "nope"},
    "http-service": {"rule": "HostSNI(`*`)", "service": "http"},
    "internal-service": {"rule": "HostSNI(`*`)", "service": "api@internal"},
    "weighted": {"rule": "HostSNI(`*`)", "service": "weighted"},
    "middlewares": tcp("HostSNI(`*`)", middlewares=["lan", "few"]),
    "unknown-middleware": tcp("HostSNI(`*`)", middlewares=["nope"]),
    "http-middleware": tcp("HostSNI(`*`)", middlewares=["http"]),
    "tls-options": tcp("HostSNI(`a.test`)", tls={"options": "strict"}),
    "default-tls-options": tcp("HostSNI(`a.test`)", tls={"options": "default"}),
    "resolver": tcp("HostSNI(`a.test`)", tls={"certResolver": "le", "domains": [{"main": "b.test"}]}),
}
UDP_ROUTERS: dict[str, dict[str, Any]] = {
    "dns": {"entryPoints": ["dns"], **S},
    "ntp-and-dns": {"entryPoints": ["ntp", "dns"], **S},
    "everywhere": {**S},
    "tcp-entry-point": {"entryPoints": ["web"], **S},
    "unknown-entry-point": {"entryPoints": ["nope"], **S},
    "no-service": {"entryPoints": ["dns"]},
    "unknown-service": {"entryPoints": ["dns"], "service": "nope"},
    "weighted": {"entryPoints": ["dns"], "service": "weighted"},
}
FILE: dict[str, Any] = {
    "http": {
        "services": {"http": {"loadBalancer": {"servers": [{"url": "http://10.0.0.1"}]}}},
        "middlewares": {"http": {"addPrefix": {"prefix": "/a"}}},
    },
    "tcp": {
        "routers": TCP_ROUTERS,
        "services": {
            "s": {"loadBalancer": {"servers": [{"address": "10.0.0.1:5432"}]}},
            "weighted": {"weighted": {"services": [{"name": "s", "weight": 3}, {"name": "tls"}]}},
            "tls": {
                "loadBalancer": {
                    "servers": [{"address": "a.test:1", "tls": True}, {"address": "[::1]:2"}],
                    "serversTransport": "own",
                    "healthCheck": {"interval": "5s", "send": "PING"},
                }
            },
            "deprecated": {
                "loadBalancer": {
                    "servers": [{"address": "10.0.0.1:1"}],
                    "proxyProtocol": {"version": 1},
                    "terminationDelay": 250,
                }
            },
        },
        "middlewares": {
            "lan": {"ipAllowList": {"sourceRange": ["10.0.0.0/8"]}},
            "few": {"inFlightConn": {"amount": 5}},
            "old": {"ipWhiteList": {"sourceRange": ["10.0.0.1"]}},
        },
        "serversTransports": {"own": {"dialTimeout": "3s", "tls": {"insecureSkipVerify": True}}},
    },
    "udp": {
        "routers": UDP_ROUTERS,
        "services": {
            "s": {"loadBalancer": {"servers": [{"address": "10.0.0.1:53"}]}},
            "weighted": {"weighted": {"services": [{"name": "s", "weight": 2}]}},
        },
    },
    "tls": {"options": {"strict": {"minVersion": "VersionTLS13"}}},
}

DIFFERENCES = {
    "tcp name-with-port": "no client sends a port in its server name, so Traefik's router takes nothing",
    "tcp unicode": "Rondpoint converts the name to its xn-- form, as for HTTP",
}

DB: dict[str, str] = {"tcp.routers.{n}.rule": "HostSNI(`*`)"}

LABELS: dict[str, dict[str, str]] = {
    "implicit": DB,
    "port": {**DB, "tcp.services.{n}.loadbalancer.server.port": "5432"},
    "only-a-service": {"tcp.services.{n}.loadbalancer.server.port": "5432"},
    "another-service": {**DB, "tcp.services.{n}-own.loadbalancer.server.port": "5432"},
    "two-services": {
        **DB,
        "tcp.services.{n}-1.loadbalancer.server.port": "1",
        "tcp.services.{n}-2.loadbalancer.server.port": "2",
    },
    "named-service": {
        **DB,
        "tcp.routers.{n}.service": "{n}-2",
        "tcp.services.{n}-1.loadbalancer.server.port": "1",
        "tcp.services.{n}-2.loadbalancer.server.port": "2",
    },
    "no-rule": {"tcp.routers.{n}.entrypoints": "web"},
    "tls": {"tcp.routers.{n}.rule": "HostSNI(`{n}.test`)", "tcp.routers.{n}.tls": "true"},
    "passthrough": {"tcp.routers.{n}.rule": "HostSNI(`{n}.test`)", "tcp.routers.{n}.tls.passthrough": "true"},
    "without-tls": {"tcp.routers.{n}.rule": "HostSNI(`{n}.test`)"},
    "server-tls": {**DB, "tcp.services.{n}.loadbalancer.server.tls": "true"},
    "proxy-protocol": {**DB, "tcp.services.{n}.loadbalancer.proxyprotocol.version": "1"},
    "proxy-protocol-alone": {**DB, "tcp.services.{n}.loadbalancer.proxyprotocol": "true"},
    "delay": {**DB, "tcp.services.{n}.loadbalancer.terminationdelay": "250"},
    "middleware": {
        **DB,
        "tcp.routers.{n}.middlewares": "{n}",
        "tcp.middlewares.{n}.ipallowlist.sourcerange": "10.0.0.0/8, ::1",
    },
    "only-a-middleware": {"tcp.middlewares.{n}.inflightconn.amount": "5"},
    "with-http": {**DB, "http.routers.{n}.rule": "Host(`{n}.test`)"},
    "with-an-http-service": {**DB, "http.services.{n}.loadbalancer.server.port": "80"},
    "udp": {"udp.routers.{n}.entrypoints": "dns"},
    "udp-port": {"udp.routers.{n}.entrypoints": "dns", "udp.services.{n}.loadbalancer.server.port": "53"},
    "all-protocols": {
        **DB,
        "udp.routers.{n}.entrypoints": "dns",
        "http.routers.{n}.rule": "Host(`{n}.test`)",
    },
    "capitals": {"TCP.Routers.{n}.Rule": "HostSNI(`*`)", "tcp.routers.{n}.EntryPoints": "other"},
}
"""The labels of containers below `traefik.`; `{n}` is the container's name. They expose port 80."""

DIFFERENCES_OF_LABELS: dict[str, str] = {}

_ALL = "match: HostSNI(`*`)"
_S = "services: [{name: whoami, port: 80}]"


def _route(service: str, match: str = _ALL) -> str:
    return f"routes: [{{{match}, services: [{service}]}}]"


def _one(options: str) -> str:
    return _route(f"{{name: whoami, port: 80, {options}}}")


_NAMED = f"routes: [{{match: HostSNI(`a.test`), {_S}}}]"

TCP_ROUTES: dict[str, str] = {
    "plain": f"routes: [{{{_ALL}, {_S}}}]",
    "entry-points": f"entryPoints: [other]\nroutes: [{{{_ALL}, {_S}}}]",
    "priority": f"routes: [{{{_ALL}, priority: 7, {_S}}}]",
    "two-routes": f"routes: [{{{_ALL}, {_S}}}, {{match: ClientIP(`10.0.0.0/8`), {_S}}}]",
    "v2": f"tls: {{}}\nroutes: [{{match: 'HostSNI(`a.test`, `b.test`)', syntax: v2, {_S}}}]",
    "named-port": _route("{name: whoami, port: admin}"),
    "native": _one("nativeLB: true"),
    "server-tls": _one("tls: true"),
    "proxy-protocol": _one("proxyProtocol: {version: 1}"),
    "default-proxy-protocol": _one("proxyProtocol: {}"),
    "delay": _one("terminationDelay: 250"),
    "transport": _one("serversTransport: own"),
    "weights": _route("{name: whoami, port: 80, weight: 3}, {name: dns, port: 53}"),
    "one-absent": _route("{name: whoami, port: 80}, {name: absent, port: 53}"),
    "absent": _route("{name: absent, port: 80}"),
    "middlewares": f"routes: [{{{_ALL}, {_S}, middlewares: [{{name: lan}}, {{name: few}}]}}]",
    "middleware-elsewhere": f"routes: [{{{_ALL}, {_S}, middlewares: [{{name: lan, namespace: other}}]}}]",
    "tls": f"tls: {{}}\n{_NAMED}",
    "passthrough": f"tls: {{passthrough: true}}\n{_NAMED}",
    "tls-options": f"tls: {{options: {{name: strict}}}}\n{_NAMED}",
    "resolver": f"tls: {{certResolver: le, domains: [{{main: b.test}}]}}\n{_NAMED}",
    "without-tls": _NAMED,
    "http-rule": f"routes: [{{match: Host(`a.test`), {_S}}}]",
    "other-class": f"ingressClassName: other\nroutes: [{{{_ALL}, {_S}}}]",
}
"""The `spec` of IngressRouteTCPs by name."""

UDP_ROUTES: dict[str, str] = {
    "dns": "entryPoints: [dns]\nroutes: [{services: [{name: dns, port: 53}]}]",
    "dns-by-name": "entryPoints: [dns]\nroutes: [{services: [{name: dns, port: dns}]}]",
    "dns-weights": "routes: [{services: [{name: dns, port: dns, weight: 2}, {name: whoami, port: 80}]}]",
    "dns-native": "routes: [{services: [{name: dns, port: dns, nativeLB: true}]}]",
    "dns-absent": "routes: [{services: [{name: absent, port: 53}]}]",
}
"""The `spec` of IngressRouteUDPs by name."""

CLUSTER = """
apiVersion: v1
kind: Service
metadata: {name: whoami}
spec: {clusterIP: 10.96.0.7, ports: [{name: web, port: 80}, {name: admin, port: 9000}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: whoami-abc, labels: {kubernetes.io/service-name: whoami}}
addressType: IPv4
ports: [{name: web, port: 8080}, {name: admin, port: 9000}]
endpoints:
  - {addresses: [10.42.0.1], conditions: {ready: true}}
  - {addresses: [10.42.0.2], conditions: {ready: true}}
---
apiVersion: v1
kind: Service
metadata: {name: dns}
spec:
  clusterIP: 10.96.0.53
  ports: [{name: dns-tcp, port: 53, protocol: TCP}, {name: dns, port: 53, protocol: UDP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dns-abc, labels: {kubernetes.io/service-name: dns}}
addressType: IPv4
ports: [{name: dns-tcp, port: 5300}, {name: dns, port: 5353, protocol: UDP}]
endpoints: [{addresses: [10.42.0.5], conditions: {ready: true}}]
---
apiVersion: traefik.io/v1alpha1
kind: MiddlewareTCP
metadata: {name: lan}
spec: {ipAllowList: {sourceRange: [10.0.0.0/8]}}
---
apiVersion: traefik.io/v1alpha1
kind: MiddlewareTCP
metadata: {name: few}
spec: {inFlightConn: {amount: 5}}
---
apiVersion: traefik.io/v1alpha1
kind: ServersTransportTCP
metadata: {name: own}
spec: {dialTimeout: 3s, tls: {insecureSkipVerify: true}}
---
apiVersion: traefik.io/v1alpha1
kind: TLSOption
metadata: {name: strict}
spec: {minVersion: VersionTLS13}
"""

DIFFERENCES_OF_ROUTES = {
    "dns": "of two ports with the number 53, Rondpoint takes that of UDP, and Traefik the first one",
}
