"""The choice of a server, as functions of values."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest

from proxy.udp.routes import Route, UdpRouters, UdpServices
from rondpoint.model import Member, ServerState
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService


class Tickets:
    """Gives the tickets 1, 2, … of each field, and notes which it has given."""

    def __init__(self) -> None:
        self._next: dict[str, count[int]] = {}
        self.fields: list[str] = []

    def take(self, field: str) -> int:
        self.fields.append(field)
        return next(self._next.setdefault(field, count(1)))


def make(*services: UdpService) -> UdpServices:
    made = UdpServices(lambda: None)
    for service in services:
        made.put(service)
    return made


def service(name: str, *servers: str, state: ServerState = ServerState.UP) -> UdpService:
    return UdpService(name, tuple(UdpServer(server, server, 53, state) for server in servers))


def never(_route: Route) -> bool:
    return False


def chosen(services: UdpServices, name: str, times: int, tickets: Tickets | None = None) -> list[str]:
    take = (tickets or Tickets()).take
    routes = [services.choose(name, take, never) for _ in range(times)]
    return ["" if route is None else route.server.name for route in routes]


def test_servers_take_turns() -> None:
    tickets = Tickets()
    assert chosen(make(service("s", "a", "b", "c")), "s", 7, tickets) == list("abcabca")
    assert set(tickets.fields) == {"udp:s"}


def test_a_single_server_needs_no_ticket() -> None:
    tickets = Tickets()
    assert chosen(make(service("s", "a")), "s", 3, tickets) == ["a"] * 3
    assert not tickets.fields


def test_members_take_turns_by_weight() -> None:
    services = make(
        service("two", "a", "b"),
        service("one", "c"),
        UdpService("all", members=(Member("two", 2), Member("one"))),
    )
    assert Counter(chosen(services, "all", 12)) == {"a": 4, "b": 4, "c": 4}


def test_members_without_servers_are_passed_over() -> None:
    services = make(
        service("full", "a"),
        service("empty"),
        service("draining", "b", state=ServerState.DRAINING),
        UdpService("all", members=(Member("empty", 5), Member("draining"), Member("full"), Member("gone"))),
    )
    tickets = Tickets()
    assert chosen(services, "all", 3, tickets) == ["a"] * 3
    assert not tickets.fields


def test_a_member_that_refuses_takes_its_share() -> None:
    services = make(
        service("full", "a"),
        UdpService("refusing", refuses=True),
        UdpService("inner", members=(Member("refusing"),)),
        UdpService("all", members=(Member("inner"), Member("full", 3))),
    )
    assert Counter(chosen(services, "all", 8)) == {"a": 6, "": 2}
    services.put(UdpService("refusing"))
    assert chosen(services, "all", 4) == ["a"] * 4


def test_a_service_that_only_refuses_has_no_server() -> None:
    services = make(UdpService("refusing", refuses=True), UdpService("all", members=(Member("refusing"),)))
    assert not services.available("all")
    assert chosen(services, "all", 1) == [""]


def test_a_member_of_weight_0_gets_nothing() -> None:
    services = make(service("a", "a"), UdpService("all", members=(Member("a", 0),)))
    assert not services.available("all")
    assert chosen(services, "all", 1) == [""]


def test_members_of_members() -> None:
    services = make(
        service("a", "a"),
        service("b", "b"),
        UdpService("inner", members=(Member("a"), Member("b"))),
        UdpService("outer", members=(Member("inner"),)),
    )
    assert chosen(services, "outer", 4) == list("abab")


def test_a_circle_of_services_has_no_server() -> None:
    services = make(UdpService("one", members=(Member("two"),)), UdpService("two", members=(Member("one"),)))
    assert not services.available("one")
    assert chosen(services, "one", 1) == [""]


def test_an_unserved_service_has_no_server() -> None:
    services = make(UdpService("s", (UdpServer("a", "a", 53),), unserved="an option is not served"))
    assert chosen(services, "s", 1) == [""]


def test_a_server_to_avoid_gets_no_session_while_there_are_others() -> None:
    services = make(service("s", "a", "b"))
    tickets = Tickets()

    def choose(*avoided: str) -> list[str]:
        routes = [
            services.choose("s", tickets.take, lambda route: route.server.name in avoided) for _ in range(4)
        ]
        return [route.server.name for route in routes if route is not None]

    assert choose("a") == ["b"] * 4
    assert choose("a", "b") == list("abab")


STATES = [(ServerState.UP, True), (ServerState.DRAINING, True), (ServerState.DOWN, False)]


@pytest.mark.parametrize(("state", "stays"), STATES)
def test_sessions_keep_to_servers_that_are_not_down(state: ServerState, stays: bool) -> None:
    services = make(service("s", "a"), UdpService("all", members=(Member("s"),)))
    route = services.choose("all", Tickets().take, never)
    assert route is not None
    services.put(service("s", "a", state=state))
    assert services.leads_to("all", route) is stays
    assert services.leads_to("s", route) is stays


def test_sessions_leave_what_is_removed() -> None:
    services = make(service("s", "a"), service("other", "a"), UdpService("all", members=(Member("s"),)))
    route = services.choose("all", Tickets().take, never)
    assert route is not None
    assert not services.leads_to("other", route)
    services.put(UdpService("all", members=(Member("other"),)))
    assert not services.leads_to("all", route)
    services.remove("s")
    assert not services.leads_to("s", route)


def test_the_router_of_an_entry_point() -> None:
    routers = UdpRouters(lambda: None)
    for router in (
        UdpRouter("b@file", "for b", ("dns",)),
        UdpRouter("a@file", "for a", ("dns", "other")),
        UdpRouter("c@file", "for c"),
    ):
        routers.put(router)
    found = {point: router.name for point in ("dns", "third") if (router := routers.of(point)) is not None}
    assert found == {"dns": "a@file", "third": "c@file"}
    routers.remove("c@file")
    assert routers.of("third") is None


def test_every_change_is_announced() -> None:
    changes: list[int] = []
    services, routers = UdpServices(lambda: changes.append(1)), UdpRouters(lambda: changes.append(2))
    services.put(service("s"))
    services.remove("s")
    routers.put(UdpRouter("r", "s"))
    routers.remove("r")
    assert changes == [1, 1, 2, 2]
