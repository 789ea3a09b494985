"""Parents of child routers: unusable ones, circles, and what is left out with them."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from discovery.merging.merge import merge
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Severity
from rondpoint.model import MAX_ROUTER_LAYERS, Middleware, Router, RouterObservability, Service
from rondpoint.rules.expression import Match, Rule

RULE = Rule("Path(`/x`)", Match("Path", ("/x",)))
SERVICE = Service("s@file")

NO_CHILD = "left out, because none of its child routers can be used"
NO_PARENT = "left out, because none of its parent routers can be used"
NOTHING = "left out, because it names no service, and no router has it as parent"


def root(name: str, service: str = "") -> Router:
    return Router(f"{name}@file", RULE, service, 9)


def child(name: str, *parents: str, service: str = "s@file") -> Router:
    return Router(f"{name}@file", RULE, service, 9, parents=tuple(f"{parent}@file" for parent in parents))


def merged(*routers: Router, middlewares: tuple[Middleware, ...] = ()) -> Configuration:
    configuration = Configuration(
        {each.name: each for each in routers}, {"s@file": SERVICE}, {each.name: each for each in middlewares}
    )
    return merge({"file": configuration}, ("web",))


def parents(configuration: Configuration) -> dict[str, list[str]]:
    """Return the names of all routers with those of their parents, without the provider."""
    return {
        name.removesuffix("@file"): [parent.removesuffix("@file") for parent in router.parents]
        for name, router in configuration.routers.items()
    }


def reported(configuration: Configuration) -> set[tuple[str, str]]:
    return {
        (item.subject.removeprefix("router ").removesuffix("@file"), item.message)
        for item in configuration.diagnostics
    }


def does_not_exist(name: str) -> str:
    return f"its parent router '{name}@file' does not exist or is left out"


def has_a_service(name: str) -> str:
    return f"its parent router '{name}@file' has a service, so it has no child routers"


def leads_back(*names: str) -> str:
    return f"its parent router {', '.join(repr(f'{name}@file') for name in names)} leads back to it"


CASES = {
    "a tree stays as it is": (
        [root("r"), child("m", "r", service=""), child("a", "m"), child("b", "m", "r")],
        {"r": [], "m": ["r"], "a": ["m"], "b": ["m", "r"]},
        set(),
    ),
    "an unknown parent beside a known one is dropped": (
        [root("r"), child("a", "r", "gone")],
        {"r": [], "a": ["r"]},
        {("a", does_not_exist("gone"))},
    ),
    "a router with unknown parents only is left out": (
        [child("a", "gone"), child("b", "gone", "lost"), root("other", "s@file")],
        {"other": []},
        {
            ("a", does_not_exist("gone")),
            ("a", NO_PARENT),
            ("b", does_not_exist("gone")),
            ("b", does_not_exist("lost")),
            ("b", NO_PARENT),
        },
    ),
    "a parent that loses all its children is left out": (
        [root("r"), child("m", "r", service=""), child("a", "m", service="")],
        {},
        {("r", NO_CHILD), ("m", NO_CHILD), ("a", NOTHING)},
    ),
    "a child that is left out takes nothing else with it": (
        [root("r"), child("a", "r", service=""), child("b", "r")],
        {"r": [], "b": ["r"]},
        {("a", NOTHING)},
    ),
    "a router without a service and without children is left out": (
        [root("r"), root("other", "s@file")],
        {"other": []},
        {("r", NOTHING)},
    ),
    "a parent with a service keeps it and has no children": (
        [root("r", "s@file"), child("a", "r"), child("b", "a")],
        {"r": []},
        {
            ("a", has_a_service("r")),
            ("a", NO_PARENT),
            ("b", has_a_service("a")),
            ("b", NO_PARENT),
        },
    ),
    "a router that is its own parent": (
        [root("r"), child("a", "r", "a", service=""), child("b", "a")],
        {"r": [], "a": ["r"], "b": ["a"]},
        {("a", leads_back("a"))},
    ),
    "a circle below a root is cut, and a way around it stays": (
        [root("r"), child("a", "r", "b", service=""), child("b", "a", service=""), child("c", "a")],
        {"r": [], "a": ["r"], "c": ["a"]},
        {("a", leads_back("b")), ("b", leads_back("a")), ("b", NO_PARENT)},
    ),
    "a circle without a root closes only itself and what is below": (
        [child("a", "b", service=""), child("b", "a", service=""), child("c", "b"), root("o", "s@file")],
        {"o": []},
        {
            ("a", leads_back("b")),
            ("b", leads_back("a")),
            ("a", NO_PARENT),
            ("b", NO_PARENT),
            ("c", NO_PARENT),
        },
    ),
    "a parent with a middleware that does not exist closes its children": (
        [replace(root("r"), middlewares=("auth@file",)), child("a", "r")],
        {},
        {
            ("r", "left out, because its middleware 'auth@file' does not exist"),
            ("a", does_not_exist("r")),
            ("a", NO_PARENT),
        },
    ),
    "a child with a service that does not exist is left out alone": (
        [root("r"), child("a", "r", service="t@file"), child("b", "r")],
        {"r": [], "b": ["r"]},
        {("a", "left out, because its service 't@file' does not exist")},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_parents_are_resolved(name: str) -> None:
    routers, expected, messages = CASES[name]
    found = merged(*routers)
    assert parents(found) == expected
    assert reported(found) == messages
    assert all(item.severity is Severity.ERROR and item.source == "file" for item in found.diagnostics)
    # The result does not depend on the order of definitions.
    assert parents(merged(*reversed(routers))) == expected


def test_unchanged_routers_stay_the_same_objects() -> None:
    routers = [root("r"), child("a", "r"), root("other", "s@file")]
    found = merged(*routers)
    assert all(found.routers[each.name] is each for each in routers)


def test_parents_may_be_of_another_provider() -> None:
    above = Configuration({"r@file": root("r")}, {}, {})
    below = Configuration(
        {"a@docker": Router("a@docker", RULE, "a@docker", 9, parents=("r@file",))},
        {"a@docker": Service("a@docker")},
        {},
    )
    found = merge({"docker": below, "file": above}, ("web",))
    assert set(found.routers) == {"r@file", "a@docker"}
    alone = merge({"docker": below}, ("web",))
    assert (alone.routers, alone.diagnostics[0].source) == ({}, "docker")


def test_the_depth_is_limited() -> None:
    chain = [root("r0")]
    chain += [child(f"r{number}", f"r{number - 1}", service="") for number in range(1, MAX_ROUTER_LAYERS + 1)]
    served = replace(chain[MAX_ROUTER_LAYERS - 1], service="s@file")
    assert len(merged(*chain[: MAX_ROUTER_LAYERS - 1], served).routers) == MAX_ROUTER_LAYERS
    too_deep = merged(*chain[:-1], replace(chain[-1], service="s@file"))
    assert too_deep.routers == {}
    message = f"left out, because it is more than {MAX_ROUTER_LAYERS} routers deep"
    assert (f"r{MAX_ROUTER_LAYERS}", message) in reported(too_deep)


def test_children_have_the_observability_of_their_parents() -> None:
    quiet = RouterObservability(access_logs=False)
    one, two = replace(root("one"), observability=quiet), root("two")
    found = merged(one, two, child("a", "one", service=""), child("b", "a"), child("c", "one", "two"))
    options = {name.removesuffix("@file"): router.observability for name, router in found.routers.items()}
    assert options == {"one": quiet, "two": None, "a": quiet, "b": quiet, "c": None}
    message = "its parent routers differ in observability, so that of the entry point applies"
    assert [(item.severity, item.subject, item.message) for item in found.diagnostics] == [
        (Severity.WARNING, "router c@file", message)
    ]


def test_ten_thousand_children_take_little_time() -> None:
    """A large circle included: the work must not grow with the square of the routers."""
    children = [child(f"c{number}", "r", service="s@file") for number in range(10_000)]
    circle = [child(f"o{number}", f"o{(number + 1) % 10_000}", service="") for number in range(10_000)]
    began = time.process_time()
    found = merged(root("r"), *children, *circle)
    assert len(found.routers) == 10_001
    assert time.process_time() - began < 3
