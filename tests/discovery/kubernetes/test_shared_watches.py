"""Watches that several followers share: one list, one watch and one copy of each object."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from discovery.kubernetes.cluster import find_cluster
from discovery.kubernetes.errors import ClosedError, UnreachableError
from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import CONFIG_MAPS, SERVICES, Resource
from discovery.kubernetes.selection import Selection
from discovery.kubernetes.shared_watches import SharedWatches
from discovery.kubernetes.watches import Watches
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.manifests import service
from tests.lab.waiting import until

ALL = Selection(SERVICES)
UNKNOWN = Selection(Resource("traefik.io", "v1alpha1", "middlewares", "Middleware"))


class Follower:
    """What one provider follows."""

    def __init__(self, shared: SharedWatches, *selections: Selection) -> None:
        self.objects = Objects()
        self.watches = Watches(self.objects, shared)
        self.watches.follow(selections)

    def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self.watches.take(20)

    def complete(self) -> Follower:
        self.until(lambda: self.watches.complete)
        return self

    @property
    def services(self) -> set[str]:
        return {name for _, name in self.objects.all(SERVICES)}

    def leave(self) -> None:
        self.watches.__exit__()


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        server.apply(service("web"))
        yield server


@pytest.fixture
def shared(api: ApiServer) -> Iterator[SharedWatches]:
    yield SharedWatches(lambda: find_cluster(api.url, "", "", {}))


def asked(api: ApiServer) -> tuple[int, int]:
    """Return how many lists and how many watches were asked for."""
    watches = sum("watch=true" in request for request in api.requests)
    return len(api.requests) - watches, watches


def test_two_followers_cost_one_list_and_one_watch(api: ApiServer, shared: SharedWatches) -> None:
    one, two = Follower(shared, ALL), Follower(shared, ALL)
    for each in (one, two):
        each.complete()
    until(lambda: asked(api) == (1, 1), "the watch")
    api.apply(service("api"))
    for each in (one, two):
        each.until(lambda each=each: each.services == {"web", "api"})
    for name in ("web", "api"):
        assert one.objects.get(SERVICES, "default", name) is two.objects.get(SERVICES, "default", name)
    assert asked(api) == (1, 1)
    for each in (one, two):
        each.leave()


def test_a_later_follower_gets_the_present_objects_without_a_list(
    api: ApiServer, shared: SharedWatches
) -> None:
    one = Follower(shared, ALL, UNKNOWN).complete()
    api.apply(service("api"))
    one.until(lambda: "api" in one.services)
    api.delete(service("web"))
    one.until(lambda: one.services == {"api"})
    before = asked(api)
    two = Follower(shared, ALL, UNKNOWN).complete()
    assert (two.services, two.watches.missing) == ({"api"}, {UNKNOWN})
    assert asked(api) == before
    for each in (one, two):
        each.leave()


def test_a_follower_that_leaves_or_ends_takes_nothing_from_the_other(
    api: ApiServer, shared: SharedWatches
) -> None:
    one, two = Follower(shared, ALL).complete(), Follower(shared, ALL).complete()
    one.watches.end()
    with pytest.raises(ClosedError):
        one.until(lambda: False)
    one.leave()
    api.apply(service("api"))
    two.until(lambda: two.services == {"web", "api"})
    assert asked(api)[0] == 1
    two.leave()


def test_the_watch_ends_with_the_last_follower_and_starts_again_with_the_next(
    api: ApiServer, shared: SharedWatches
) -> None:
    one = Follower(shared, ALL).complete()
    kept = one.objects.get(SERVICES, "default", "web")
    until(lambda: asked(api) == (1, 1), "the watch")
    one.leave()
    assert not [each for each in threading.enumerate() if each.name == "kubernetes-services"]
    again = Follower(shared, ALL).complete()
    until(lambda: asked(api) == (2, 2), "the next watch")
    # Followers that had the object before keep it: there must be no second copy.
    assert again.objects.get(SERVICES, "default", "web") is kept
    again.leave()


def test_all_followers_learn_that_a_watch_failed(api: ApiServer, shared: SharedWatches) -> None:
    one, two = Follower(shared, ALL).complete(), Follower(shared, ALL).complete()
    until(lambda: asked(api) == (1, 1), "the watch")
    api.go()
    with pytest.raises(UnreachableError):
        one.until(lambda: False)
    api.come_back()
    api.apply(service("api"))
    # The second one is still there with the old error when the first one follows again.
    one.leave()
    shared.connect()
    again = Follower(shared, ALL).complete()
    assert again.services == {"web", "api"}
    with pytest.raises(UnreachableError):
        two.until(lambda: False)
    two.leave()
    api.apply(service("more"))
    again.until(lambda: "more" in again.services)
    again.leave()


def test_selections_that_differ_are_watched_apart(api: ApiServer, shared: SharedWatches) -> None:
    others = (Selection(SERVICES, "default"), Selection(SERVICES, "", "app=web"), Selection(CONFIG_MAPS))
    followers = [Follower(shared, each).complete() for each in (ALL, *others)]
    until(lambda: asked(api) == (4, 4), "the watches")
    assert [each.services for each in followers] == [{"web"}, {"web"}, set(), set()]
    for each in followers:
        each.leave()


def test_bookkeeping_of_the_server_is_neither_kept_nor_compared(
    api: ApiServer, shared: SharedWatches
) -> None:
    one = Follower(shared, ALL).complete()
    one.objects.take_changed()
    last_applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    written = service("web", annotations=last_applied)
    written["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    api.apply(written, service("api"))
    one.until(lambda: "api" in one.services)
    found = one.objects.get(SERVICES, "default", "web")
    assert found is not None
    assert "managedFields" not in found["metadata"]
    assert not found["metadata"].get("annotations")
    one.leave()
