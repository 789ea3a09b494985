"""TCP and UDP objects, as a file for Traefik and as the configuration that an agent publishes for it."""

from __future__ import annotations

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import ClientCertificate, Member, Middleware, ServerState, ServersTransport
from rondpoint.rules.expression import And, Match, Rule
from rondpoint.tcp.model import TcpHealthCheck, TcpRouter, TcpServer, TcpServersTransport, TcpService
from rondpoint.tls.model import TlsDomain
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService

FILE = """
tcp:
  routers:
    db:
      rule: "HostSNI(`db.test`)"
      service: db
      entryPoints: [pg]
      middlewares: [office, few@file]
      tls: {passthrough: true}
    plain: {rule: "HostSNI(`*`)", service: plain, entryPoints: [raw]}
    ended:
      rule: "HostSNI(`a.test`) && ALPN(`pg`)"
      service: turns
      priority: 7
      tls: {options: strict@file, certResolver: le, domains: [{main: a.test, sans: [b.test]}]}
    bare: {rule: "HostSNI(`bare.test`)", service: db, tls: {}}
    half: {rule: "HostSNI(`half.test`)", service: db, entryPoints: [pg, other], tls: {}}
    lost: {rule: "HostSNI(`lost.test`)", service: nowhere, tls: {}}
    unguarded: {rule: "HostSNI(`u.test`)", service: db, tls: {}, middlewares: [nowhere]}
    garbled: {rule: "Host(`g.test`)", service: db, tls: {}}
  services:
    db: {loadBalancer: {servers: [{address: "127.0.0.1:5432"}, {address: "127.0.0.1:5433", tls: true}]}}
    plain:
      loadBalancer:
        servers: [{address: "[::1]:5432"}]
        proxyProtocol: {version: 1}
        terminationDelay: 200
    moved: {loadBalancer: {servers: [{address: "127.0.0.1:5432"}], serversTransport: mine@file}}
    checked:
      loadBalancer:
        servers: [{address: "127.0.0.1:5432"}]
        healthCheck: {port: 99, send: PING, expect: PONG, interval: 1m30s, unhealthyInterval: 1s, timeout: 2s}
    usual: {loadBalancer: {servers: [{address: "127.0.0.1:5432"}], healthCheck: {}}}
    empty: {loadBalancer: {servers: []}}
    turns: {weighted: {services: [{name: db@file, weight: 2}, {name: plain@file, weight: 1}]}}
  middlewares:
    office: {ipAllowList: {sourceRange: [192.0.2.0/24, 10.0.0.7]}}
    old: {ipWhiteList: {sourceRange: [192.0.2.0/24]}}
    few: {inFlightConn: {amount: 3}}
  serversTransports:
    mine: {dialTimeout: 3s, proxyProtocol: {version: 2}}
tls:
  options: {strict: {minVersion: VersionTLS13}}
udp:
  routers:
    dns: {service: dns, entryPoints: [dns]}
    half: {service: turns@file, entryPoints: [time, other]}
    lost: {service: nowhere, entryPoints: [syslog]}
  services:
    dns: {loadBalancer: {servers: [{address: "127.0.0.1:53"}, {address: "127.0.0.1:54"}]}}
    turns: {weighted: {services: [{name: dns@file, weight: 3}]}}
    empty: {loadBalancer: {servers: []}}
"""

SECRET = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"


def sni(*hosts: str) -> Match:
    return Match("HostSNI", hosts)


def router(name: str, service: str, priority: int, **options: object) -> TcpRouter:
    """Return a router named NAME@file for the host NAME.test."""
    rule = Rule(f"HostSNI(`{name}.test`)", sni(f"{name}.test"))
    return TcpRouter(f"{name}@file", rule, f"{service}@file", priority, **options)  # type: ignore[arg-type]


