"""A worker follows the store: it serves what is published, and lost or unreadable data removes nothing."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from rondpoint.store.keys import Keys
from tests.lab.origin import Origin
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy, running_proxy, watched

KEYS = Keys()


@pytest.fixture(scope="module")
def shared() -> Iterator[Proxy]:
    with lone_proxy() as proxy:
        yield proxy


@pytest.fixture
def proxy(shared: Proxy) -> Iterator[Proxy]:
    """With one worker."""
    yield from watched(shared)


@pytest.fixture
def client(proxy: Proxy) -> Iterator[redis.Redis]:
    with proxy.store.client() as client:
        yield client


def test_before_any_configuration_every_request_is_a_503(shared: Proxy) -> None:
    assert shared.status("any.test") == 503


def test_changes_are_followed(proxy: Proxy) -> None:
    with Origin.named("a") as a, Origin.named("b") as b:
        host = proxy.route(a)
        assert proxy.get(host) == "a"
        name = host.removesuffix(".test")
        other = proxy.route(b)
        assert (proxy.get(host), proxy.get(other)) == ("a", "b")
        proxy.routers[name] = msgspec.structs.replace(
            proxy.routers[name], service=other.removesuffix(".test")
        )
        proxy.publish()
        assert (proxy.get(host), proxy.get(other)) == ("b", "b")
        del proxy.routers[name]
        proxy.publish()
        assert (proxy.status(host), proxy.get(other)) == (404, "b")


def test_changes_do_not_affect_running_requests(proxy: Proxy) -> None:
    with Origin.named("a") as origin:
        host = proxy.route(origin)
        over = threading.Event()
        failed: list[object] = []

        def send_requests() -> None:
            while not over.is_set():
                if proxy.get(host) != "a":
                    failed.append(host)

        sender = threading.Thread(target=send_requests)
        sender.start()
        try:
            for _ in range(50):
                proxy.route(origin)
            until(lambda: len(origin.requests) > 20 or not sender.is_alive(), "more requests")
        finally:
            over.set()
            sender.join(60)
        assert not failed
        assert len(origin.requests) > 20


def test_a_flushed_store_removes_no_route(proxy: Proxy, client: redis.Redis) -> None:
    with Origin.named("a") as origin:
        host = proxy.route(origin, origin)
        seen = proxy.process.line_count
        proxy.store.flush()
        # A message that requires a full read makes the worker read at once.
        client.publish(KEYS.changes, b'{"revision":1,"previous":0,"full":true}')
        client.publish(KEYS.changes, b"rubbish")
        proxy.process.wait_for_line("a change message cannot be decoded", after=seen)
        assert proxy.get(host) == "a"
        # An agent publishes again, and the worker follows.
        other = proxy.route(origin)
        assert proxy.get(other) == "a"
        assert proxy.get(host) == "a"


@pytest.mark.parametrize("value", [b"rubbish", b"{}", b'{"name": 5}', b"\xff\xfe", b""])
def test_a_value_that_cannot_be_decoded_leaves_the_last_good_one(
    proxy: Proxy, client: redis.Redis, value: bytes
) -> None:
    with Origin.named("a") as origin:
        host = proxy.route(origin)
        name = host.removesuffix(".test")
        revision = int(client.get(KEYS.revision) or 0)  # type: ignore[arg-type]
        client.hset(KEYS.routers, name, value)  # type: ignore[arg-type]
        client.hset(KEYS.services, name, value)  # type: ignore[arg-type]
        seen = proxy.process.line_count
        client.set(KEYS.revision, revision + 1)
        client.publish(KEYS.changes, b'{"revision":%d,"previous":%d,"full":true}' % (revision + 1, revision))
        proxy.process.wait_for_line(rf"\b{name}\b", after=seen)
        assert proxy.get(host) == "a"
        # Valid data beside it is served.
        other = proxy.route(origin)
        assert proxy.get(other) == "a"


def test_the_worker_recovers_from_missed_messages(proxy: Proxy, client: redis.Redis) -> None:
    with Origin.named("a") as origin:
        first = proxy.route(origin)

        def subscribers() -> int:
            return int(client.pubsub_numsub(KEYS.changes)[0][1])

        until(lambda: subscribers() == 1, "the worker to subscribe")
        for _ in range(3):
            # Published while the worker is not subscribed, as if the message were lost.
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            proxy.publish(wait=False)
            host = proxy.route(origin)
            assert (proxy.get(first), proxy.get(host)) == ("a", "a")
            until(lambda: subscribers() == 1, "the worker to subscribe again")


def test_a_change_without_a_message_is_noticed(proxy: Proxy, client: redis.Redis) -> None:
    with Origin.named("a") as origin:
        host = proxy.route(origin)
        client.hdel(KEYS.routers, host.removesuffix(".test"))
        client.incr(KEYS.revision)
        # The worker reads the revision every two seconds.
        until(lambda: proxy.status(host) == 404, "the change to be noticed")


def test_a_start_without_a_store_serves_the_last_configuration(store: Store, short_path: Path) -> None:
    with Origin.named("a") as origin:
        with running_proxy(short_path, store) as proxy:
            host = proxy.route(origin, origin)
            until(lambda: list(short_path.glob("configuration-*.jsonl")), "the snapshot of the configuration")
        store.kill()
        with running_proxy(short_path, store) as proxy:
            until(lambda: proxy.status(host) == 200, "the last configuration")
            assert proxy.get(host) == "a"
            store.start()
            other = proxy.route(origin)
            assert proxy.get(other) == "a"
