"""The section `tcp` of dynamic files."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from discovery.decoding.decoded import Decoded
from discovery.dynamic import decode
from rondpoint.model import ClientCertificate, Member, Middleware, ServersTransport
from rondpoint.rules.tcp import parse
from rondpoint.tcp.model import TcpHealthCheck, TcpRouter, TcpServer, TcpServersTransport, TcpService
from rondpoint.tls.model import TlsDomain

GOOD = r"""
tcp:
  routers:
    Db:
      rule: HostSNI(`db.test`) && ClientIP(`10.0.0.0/8`)
      service: db
      priority: 12
      entryPoints: [postgres]
      middlewares: [lan, other@docker]
      tls:
        options: strict
        certResolver: le
        domains: [{main: db.test, sans: [www.db.test]}]
    through: {rule: HostSNI(`*.db.test`), service: db@docker, tls: {passthrough: true}}
    all: {rule: HostSNI(`*`), service: both}
    old: {rule: "HostSNI(`a.test`, `b.test`)", ruleSyntax: v2, service: db, tls: {}}
  services:
    db:
      loadBalancer:
        serversTransport: own
        servers:
        - {address: "10.0.0.2:5432"}
        - {address: "[::1]:5432", tls: true}
        - {address: "10.0.0.2:5432"}
        healthCheck:
          {port: 9, send: "PING\r\n", expect: "+", interval: 5s, unhealthyInterval: 1s, timeout: 2s}
    both:
      weighted:
        services: [{name: db, weight: 3}, {name: old@docker}]
        healthCheck: {}
    deprecated:
      loadBalancer: {servers: [{address: "a.test:1"}], proxyProtocol: {version: 1}, terminationDelay: -1}
  middlewares:
    lan: {ipAllowList: {sourceRange: [10.0.0.0/8, 192.168.1.7]}}
    few: {inFlightConn: {amount: 5}}
  serversTransports:
    own:
      dialTimeout: 3s
      dialKeepAlive: -1s
      terminationDelay: 200ms
      proxyProtocol: {}
      tls:
        serverName: db.internal
        insecureSkipVerify: true
        rootCAs: [/ca.pem]
        certificates: [{certFile: /c.pem, keyFile: /k.pem}]
        peerCertURI: spiffe://a/b