def tcp_routers() -> tuple[TcpRouter, ...]:
    strict = {
        "tls_options": "strict@file",
        "cert_resolver": "le",
        "tls_domains": (TlsDomain("a.test", ("b.test",)),),
    }
    ended = Rule("HostSNI(`a.test`) && ALPN(`pg`)", And((sni("a.test"), Match("ALPN", ("pg",)))))
    guards = ("office@file", "few@file")
    return (
        router("db", "db", 18, entry_points=("pg",), middlewares=guards, tls=True, passthrough=True),
        TcpRouter("plain@file", Rule("HostSNI(`*`)", sni("*")), "plain@file", -1, ("raw",)),
        TcpRouter("ended@file", ended, "turns@file", 7, tls=True, **strict),  # type: ignore[arg-type]
        router("bare", "db", 20, tls=True),
        router("half", "db", 20, entry_points=("pg",), tls=True),
    )


def tcp_services() -> tuple[TcpService, ...]:
    one = (TcpServer("s1", "127.0.0.1", 5432),)
    key = ClientCertificate("/client.pem", SECRET)
    mine = TcpServersTransport(
        "mine@file", dial_timeout=3.0, proxy_protocol=2, tls=ServersTransport("", certificate=key)
    )
    own = TcpServersTransport("", proxy_protocol=1, termination_delay=0.2)
    checked = TcpHealthCheck(99, "PING", "PONG", 90.0, 1.0, 2.0)
    return (
        TcpService("db@file", (*one, TcpServer("s2", "127.0.0.1", 5433, tls=True, state=ServerState.DOWN))),
        TcpService("plain@file", (TcpServer("s1", "::1", 5432),), transport=own),
        TcpService("moved@file", one, servers_transport="mine@file", transport=mine),
        TcpService("checked@file", one, checked),
        TcpService("usual@file", one, TcpHealthCheck()),
        TcpService("empty@file"),
        TcpService("turns@file", members=(Member("db@file", 2), Member("plain@file", 1))),
    )


def tcp_middlewares() -> tuple[Middleware, ...]:
    return (
        Middleware("office@file", "ipAllowList", {"sourceRange": ["192.0.2.0/24", "10.0.0.7"]}),
        Middleware("old@file", "ipWhiteList", {"sourceRange": ["192.0.2.0/24"]}),
        Middleware("few@file", "inFlightConn", {"amount": 3}),
    )


def udp_routers() -> tuple[UdpRouter, ...]:
    return (
        UdpRouter("dns@file", "dns@file", ("dns",)),
        UdpRouter("half@file", "turns@file", ("time",)),
    )


def udp_services() -> tuple[UdpService, ...]:
    down = UdpServer("s2", "127.0.0.1", 54, state=ServerState.DRAINING)
    return (
        UdpService("dns@file", (UdpServer("s1", "127.0.0.1", 53), down)),
        UdpService("turns@file", members=(Member("dns@file", 3),)),
        UdpService("empty@file"),
    )


def diagnostics() -> tuple[Diagnostic, ...]:
    missing = "entry point 'other' does not exist"
    lost = "service nowhere@file does not exist"
    return (
        Diagnostic(Severity.WARNING, "file", "TCP router half@file", missing),
        Diagnostic(Severity.ERROR, "file", "TCP router lost@file", lost),
        Diagnostic(Severity.ERROR, "file", "TCP router unguarded@file", "middleware nowhere@file …"),
        Diagnostic(
            Severity.ERROR, "file", "routes.yml", "Host is for HTTP routers", about="TCP router garbled@file"
        ),
        Diagnostic(Severity.WARNING, "file", "UDP router half@file", missing),
        Diagnostic(Severity.ERROR, "file", "UDP router lost@file", lost),
    )


def configuration() -> Configuration:
    """Return the configuration of FILE, merged, with its diagnostics."""
    return Configuration(
        tcp_routers={each.name: each for each in tcp_routers()},
        tcp_services={each.name: each for each in tcp_services()},
        tcp_middlewares={each.name: each for each in tcp_middlewares()},
        udp_routers={each.name: each for each in udp_routers()},
        udp_services={each.name: each for each in udp_services()},
        diagnostics=diagnostics(),
    )
