"""Running proxies on one store: one ejects a server, and the others follow."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rondpoint.store.ejections import Ejection, read_ejections
from rondpoint.store.keys import Keys
from tests.lab import http
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.process.load import Load
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.wire.client import Client

KEYS = Keys()
Begin = Callable[..., Proxy]


@pytest.fixture
def begin(short_path: Path, store: Store) -> Iterator[Begin]:
    with ExitStack() as stack:

        def start(name: str = "one", *flags: str, workers: int = 1) -> Proxy:
            directory = short_path / name
            directory.mkdir()
            return stack.enter_context(running_proxy(directory, store, *flags, workers=workers))

        yield start


def rawdata(proxy: Proxy) -> Any:
    return msgspec.json.decode(http.request(proxy.admin, "localhost", "/api/rawdata").body)


def ejections(proxy: Proxy) -> Any:
    return rawdata(proxy)["ejections"]


def url(origin: Origin | int) -> str:
    return f"http://127.0.0.1:{origin if isinstance(origin, int) else origin.port}"


def test_a_server_that_refuses_is_ejected_in_every_proxy_until_it_is_back(begin: Begin, store: Store) -> None:
    one, two = begin("one"), begin("two")
    dead = free_port()
    with Origin.named("well") as well, store.client() as client:
        host = one.route(dead, well)
        two.wait_for(one.revision)
        assert {one.get(host) for _ in range(4)} == {"well"}
        found = ejections(one)
        assert (found["count"], found["servers"][url(dead)]["reason"]) == (1, "Connection refused")
        assert "cannot be reached" in " ".join(each["message"] for each in rawdata(one)["diagnostics"])
        until(lambda: url(dead) in ejections(two)["servers"], "the other proxy to receive the notice")
        assert {two.get(host) for _ in range(4)} == {"well"}
        assert ejections(two)["count"] == 0, "the second proxy needed no failed request of its own"
        (stored,) = read_ejections(client, KEYS).notices
        assert stored.url == url(dead)
        with Origin.named("back", port=dead):
            for proxy in (one, two):
                until(lambda proxy=proxy: not ejections(proxy)["servers"], "the server to be back")  # type: ignore[misc]
                assert {proxy.get(host) for _ in range(4)} == {"well", "back"}
            until(lambda: not client.exists(KEYS.ejected), "nothing to be left in the store")


def test_if_every_server_is_ejected_all_are_tried(begin: Begin) -> None:
    proxy = begin()
    one, two = free_port(), free_port()
    host = proxy.route(one, two)
    assert proxy.status(host) == 502
    assert set(ejections(proxy)["servers"]) == {url(one), url(two)}
    with Origin.named("back", port=two):
        # The request succeeds without a probe before it.
        assert proxy.get(host) == "back"


def test_an_ejected_server_is_tried_when_the_others_fail(begin: Begin, store: Store) -> None:
    proxy = begin()
    with Origin.named("ejected") as ejected, store.client() as client:
        host = proxy.route(ejected, dead := free_port())
        now = client.time()[0]
        entry = Ejection(now, now + 50, "another", "x")
        client.hset(KEYS.ejected, url(ejected), msgspec.json.encode(entry))
        until(lambda: url(ejected) in ejections(proxy)["servers"], "the server to be ejected")
        assert {proxy.get(host) for _ in range(3)} == {"ejected"}
        assert ejections(proxy)["servers"][url(dead)]["reason"] == "Connection refused"


def test_a_single_server_that_refuses_gives_502_and_serves_as_soon_as_it_is_back(begin: Begin) -> None:
    proxy = begin()
    host = proxy.route(port := free_port())
    assert [proxy.status(host) for _ in range(3)] == [502] * 3
    with Origin.named("back", port=port):
        assert proxy.get(host) == "back"


def resets(connection: Connection) -> None:
    connection.read()
    connection.reset()


def test_the_reset_of_a_new_connection_ejects_the_server(begin: Begin) -> None:
    proxy = begin()
    with Origin(resets) as broken, Origin.named("well") as well:
        host = proxy.route(broken, well)
        # Four requests reach both servers, even if some tickets were late.
        assert {proxy.get(host) for _ in range(4)} == {"well"}
        # It accepts connections, so an ejection ends after 0.1 s, and the next request ejects it again.
        assert ejections(proxy)["count"] == len(broken.requests) > 0


def ends_when_used_again(connection: Connection) -> None:
    connection.read()
    connection.send(http_response(b"once"))
    connection.read_head()
    connection.reset()


def ends_without_a_response(connection: Connection) -> None:
    connection.read()


def fails(connection: Connection) -> None:
    while connection.read():
        connection.send(http_response(b"", "500 Oh"))


def breaks_off(connection: Connection) -> None:
    connection.read()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    connection.reset()


def refuses_the_body(connection: Connection) -> None:
    connection.read_head()
    connection.reset()


@pytest.mark.parametrize(
    ("handler", "method"),
    [
        (ends_when_used_again, "GET"),
        (ends_without_a_response, "GET"),
        (fails, "GET"),
        (breaks_off, "GET"),
        (refuses_the_body, "PUT"),
    ],
)
def test_other_failures_do_not_eject_the_server(
    begin: Begin, handler: Callable[[Connection], None], method: str
) -> None:
    proxy = begin()
    body = b"x" * 3_000_000 if method == "PUT" else b""
    with Origin(handler) as origin, Client(proxy.web) as client:
        host = proxy.route(origin)
        for _ in range(3):
            length = f"Content-Length: {len(body)}\r\n" if body else ""
            # Enough of the body that the proxy starts to send it; the rest is not needed.
            head = f"{method} / HTTP/1.1\r\nHost: {host}\r\n{length}\r\n".encode()
            client.send(head + body[:100_000])
            assert client.answer().status in {200, 500, 502}
            if body:
                break
        assert len(origin.requests) > 0
        assert ejections(proxy) == {"count": 0, "servers": {}}


def test_a_short_flap_loses_no_request(begin: Begin) -> None:
    proxy = begin(workers=2)
    with ExitStack() as stack:
        origins = [stack.enter_context(Origin.named(name)) for name in "abc"]
        host = proxy.route(*origins)
        with Load(proxy.web, host) as load:
            load.wait_for(100)
            for round_ in range(6):
                victim = origins[round_ % 3]
                victim.close()
                time.sleep(0.05)  # the length of the flap, not a wait for an event
                origins[round_ % 3] = stack.enter_context(Origin.named("again", port=victim.port))
                load.wait_for(100)
            until(lambda: not ejections(proxy)["servers"], "all to be back")
        assert load.failures == []


def test_without_a_store_a_worker_ejects_the_servers_that_it_cannot_reach_itself(
    begin: Begin, store: Store
) -> None:
    proxy = begin()
    with Origin.named("well") as well:
        host = proxy.route(dead := free_port(), well)
        store.kill()
        assert {proxy.get(host) for _ in range(4)} == {"well"}
        assert ejections(proxy)["count"] == 1
        with Origin.named("back", port=dead):
            until(lambda: {proxy.get(host) for _ in range(4)} == {"well", "back"}, "the server to be back")
        store.start()
        until(
            lambda: "another" in ejecting_workers(store, proxy, well), "notices of others to be applied again"
        )


def ejecting_workers(store: Store, proxy: Proxy, origin: Origin) -> set[str]:
    """Store an ejection of this server by `another`, and return the ejecting workers that the proxy names."""
    with store.client() as client:
        now = client.time()[0]
        client.hset(KEYS.ejected, url(origin), msgspec.json.encode(Ejection(now, now + 50, "another", "x")))
    return {each["by"] for each in ejections(proxy)["servers"].values()}


def test_the_ejections_of_a_killed_worker_end_with_its_lease(begin: Begin, store: Store) -> None:
    one, two = begin("one"), begin("two")
    with Origin.named("well") as well, store.client() as client:
        host = one.route(dead := free_port(), well)
        assert {one.get(host) for _ in range(4)} == {"well"}
        until(lambda: url(dead) in ejections(two)["servers"], "the other proxy to receive the notice")
        for pid in [one.process.pid, *descendants(one.process.pid)]:
            os.kill(pid, signal.SIGKILL)
        assert read_ejections(client, KEYS).notices
        until(lambda: not ejections(two)["servers"], "the lease to end")
        until(
            lambda: {two.get(host) for _ in range(4)} and ejections(two)["count"],
            "the second proxy to eject the server itself",
        )


def test_a_worker_that_stops_regularly_ends_its_leases(begin: Begin, store: Store) -> None:
    one = begin("one")
    with Origin.named("well") as well, store.client() as client:
        host = one.route(free_port(), well)
        assert {one.get(host) for _ in range(4)} == {"well"}
        until(lambda: read_ejections(client, KEYS).notices, "the lease to be stored")
        one.process.stop()
        assert read_ejections(client, KEYS).notices == ()


@pytest.mark.parametrize("damage", ["entry", "message", "type"])
def test_corrupt_entries_and_messages_affect_nothing_else(begin: Begin, store: Store, damage: str) -> None:
    proxy = begin()
    with Origin.named("well") as well, store.client() as client:
        host = proxy.route(dead := free_port(), well)
        match damage:
            case "entry":
                client.hset(KEYS.ejected, url(well), "{}")
                client.hset(KEYS.ejected, b"\xff", "{}")
                until(lambda: not client.exists(KEYS.ejected), "the corrupt entries to be deleted")
            case "message":
                until(lambda: client.publish(KEYS.ejections, "{}"), "the proxy to subscribe")
                proxy.process.wait_for_line("cannot be decoded")
            case _:
                client.set(KEYS.ejected, "x")
                proxy.process.wait_for_line("cannot share ejections")
        assert {proxy.get(host) for _ in range(4)} == {"well"}
        assert set(ejections(proxy)["servers"]) == {url(dead)}


def test_a_store_that_lost_its_data_gets_the_ejections_again(begin: Begin, store: Store) -> None:
    proxy = begin()
    with Origin.named("well") as well, store.client() as client:
        host = proxy.route(free_port(), well)
        assert {proxy.get(host) for _ in range(4)} == {"well"}
        until(lambda: read_ejections(client, KEYS).notices, "the lease to be stored")
        client.delete(KEYS.ejected)
        until(lambda: read_ejections(client, KEYS).notices, "the lease to be stored again")
