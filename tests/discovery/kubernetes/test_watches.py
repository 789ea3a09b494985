"""Watches that keep objects current through every fault of the API server, and kmock's imitation of it."""

import time
from collections.abc import Callable, Iterator

import pytest

from discovery.kubernetes import watch as watch_module
from discovery.kubernetes.cluster import find_cluster
from discovery.kubernetes.errors import ClosedError, RefusedError, UnreachableError
from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import INGRESSES, SECRETS, SERVICES, Resource
from discovery.kubernetes.selection import Selection
from discovery.kubernetes.shared_watches import SharedWatches
from discovery.kubernetes.watches import Watches
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.emulator import Emulator
from tests.lab.kubernetes.manifests import ingress, manifest, service

ALL_SERVICES = Selection(SERVICES)


class Followed:
    """Watches of an API server, and the objects that they keep current."""

    def __init__(self, url: str, *selections: Selection) -> None:
        self.objects = Objects()
        shared = SharedWatches(lambda: find_cluster(url, "", "", {}))
        shared.connect()
        self.watches = Watches(self.objects, shared)
        self.watches.follow(selections)
        self.until(lambda: self.watches.complete)

    def until(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        """Apply changes until `holds` is true."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "the change did not come"
            self.watches.take(0.5)

    @property
    def services(self) -> set[str]:
        return {name for _, name in self.objects.all(SERVICES)}


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        server.apply(service("web"))
        yield server


@pytest.fixture
def followed(api: ApiServer) -> Iterator[Followed]:
    made = Followed(api.url, ALL_SERVICES)
    with made.watches:
        yield made


def lists(api: ApiServer) -> int:
    return sum("watch=true" not in request for request in api.requests)


def test_changes_come_by_events_and_not_by_lists(api: ApiServer, followed: Followed) -> None:
    api.apply(service("api"))
    followed.until(lambda: followed.services == {"web", "api"})
    api.delete(service("web"))
    followed.until(lambda: followed.services == {"api"})
    assert lists(api) == 1


def test_a_watch_that_ends_is_continued_without_a_list(api: ApiServer, followed: Followed) -> None:
    followed.until(lambda: len(api.requests) == 2)
    api.end_watches()
    api.apply(service("api"))
    followed.until(lambda: followed.services == {"web", "api"})
    assert lists(api) == 1


def test_a_cut_connection_is_continued_without_a_list(api: ApiServer, followed: Followed) -> None:
    followed.until(lambda: len(api.requests) == 2)
    api.cut()
    api.apply(service("api"))
    followed.until(lambda: followed.services == {"web", "api"})
    assert lists(api) == 1


def test_a_bookmark_moves_the_version_from_which_a_watch_continues(
    api: ApiServer, followed: Followed
) -> None:
    followed.until(lambda: len(api.requests) == 2)
    api.bookmark()
    version = api.state.version
    api.apply(service("api"))
    followed.until(lambda: "api" in followed.services)
    api.end_watches()
    followed.until(lambda: len(api.requests) == 3)
    assert f"resourceVersion={version + 1}" in api.requests[-1]


def test_410_within_a_watch_leads_to_a_list(api: ApiServer, followed: Followed) -> None:
    followed.until(lambda: len(api.requests) == 2)
    api.delete(service("web"))
    api.apply(service("api"))
    api.compact()
    followed.until(lambda: followed.services == {"api"})


def test_410_at_the_start_of_a_watch_leads_to_a_list(api: ApiServer, followed: Followed) -> None:
    followed.until(lambda: len(api.requests) == 2)
    api.go()
    with pytest.raises(UnreachableError, match="connection refused"):
        followed.until(lambda: False)
    api.come_back()
    api.apply(service("api"))
    api.compact()
    followed.watches.__exit__()
    again = Followed(api.url, ALL_SERVICES)
    with again.watches:
        assert again.services == {"web", "api"}


def test_a_resource_that_is_missing_is_told_and_asked_for_again(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "MISSING_INTERVAL", 0.05)
    middlewares = Resource("traefik.io", "v1alpha1", "middlewares", "Middleware")
    made = Followed(api.url, ALL_SERVICES, Selection(middlewares))
    with made.watches:
        assert made.watches.missing == {Selection(middlewares)}
        assert made.services == {"web"}
        api.install("traefik.io/v1alpha1", "Middleware", "middlewares")
        api.apply(manifest("traefik.io/v1alpha1", "Middleware", "auth", spec={}))
        made.until(lambda: made.objects.get(middlewares, "default", "auth") is not None)
        assert not made.watches.missing


def test_a_resource_that_disappears_takes_its_objects_along(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "MISSING_INTERVAL", 0.05)
    middlewares = Resource("traefik.io", "v1alpha1", "middlewares", "Middleware")
    api.install("traefik.io/v1alpha1", "Middleware", "middlewares")
    api.apply(manifest("traefik.io/v1alpha1", "Middleware", "auth", spec={}))
    made = Followed(api.url, Selection(middlewares))
    with made.watches:
        made.until(lambda: any("watch=true" in request for request in api.requests))
        api.uninstall("traefik.io/v1alpha1", "Middleware")
        api.end_watches()
        made.until(lambda: bool(made.watches.missing))
        assert made.objects.get(middlewares, "default", "auth") is None


def test_a_missing_right_ends_the_following(api: ApiServer) -> None:
    api.forbid("secrets")
    with pytest.raises(RefusedError, match="forbids to list secrets"):
        Followed(api.url, ALL_SERVICES, Selection(SECRETS))


def test_a_right_that_is_withdrawn_ends_the_following(api: ApiServer, followed: Followed) -> None:
    followed.until(lambda: len(api.requests) == 2)
    api.forbid("services")
    api.end_watches()
    with pytest.raises(RefusedError, match="forbids to watch services"):
        followed.until(lambda: False)
    assert followed.services == {"web"}


def test_end_makes_take_return_at_once(followed: Followed) -> None:
    followed.watches.end()
    with pytest.raises(ClosedError):
        followed.until(lambda: False)


def test_watches_end_in_silence(api: ApiServer) -> None:
    made = Followed(api.url, ALL_SERVICES, Selection(INGRESSES))
    started = time.monotonic()
    made.watches.__exit__()
    assert time.monotonic() - started < 5


def test_namespaces_are_watched_apart(api: ApiServer) -> None:
    api.apply(service("web", namespace="shop"), service("web", namespace="other"))
    made = Followed(api.url, Selection(SERVICES, "default"), Selection(SERVICES, "shop"))
    with made.watches:
        assert set(made.objects.all(SERVICES)) == {("default", "web"), ("shop", "web")}
        api.apply(service("api", namespace="other"), service("api", namespace="shop"))
        made.until(lambda: made.objects.get(SERVICES, "shop", "api") is not None)
        assert made.objects.get(SERVICES, "other", "api") is None


def test_kmock_is_followed_as_well() -> None:
    """kmock is an independent imitation, without resource versions."""
    ingresses = "networking.k8s.io/v1/ingresses"
    with Emulator(ingresses) as kmock:
        kmock.create(ingresses, ingress("web"))
        made = Followed(kmock.url, Selection(INGRESSES), Selection(SERVICES))
        with made.watches:
            assert set(made.objects.all(INGRESSES)) == {("default", "web")}
            assert made.watches.missing == {Selection(SERVICES)}
            kmock.create(ingresses, ingress("other"))
            made.until(lambda: len(made.objects.all(INGRESSES)) == 2)
            kmock.patch(ingresses, ingress("web", host="new.test"))
            made.until(
                lambda: (
                    made.objects.all(INGRESSES)["default", "web"]["spec"]["rules"][0]["host"] == "new.test"
                )
            )
            kmock.delete(ingresses, ingress("other"))
            made.until(lambda: len(made.objects.all(INGRESSES)) == 1)


def test_an_optional_selection_that_is_forbidden_counts_as_missing(api: ApiServer) -> None:
    api.forbid("secrets")
    optional = Selection(SECRETS, optional=True)
    made = Followed(api.url, ALL_SERVICES, optional)
    with made.watches:
        assert made.watches.missing == {optional}
        assert made.services == {"web"}
