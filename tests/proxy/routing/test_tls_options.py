"""Which TLS options a connection must have been made with, by entry point."""

from __future__ import annotations

from msgspec.structs import replace

from proxy.routing.table import RoutingTable
from proxy.routing.tls_options import RouterTlsOptions
from rondpoint.model import Router
from rondpoint.rules import v3

WEB = frozenset(("web",))
FOR_ALL = {"secure": "", "strict": "strict@file", "own": "local"}
ALL = ("web", *FOR_ALL)


def router(
    name: str, host: str, *, options: str = "", points: tuple[str, ...] = ALL, tls: bool = False
) -> Router:
    rule = v3.parse(f"Host(`{host}`)")
    return Router(name, rule, "s", 1, entry_points=points, tls=tls or bool(options), tls_options=options)


def found(table: RoutingTable, host: str, name: str) -> dict[str, tuple[str, str]]:
    """Return the options of a host and of a router, by entry point."""
    options = table.tls_options
    return {point: (options.for_host(point, host), options.for_router(point, name)) for point in ALL}


def both(**options: str) -> dict[str, tuple[str, str]]:
    """Return options that are the same for host and router; `default` if they are not given."""
    return {point: (options.get(point, "default"),) * 2 for point in ALL}  # type: ignore[misc]


def test_a_router_has_its_own_options_or_those_of_the_entry_point() -> None:
    table = RoutingTable(WEB, FOR_ALL)
    table.put(router("plain@docker", "a.test"))
    table.put(router("secure@docker", "b.test", tls=True))
    table.put(router("named@docker", "c.test", options="x@file"))
    assert found(table, "a.test", "plain@docker") == both(strict="strict@file", own="local@docker")
    assert found(table, "b.test", "secure@docker") == both()
    assert found(table, "c.test", "named@docker") == both(**dict.fromkeys(ALL, "x@file"))


def test_each_entry_point_is_on_its_own() -> None:
    table = RoutingTable(WEB, FOR_ALL)
    table.put(router("a@file", "a.test", options="x@file", points=("web", "secure")))
    table.put(router("b@file", "a.test", tls=True, points=("secure",)))
    assert found(table, "a.test", "a@file") == both(web="x@file")
    table.remove("b@file")
    assert found(table, "a.test", "a@file") == both(web="x@file", secure="x@file")
    table.remove("a@file")
    assert found(table, "a.test", "a@file") == both()


def test_routers_from_before_the_first_options_count() -> None:
    table = RoutingTable(WEB)
    table.put(router("a@file", "a.test", tls=True))
    table.put(router("b@file", "a.test", options="x@file"))
    assert table.tls_options.for_host("web", "a.test") == "default"
    table.put(router("a@file", "a.test", options="x@file"))
    assert table.tls_options.for_host("web", "a.test") == "x@file"


def test_nothing_is_kept_without_options() -> None:
    options = RouterTlsOptions(WEB, {"secure": ""})

    class Others:
        def __iter__(self) -> None:
            raise AssertionError("nobody may look at the other routers")

    options.put(router("a@file", "a.test", tls=True), Others())  # type: ignore[arg-type]
    options.put(replace(router("b@file", "a.test", tls=True), tls_options="default"), Others())  # type: ignore[arg-type]
    assert options.for_host("web", "a.test") == "default"


def test_only_requests_for_routers_with_options_are_checked() -> None:
    checked: list[str] = []
    table = RoutingTable(WEB, {}, lambda router, _request, _client: checked.append(router.name))
    table.put(router("plain", "a.test", points=()))
    table.put(router("secure", "b.test", tls=True, points=()))
    table.put(router("named", "c.test", options="x@file", points=()))
    routes = {
        name: table.match("web" if name == "plain" else "web over TLS", _Request(host), None)  # type: ignore[arg-type]
        for name, host in (("plain", b"a.test"), ("secure", b"b.test"), ("named", b"c.test"))
    }
    assert {name: route and route.router.name for name, route in routes.items()} == {
        name: name for name in routes
    }
    assert checked == ["named"]


class _Request:
    """As much of a request as a rule with a host needs."""

    target = b"/"

    def __init__(self, host: bytes) -> None:
        self.host = host
