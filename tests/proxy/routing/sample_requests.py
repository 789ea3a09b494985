"""Requests and routers for tests of the routing table, and a reference implementation of its result."""

from collections.abc import Iterable

from proxy.http1.request import Request
from proxy.routing.table import RoutingTable
from rondpoint.model import Router
from rondpoint.rules import v3
from rondpoint.rules.evaluate import evaluate
from rondpoint.rules.expression import Expression, Rule
from tests.rondpoint.rules.sample_requests import facts_of

DEFAULT = frozenset({"web"})


class Client:
    """A client whose forwarded header lines the test chooses."""

    def __init__(self, peer: str = "192.0.2.1", forwarded: bytes = b"") -> None:
        self.peer = peer
        self._forwarded = forwarded

    def forwarded(self, host: bytes) -> bytes:
        del host
        return self._forwarded


def request(
    host: str,
    target: str = "/",
    method: str = "GET",
    headers: bytes = b"",
    upgrade: bytes = b"",
    length: int = -1,
) -> Request:
    """Return a request.

    `headers` are lines with a leading CRLF each; `length` is the length of the body, -1 without one.
    """
    made = Request()
    made.host, made.target, made.method = host.encode(), target.encode(), method.encode()
    made.headers, made.upgrade = b"\r\nHost: " + made.host + headers, upgrade
    made.content_length = length
    return made


def router(
    name: str, rule: str | Expression, priority: int = 1, entry_points: tuple[str, ...] = ()
) -> Router:
    if isinstance(rule, str):
        return Router(name, v3.parse(rule), f"service-of-{name}", priority, entry_points)
    return Router(name, Rule("generated", rule), f"service-of-{name}", priority, entry_points)


def make_table(*routers: Router) -> RoutingTable:
    table = RoutingTable(DEFAULT)
    for each in routers:
        table.put(each)
    return table


def served(table: RoutingTable, host: str, target: str = "/", entry_point: str = "web") -> str | None:
    found = table.match(entry_point, request(host, target), Client())
    return found.router.name if found else None


def walk(
    routers: Iterable[Router], entry_point: str, client_request: Request, client: Client
) -> Router | None:
    """Return the first router by priority, then name, on this entry point whose rule matches."""
    facts = facts_of(
        client_request.method, client_request.host, client_request.target, client_request.headers, client.peer
    )
    for each in sorted(routers, key=lambda router: (-router.priority, router.name)):
        on = set(each.entry_points) or DEFAULT
        if entry_point in on and evaluate(each.rule.expression, facts):
            return each
    return None
