"""Calls to the stand-in for the API server, and what becomes of their failures."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from discovery.kubernetes import client as client_module
from discovery.kubernetes.client import Client
from discovery.kubernetes.cluster import find_cluster
from discovery.kubernetes.errors import (
    BadResponseError,
    ClosedError,
    GoneError,
    KubernetesError,
    MissingError,
    RefusedError,
    UnreachableError,
)
from discovery.kubernetes.resources import INGRESSES, NODES, SECRETS, SERVICES, Resource
from discovery.kubernetes.selection import Selection
from tests.lab.http_server import Handler, HttpServer
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.manifests import ingress, node, secret, service
from tests.lab.ports import free_port


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def client(api: ApiServer) -> Iterator[Client]:
    with Client(find_cluster(api.url, "secret", "", {})) as made:
        yield made


def names(items: Any) -> list[str]:
    return [each["metadata"]["name"] for each in items]


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "subresource", "path"),
    [
        (SERVICES, "", "", "", "/api/v1/services"),
        (SERVICES, "shop", "", "", "/api/v1/namespaces/shop/services"),
        (NODES, "shop", "", "", "/api/v1/nodes"),
        (INGRESSES, "", "", "", "/apis/networking.k8s.io/v1/ingresses"),
        (
            INGRESSES,
            "shop",
            "web",
            "status",
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web/status",
        ),
        (
            Resource("traefik.io", "v1alpha1", "middlewares", "Middleware"),
            "a/../b",
            "",
            "",
            "/apis/traefik.io/v1alpha1/namespaces/a%2F..%2Fb/middlewares",
        ),
    ],
    ids=["all", "namespace", "cluster", "group", "status", "escaped"],
)
def test_paths(resource: Resource, namespace: str, name: str, subresource: str, path: str) -> None:
    assert resource.path(namespace, name, subresource) == path


def test_a_list_takes_several_pages(api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAGE", 2)
    api.apply(*(service(f"s{number}") for number in range(5)))
    listing = client.list(Selection(SERVICES))
    assert names(listing.items) == ["s0", "s1", "s2", "s3", "s4"]
    assert listing.version == str(api.state.version)
    assert len(api.requests) == 3


def test_a_list_whose_continuation_is_too_old_is_read_in_one_page(
    api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.apply(*(service(f"s{number}") for number in range(5)))
    monkeypatch.setattr(client_module, "PAGE", 2)
    api.expire_continuations = True
    assert names(client.list(Selection(SERVICES)).items) == ["s0", "s1", "s2", "s3", "s4"]
    assert "limit" not in api.requests[-1]


def test_a_list_is_of_a_namespace_and_of_labels(api: ApiServer, client: Client) -> None:
    api.apply(
        ingress("one", labels={"team": "a"}),
        ingress("two", labels={"team": "b"}),
        ingress("other", namespace="shop", labels={"team": "a"}),
    )
    assert names(client.list(Selection(INGRESSES, "default", "team=a")).items) == ["one"]
    assert names(client.list(Selection(INGRESSES, "", "team=a")).items) == ["one", "other"]
    assert names(client.list(Selection(INGRESSES, "", "team!=a")).items) == ["two"]


def test_requests_carry_the_token(api: ApiServer, client: Client) -> None:
    client.list(Selection(SERVICES))
    assert api.tokens == ["Bearer secret"]


def test_a_token_that_the_kubelet_replaced_is_read_again(api: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    api.accepted_token = "first"
    with Client(find_cluster(api.url, str(file), "", {})) as client:
        client.list(Selection(SERVICES))
        file.write_text("second")
        api.accepted_token = "second"
        client.list(Selection(SERVICES))
    assert api.tokens == ["Bearer first", "Bearer first", "Bearer second"]


def test_a_watch_yields_changes_and_bookmarks_with_their_versions(api: ApiServer, client: Client) -> None:
    api.apply(service("web"))
    version = client.list(Selection(SERVICES)).version
    api.apply(service("web", ports=(("", 81),)), node("not-watched"), service("other"))
    api.bookmark()
    api.delete(service("other"))
    events = client.watch(Selection(SERVICES), version)
    found = [next(events) for _ in range(4)]
    assert [each.type for each in found] == ["MODIFIED", "ADDED", "BOOKMARK", "DELETED"]
    versions = [int(each.version) for each in found]
    assert versions == sorted(versions)
    assert versions[-1] == api.state.version


def test_a_watch_asks_for_bookmarks_and_for_an_end(api: ApiServer, client: Client) -> None:
    api.apply(service("web"))
    next(client.watch(Selection(SERVICES), "1"))
    assert "allowWatchBookmarks=true" in api.requests[-1]
    assert "timeoutSeconds=" in api.requests[-1]


def test_a_watch_that_the_server_ends_is_over(api: ApiServer, client: Client) -> None:
    api.apply(service("web"))
    events = client.watch(Selection(SERVICES), "1")
    next(events)
    api.end_watches()
    assert list(events) == []


FAILURES = {
    "forbidden": (
        RefusedError,
        "forbids to list secrets",
        "grant the agent's account the verbs list and watch on secrets in the whole cluster",
    ),
    "unauthorized": (RefusedError, "refuses the token", "set a valid token"),
    "missing": (MissingError, "has no middlewares.traefik.io", "install their definition"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_refusals_name_what_is_missing(failure: str, api: ApiServer, client: Client) -> None:
    api.forbid("secrets")
    if failure == "unauthorized":
        api.accepted_token = "another"
    missing = Resource("traefik.io", "v1alpha1", "middlewares", "Middleware")
    kind, message, hint = FAILURES[failure]
    with pytest.raises(kind, match=message) as raised:
        client.list(Selection(missing if failure == "missing" else SECRETS))
    assert hint in raised.value.hint


def test_a_right_that_is_missing_in_a_namespace_is_named_with_it(api: ApiServer, client: Client) -> None:
    api.forbid("secrets")
    with pytest.raises(RefusedError) as raised:
        client.list(Selection(SECRETS, "shop"))
    assert raised.value.hint.endswith("list and watch on secrets in namespace shop")


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_version_that_is_gone_ends_a_watch(when: str, api: ApiServer, client: Client) -> None:
    api.apply(service("web"))
    version = client.list(Selection(SERVICES)).version
    if when == "before":
        api.compact()
        with pytest.raises(GoneError, match="no longer has this version"):
            next(client.watch(Selection(SERVICES), version))
        return
    events = client.watch(Selection(SERVICES), version)
    api.apply(service("web", ports=(("", 81),)))
    next(events)
    api.compact()
    with pytest.raises(GoneError, match="no longer has this version"):
        next(events)


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with (
        Client(find_cluster(f"http://127.0.0.1:{free_port()}", "", "", {})) as client,
        pytest.raises(UnreachableError, match="connection refused"),
    ):
        client.list(Selection(SERVICES))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>", BadResponseError),
        (200, b"{}", BadResponseError),
        (200, b'{"metadata": null}', BadResponseError),
        (400, b"no", BadResponseError),
        (302, b"", BadResponseError),
        (429, b"slow down", UnreachableError),
        (500, b'{"message": "etcdserver: no leader"}', UnreachableError),
    ],
    ids=["html", "no-metadata", "null", "400", "302", "429", "500"],
)
def test_other_responses(status: int, body: bytes, kind: type[KubernetesError]) -> None:
    class Other(Handler):
        def do_GET(self) -> None:  # noqa: N802
            self.reply(status, body)

    with HttpServer(Other) as server, Client(find_cluster(server.url, "", "", {})) as client:
        with pytest.raises(kind):
            client.list(Selection(SERVICES))
        with pytest.raises(KubernetesError):
            next(client.watch(Selection(SERVICES), "1"))


def test_half_an_event_is_a_broken_connection() -> None:
    class Half(Handler):
        def do_GET(self) -> None:  # noqa: N802
            self.reply(200, b'{"type": "ADDED", "obj')

    with (
        HttpServer(Half) as server,
        Client(find_cluster(server.url, "", "", {})) as client,
        pytest.raises(UnreachableError, match="middle of an event"),
    ):
        next(client.watch(Selection(SERVICES), "1"))


def test_abort_interrupts_a_watch_at_once(api: ApiServer, client: Client) -> None:
    raised: list[BaseException] = []
    api.apply(service("web"))
    events = client.watch(Selection(SERVICES), "1")
    next(events)

    def wait() -> None:
        try:
            next(events)
        except ClosedError as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    started = time.monotonic()
    client.abort()
    thread.join(10)
    assert raised
    assert time.monotonic() - started < 5
    with pytest.raises(ClosedError):
        client.list(Selection(SERVICES))


def test_abort_interrupts_a_wait_for_a_response() -> None:
    asked, done = threading.Event(), threading.Event()

    class Silent(Handler):
        def do_GET(self) -> None:  # noqa: N802
            asked.set()
            done.wait(20)

    with HttpServer(Silent) as server, Client(find_cluster(server.url, "", "", {})) as client:
        raised: list[BaseException] = []

        def wait() -> None:
            try:
                client.list(Selection(SERVICES))
            except ClosedError as error:
                raised.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        assert asked.wait(10)
        client.abort()
        thread.join(10)
        done.set()
        assert raised


def test_a_status_is_put_at_its_own_path(api: ApiServer, client: Client) -> None:
    api.apply(ingress("web"), secret("s", {"a": "b"}))
    stored = api.get(ingress("web"))
    client.put_status(INGRESSES, {**stored, "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}})
    assert api.get(ingress("web"))["status"] == {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
    with pytest.raises(BadResponseError, match="409"):
        client.put_status(INGRESSES, stored)
