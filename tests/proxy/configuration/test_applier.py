"""Applying configurations and changes, at once or in portions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from proxy.balancing.ticket_connection import TicketConnection
from proxy.balancing.tickets import Tickets
from proxy.configuration.applier import PORTION, Applier
from proxy.context import WorkerContext
from proxy.ejection.ejections import Ejections
from proxy.net.deadlines import Sweeper
from proxy.routing.table import RoutingTable
from proxy.services.registry import ServiceRegistry
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.model import Middleware, Router, Server, Service, StickyCookie
from rondpoint.rules import v3
from rondpoint.rules.expression import Match, Rule
from rondpoint.store.change import Change
from rondpoint.store.read import Loaded
from rondpoint.store.state import State
from rondpoint.tls.model import Certificate, TlsOptions
from tests.proxy.routing.sample_requests import Client, request

MANY = 3 * PORTION


def context() -> WorkerContext:
    sweeper = Sweeper()
    services = ServiceRegistry(sweeper, UpstreamTimeouts())
    return WorkerContext(
        table=RoutingTable(frozenset({"web"})),
        services=services,
        tickets=Tickets(unreachable, "tickets", lambda: None),
        sweeper=sweeper,
        ejections=Ejections(services, "worker"),
        upstream_timeouts=UpstreamTimeouts(),
    )


def unreachable() -> TicketConnection:
    raise OSError("there is no store")


class Recorder:
    """Notes the objects that are put and removed."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note

    def put(self, item: Certificate | TlsOptions, /) -> None:
        self._note(f"put {item.name}")

    def remove(self, name: str, /) -> None:
        self._note(f"remove {name}")


def state(revision: int, prefix: str, count: int) -> State:
    """Return `count` routers, each with a service of the same name; all states have the same hosts."""
    names = [f"{prefix}{number}" for number in range(count)]
    return State(
        revision,
        {name: Router(name, v3.parse(f"Host(`h{at}.test`)"), name, 1) for at, name in enumerate(names)},
        {name: Service(name, (Server("a", "127.0.0.1", 1),)) for name in names},
        {},
    )


def served(of: WorkerContext, host: str) -> str | None:
    """Return the service for requests to this host, None without; assert that it exists."""
    found = of.table.match("web", request(host), Client())
    if found is None:
        return None
    assert of.services.get(found.router.service) is not None
    return found.router.service


def test_large_changes_yield_and_each_router_always_has_its_service() -> None:
    here = context()
    seen: list[str | None] = []
    applier = Applier(here, lambda: seen.append(served(here, "h7.test")))
    applier.replace(Loaded(state(1, "old", MANY)))
    assert seen == []
    applier.replace(Loaded(state(2, "new", MANY)))
    assert len(seen) > 6
    assert set(seen) == {"old7", "new7"}
    assert applier.state() == state(2, "new", MANY)


def test_connections_that_must_not_see_a_part_of_a_change_are_held_until_its_end() -> None:
    here = context()
    seen: list[str] = []

    @contextmanager
    def hold() -> Iterator[None]:
        seen.append("begin")
        yield
        seen.append("end")

    names = {f"m{number}@x": Middleware(f"m{number}@x", "chain", {}) for number in range(MANY)}
    applier = Applier(here, lambda: seen.append("yield"), hold=hold)
    applier.replace(Loaded(state(1, "old", 8)))
    seen.clear()
    assert applier.apply(Change(2, 1, middlewares=names))
    assert seen == ["begin", *["yield"] * (2 * MANY // PORTION), "end"]


def test_a_small_change_is_applied_at_once() -> None:
    here = context()
    yields: list[None] = []
    applier = Applier(here, lambda: yields.append(None))
    applier.replace(Loaded(state(1, "r", 3)))
    router = Router("r1", v3.parse("Host(`other.test`)"), "r1", 1)
    assert applier.apply(Change(2, 1, False, {"r0": None, "r1": router}, {"r0": None}, {}))
    assert [served(here, host) for host in ("h0.test", "other.test", "h2.test")] == [None, "r1", "r2"]
    assert set(applier.routers()) == {"r1", "r2"}
    assert not yields


def test_an_unserved_router_leaves_its_old_version_in_place() -> None:
    here = context()
    applier = Applier(here)
    applier.replace(Loaded(state(1, "r", 1)))
    unserved = Router("r0", Rule("Weather(`fine`)", Match("Weather", ("fine",))), "r0", 1)
    applier.apply(Change(2, 1, False, {"r0": unserved}, {}, {}))
    assert served(here, "h0.test") == "r0"
    assert applier.revision == 2


def test_an_invalid_service_does_not_block_the_rest_of_a_change() -> None:
    """No agent of ours writes such a cookie; something else has written to the store."""
    here = context()
    applier = Applier(here)
    good = state(1, "s", 2)
    applier.replace(Loaded(good))
    assert served(here, "h0.test") == "s0"
    invalid = replace(good.services["s0"], sticky=StickyCookie(same_site="nowhere"))
    other = replace(good.services["s1"], servers=(Server("b", "127.0.0.1", 2),))
    assert applier.apply(Change(2, 1, services={"s0": invalid, "s1": other}))
    assert applier.revision == 2
    assert here.services.by_name["s1"] == other
    assert served(here, "h0.test") == "s0"


def test_tls_options_are_there_before_the_routers_that_name_them_and_longer() -> None:
    here = context()
    seen: list[tuple[str, bool]] = []

    def note(action: str) -> None:
        seen.append((action, "r" in here.table.routers))

    receiver = Recorder(note)
    applier = Applier(here, receivers={"tls_options": receiver, "certificates": receiver})
    router = Router("r", v3.parse("Host(`h.test`)"), "s", 1, tls=True, tls_options="strict@file")
    options, certificate = TlsOptions("strict@file"), Certificate("ab@file", "C", "K")
    whole = State(
        1, {"r": router}, tls_options={options.name: options}, certificates={certificate.name: certificate}
    )
    applier.replace(Loaded(whole))
    assert applier.state() == whole
    applier.replace(Loaded(State(2)))
    assert seen == [
        ("put ab@file", False),
        ("put strict@file", False),
        ("remove strict@file", False),
        ("remove ab@file", False),
    ]
    assert applier.state() == State(2)
