"""The picture of a request's way, of objects that multiply."""

from proxy.admin.pages.request_flow import WIDEST, Ground, Junction, way_of
from proxy.admin.views.routers import RouterView
from rondpoint.middlewares.kinds import MOST
from rondpoint.model import Member, Middleware, Service

ROUTER = RouterView("r@file", "file", middlewares=("m0",), service="s0")


def drawn(junction: Junction) -> int:
    return 1 + sum(map(drawn, junction.members))


def test_chains_of_chains_are_drawn_as_far_as_they_could_be_served() -> None:
    chains = {f"m{n}": Middleware(f"m{n}", "chain", {"middlewares": [f"m{n + 1}"] * 2}) for n in range(60)}
    way = way_of(ROUTER, Ground({}, {}, chains))
    assert len(way.steps) == MOST
    service = Service("s0", middlewares=("m0",))
    beyond = way_of(ROUTER, Ground({}, {"s0": service}, chains)).junction
    assert beyond is not None
    assert len(beyond.steps) == MOST


def test_services_of_services_are_drawn_as_far_as_people_look() -> None:
    services = {
        f"s{n}": Service(f"s{n}", composition="weighted", members=(Member(f"s{n + 1}"),) * 30)
        for n in range(30)
    }
    junction = way_of(ROUTER, Ground({}, services, {})).junction
    assert junction is not None
    assert drawn(junction) == WIDEST + 1
    assert junction.more == 30 - len(junction.members) > 0


def test_few_are_drawn_whole() -> None:
    services = {
        "s0": Service("s0", composition="weighted", members=(Member("s1", 3), Member("none"))),
        "s1": Service("s1"),
    }
    junction = way_of(ROUTER, Ground({}, services, {"m0": Middleware("m0", "retry")})).junction
    assert junction is not None
    assert [(member.name, member.weight, member.fault) for member in junction.members] == [
        ("s1", 3, "it has no servers"),
        ("none", 1, "it does not exist"),
    ]
    assert junction.more == 0