"""


def decoded(text: str) -> Decoded:
    tree: dict[str, Any] = yaml.safe_load(text)
    return decode(tree, "file", "a.yml")


def section(text: str) -> Decoded:
    return decoded(f"tcp: {{{text}}}")


def test_all_options_are_decoded() -> None:
    found = decoded(GOOD)
    assert found.diagnostics == ()
    assert found.tcp_routers == (
        TcpRouter(
            "Db@file",
            parse("HostSNI(`db.test`) && ClientIP(`10.0.0.0/8`)"),
            "db@file",
            12,
            ("postgres",),
            ("lan@file", "other@docker"),
            tls=True,
            tls_options="strict@file",
            cert_resolver="le",
            tls_domains=(TlsDomain("db.test", ("www.db.test",)),),
        ),
        TcpRouter("through@file", parse("HostSNI(`*.db.test`)"), "db@docker", 20, tls=True, passthrough=True),
        TcpRouter("all@file", parse("HostSNI(`*`)"), "both@file", -1),
        found.tcp_routers[3],
    )
    assert (found.tcp_routers[3].tls, found.tcp_routers[3].priority) == (True, 27)
    check = TcpHealthCheck(9, "PING\r\n", "+", 5.0, 1.0, 2.0)
    servers = (
        TcpServer("10.0.0.2:5432", "10.0.0.2", 5432),
        TcpServer("10.0.0.2:5432#2", "10.0.0.2", 5432),
        TcpServer("[::1]:5432", "::1", 5432, tls=True),
    )
    own = TcpServersTransport("", termination_delay=-0.001, proxy_protocol=1)
    assert found.tcp_services == (
        TcpService("db@file", servers, check, "own@file"),
        TcpService("both@file", members=(Member("db@file", 3), Member("old@docker"))),
        TcpService("deprecated@file", (TcpServer("a.test:1", "a.test", 1),), transport=own),
    )
    assert found.tcp_middlewares == (
        Middleware("lan@file", "ipAllowList", {"sourceRange": ["10.0.0.0/8", "192.168.1.7/32"]}),
        Middleware("few@file", "inFlightConn", {"amount": 5}),
    )
    tls = ServersTransport(
        "own@file",
        server_name="db.internal",
        insecure_skip_verify=True,
        root_cas=("/ca.pem",),
        certificate=ClientCertificate("/c.pem", "/k.pem"),
        peer_cert_uri="spiffe://a/b",
    )
    assert found.tcp_servers_transports == (TcpServersTransport("own@file", 3.0, -1.0, 0.2, 2, tls),)
    assert found.keys["tcpRouters.Db@file"] == "tcp.routers.Db"


SERVICE = "services: {s: {loadBalancer: {servers: [{address: 'a:1'}]}}}"

LEFT_OUT = [
    ("rule: Host(`a.test`)", 'rule="Host(`a.test`)": Host is for HTTP routers', "write HostSNI"),
    ("rule: HostSNI(`a.test`)", "has a HostSNI, but the router has no tls", "tls.passthrough=true"),
    ("priority: 1", "r has no rule", "HostSNI(`*`)"),
    ("rule: HostSNI(`*`), middlewares: {a: b}", "middlewares={'a': 'b'} is not valid", "a list of texts"),
    (
        "rule: HostSNI(`*`), middleware: [a]",
        "r.middleware may be meant to protect the router",
        "HostSNI(`*`)",
    ),
    ("rule: HostSNI(`*`), entryPoints: {a: b}", "entryPoints={'a': 'b'} is not valid", ""),
    ("rule: HostSNI(`*`), ruleSyntax: v9", 'ruleSyntax="v9" is not valid', "v3 or v2"),
    ("rule: HostSNI(`*`), tls: maybe", 'tls="maybe" is not valid', "true or false"),
    ("rule: HostSNI(`*`), tls: {passthrough: maybe}", 'passthrough="maybe" is not valid', "true or false"),
    ("rule: HostSNI(`*`), tls: {passThru: true}", "tls.passThru may be meant to protect the router", ""),
    ("rule: HostSNI(`*`), tls: {option: a}", "tls.option may be meant to protect the router", ""),
]


@pytest.mark.parametrize(("options", "message", "hint"), LEFT_OUT)
def test_a_router_that_would_take_more_than_meant_is_left_out(options: str, message: str, hint: str) -> None:
    found = section(f"routers: {{r: {{service: s, {options}}}}}, {SERVICE}")
    assert found.tcp_routers == ()
    assert any(message in each.message and hint in each.hint for each in found.diagnostics), found.diagnostics


def test_a_router_without_a_service_is_left_out() -> None:
    found = section(f"routers: {{r: {{rule: HostSNI(`*`)}}}}, {SERVICE}")
    (error,) = found.diagnostics
    assert (found.tcp_routers, error.message, error.hint) == (
        (),
        "tcp.routers.r names no service",
        "expected one of s",
    )


def test_a_router_of_an_invalid_service_is_left_out() -> None:
    found = section("routers: {r: {rule: HostSNI(`*`), service: s}}, services: {s: {}}")
    assert (found.tcp_routers, found.tcp_services) == ((), ())
    assert [each.message for each in found.diagnostics] == [
        "tcp.services.s has no servers",
        "tcp.routers.r is left out, because its service s@file is left out",
    ]


def test_options_below_a_misspelt_section_leave_the_router_out() -> None:
    found = section(
        f"router: {{r: {{middlewares: [a]}}}}, routers: {{r: {{rule: HostSNI(`*`), service: s}}}}, {SERVICE}"
    )
    assert found.tcp_routers == ()
    assert "tcp.router.r.middlewares may be meant to protect router r" in found.diagnostics[0].message


def test_a_plain_router_may_match_clients_and_every_name() -> None:
    rules = ["ClientIP(`::1`)", "HostSNI(`*`) || HostSNI(`a`)", "HostSNIRegexp(`^$`)", "ALPN(`h2`)"]
    for rule in rules:
        found = section(f"routers: {{r: {{rule: '{rule}', service: s@docker}}}}")
        assert [router.rule for router in found.tcp_routers] == [parse(rule)]


def test_a_plain_router_that_excludes_a_name_gets_a_warning() -> None:
    found = section("routers: {r: {rule: '!HostSNI(`a`)', service: s@x}}")
    assert len(found.tcp_routers) == 1
    assert "excludes a server name, which no connection without TLS has" in found.diagnostics[0].message
    assert section("routers: {r: {rule: '!HostSNI(`a`)', service: s@x, tls: {}}}").diagnostics == ()


def test_tls_options_beside_passthrough_have_no_effect() -> None:
    found = section("routers: {r: {rule: HostSNI(`a`), service: s@x, tls: {passthrough: true, options: b}}}")
    assert found.diagnostics[0].message == "tcp.routers.r.tls.options has no effect with passthrough"
    assert found.tcp_routers[0].passthrough


CLOSED = [
    ("loadBalancer: {servers: [], proxyProtocol: {version: 3}}", "its proxyProtocol is not valid"),
    ("loadBalancer: {servers: [], proxyProtocol: {versoin: 1}}", "its proxyProtocol is not valid"),
    ("loadBalancer: {servers: [], proxyProtocol: maybe}", "its proxyProtocol is not valid"),
    ("loadBalancer: {servers: [], serversTransport: ''}", "its serversTransport cannot be read"),
    ("loadBalancer: {servers: []}, weighted: {services: []}", "it has several kinds"),
    ("weighted: {services: []}", "it names no services"),
    ("weighted: nope", "its weighted cannot be read"),
]


@pytest.mark.parametrize(("options", "reason"), CLOSED)
def test_a_service_with_options_that_cannot_be_read_takes_no_connections(options: str, reason: str) -> None:
    found = section(f"services: {{s: {{{options}}}}}")
    assert [service.unserved for service in found.tcp_services] == [reason]
    assert found.diagnostics


@pytest.mark.parametrize(
    ("server", "hint"),
    [
        ("address: 10.0.0.1", "10.0.0.7:5432"),
        ("address: ':80'", "10.0.0.7:5432"),
        ("address: 'tcp://a:80'", "without a scheme"),
        ("address: '::1:80'", "10.0.0.7:5432"),
        ("address: 'a:99999'", "a port from 1 to 65535"),
        ("address: 'a b:80'", "a b"),
        ("url: 'http://a:80'", "HOST:PORT"),
        ("address: 'a:80', tls: maybe", "true or false"),
    ],
)
def test_a_server_that_cannot_be_read_is_left_out(server: str, hint: str) -> None:
    found = section(f"services: {{s: {{loadBalancer: {{servers: [{{{server}}}, {{address: 'b:1'}}]}}}}}}")
    assert [each.name for each in found.tcp_services[0].servers] == ["b:1"]
    assert any(hint in each.hint for each in found.diagnostics), found.diagnostics


def test_a_switch_stands_for_the_defaults_of_a_group() -> None:
    options = "proxyProtocol: true, healthCheck: 'true'"
    found = section(f"services: {{s: {{loadBalancer: {{servers: [{{address: 'a:1'}}], {options}}}}}}}")
    (service,) = found.tcp_services
    assert (service.health_check, service.transport) == (
        TcpHealthCheck(),
        TcpServersTransport("", proxy_protocol=2),
    )


def test_deprecated_options_beside_a_transport_are_told() -> None:
    options = "proxyProtocol: {}, terminationDelay: 5, serversTransport: t"
    found = section(f"services: {{s: {{loadBalancer: {{servers: [{{address: 'a:1'}}], {options}}}}}}}")
    assert found.tcp_services[0].transport is None
    assert [each.message.split(" ")[0] for each in found.diagnostics] == [
        "tcp.services.s.loadBalancer.proxyProtocol",
        "tcp.services.s.loadBalancer.terminationDelay",
    ]


UNUSABLE = [
    "ipAllowList: {}",
    "ipAllowList: {sourceRange: []}",
    "ipAllowList: {sourceRange: [nope]}",
    "ipAllowList: {sourceRange: [10.0.0.0/8], ipStrategy: {depth: 1}}",
    "ipWhiteList: {}",
    "inFlightConn: {}",
    "inFlightConn: {amount: -1}",
    "inFlightConn: {amount: 1, source: a}",
]


@pytest.mark.parametrize("options", UNUSABLE)
def test_a_middleware_with_a_fault_is_unusable(options: str) -> None:
    found = section(f"middlewares: {{m: {{{options}}}}}")
    assert [middleware.unusable for middleware in found.tcp_middlewares] == [True]
    assert "routers that use the middleware close their connections" in found.diagnostics[0].message


def test_a_middleware_of_http_is_unknown_here() -> None:
    found = section("middlewares: {m: {inFlightReq: {amount: 1}}}")
    assert found.tcp_middlewares == ()
    assert found.diagnostics[0].hint == "did you mean inFlightConn?"


KEY = "-----BEGIN PRIVATE KEY-----\\nMIIB\\n-----END PRIVATE KEY-----"
CLOSING = [
    ("tls: {spiffe: {ids: [a]}}", "tls: spiffe is not served yet"),
    ("tls: nope", "tls is not valid"),
    ("tls: {serverName: 'a b'}", "tls: serverName is not valid"),
    ("proxyProtocol: {version: 3}", "proxyProtocol is not valid"),
    (
        f'tls: {{certificates: [{{certFile: /c.pem, keyFile: "{KEY}"}}]}}',
        "tls: keyFile contains a private key",
    ),
]


@pytest.mark.parametrize(("options", "reason"), CLOSING)
def test_a_transport_that_cannot_be_read_closes_its_services(options: str, reason: str) -> None:
    found = section(f"serversTransports: {{t: {{{options}}}}}")
    assert found.tcp_servers_transports[0].unserved.startswith(reason)
    assert found.diagnostics


def test_a_private_key_in_a_transport_is_neither_kept_nor_shown() -> None:
    found = section(f"serversTransports: {{t: {{{CLOSING[-1][0]}}}}}")
    assert "MIIB" not in str(found.diagnostics)
    tls = found.tcp_servers_transports[0].tls
    assert tls is not None
    assert tls.certificate == ClientCertificate("", "")


def test_unknown_options_get_hints() -> None:
    found = section("routers: {r: {rule: HostSNI(`*`), service: s@x, prioritty: 3}}, servicess: {}")
    assert [(each.message, each.hint) for each in found.diagnostics] == [
        ("tcp.routers.r.prioritty is unknown", "did you mean priority?"),
        ("tcp.servicess is unknown", "did you mean services?"),
    ]
