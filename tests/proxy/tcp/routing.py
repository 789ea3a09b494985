"""Routers and services of TCP for tests, and clients that see which server they reach."""

from __future__ import annotations

import socket
import ssl
from itertools import count

import msgspec

from rondpoint.model import Middleware
from rondpoint.rules.expression import And, Expression, Match, Not, Or, Rule
from rondpoint.tcp.model import TcpRouter, TcpServer, TcpService
from tests.proxy.running import Proxy
from tests.proxy.tls.handshakes import client_context

ANYTHING = Match("HostSNI", ("*",))

_numbers = count(1)


def text_of(expression: Expression) -> str:
    """Return an expression in the language of rules."""
    match expression:
        case Match(kind, values):
            return " || ".join(f"{kind}(`{value}`)" for value in values)
        case And(items):
            return " && ".join(f"({text_of(item)})" for item in items)
        case Or(items):
            return " || ".join(f"({text_of(item)})" for item in items)
        case Not(item):
            return f"!({text_of(item)})"
    raise AssertionError(expression)


def sni(*names: str) -> Match:
    return Match("HostSNI", names)


def router(name: str, expression: Expression, service: str = "s", **options: object) -> TcpRouter:
    """Return a router; its priority follows from the rule's length unless it is given."""
    text = text_of(expression)
    priority = -1 if expression == ANYTHING else len(text)
    return msgspec.structs.replace(TcpRouter(name, Rule(text, expression), service, priority), **options)


def service(name: str, *ports: int, **options: object) -> TcpService:
    servers = tuple(TcpServer(f"s{number}", "127.0.0.1", port) for number, port in enumerate(ports))
    return msgspec.structs.replace(TcpService(name, servers), **options)


def route(
    proxy: Proxy,
    entry_point: str,
    expression: Expression,
    *ports: int,
    middlewares: tuple[Middleware, ...] = (),
    service_options: dict[str, object] | None = None,
    wait: bool = True,
    **options: object,
) -> str:
    """Route connections to servers on these ports, under new names; return the name of router and service."""
    name = f"r{next(_numbers)}@x"
    proxy.tcp_services[name] = service(name, *ports, **(service_options or {}))
    proxy.tcp_middlewares.update((each.name, each) for each in middlewares)
    proxy.tcp_routers[name] = router(
        name,
        expression,
        name,
        entry_points=(entry_point,),
        middlewares=tuple(each.name for each in middlewares),
        **options,
    )
    if wait:
        proxy.publish()
    return name


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def connect_tls(port: int, name: str | None, *, alpn: tuple[str, ...] = (), own: str = "") -> ssl.SSLSocket:
    """Connect over TLS with this server name; `own` is a file with the client's certificate."""
    context = client_context(ssl.TLSVersion.TLSv1_3)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if own:
        context.load_cert_chain(own)
    return context.wrap_socket(connect(port), server_hostname=name)


def receive_all(connection: socket.socket) -> bytes:
    """Return all bytes to the end of the stream."""
    received = bytearray()
    while data := connection.recv(65536):
        received += data
    return bytes(received)


def exactly(connection: socket.socket, size: int) -> bytes:
    """Return so many bytes, or fewer if the stream ends before."""
    received = bytearray()
    while len(received) < size and (data := connection.recv(min(size - len(received), 1 << 20))):
        received += data
    return bytes(received)
