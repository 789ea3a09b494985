import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Middleware, Router, Server, ServerState, Service
from rondpoint.rules.expression import And, Match, Not, Rule
from rondpoint.store import change as messages
from rondpoint.store.change import Change
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.read import State, load, read_diagnostics, revision
from rondpoint.tls.model import Certificate, TlsOptions


def a_router(name: str, host: str = "a.test", service: str = "s@file") -> Router:
    expression = And((Match("Host", (host,)), Not(Match("Path", ("/secret",)))))
    return Router(name, Rule(f"Host(`{host}`)", expression), service, priority=7)


def a_service(name: str, *ports: int) -> Service:
    return Service(name, tuple(Server(f"c{port}", "10.0.0.1", port) for port in ports))


def a_configuration(
    routers: tuple[Router, ...] = (),
    services: tuple[Service, ...] = (),
    middlewares: tuple[Middleware, ...] = (),
    diagnostics: tuple[Diagnostic, ...] = (),
) -> Configuration:
    return Configuration(
        {router.name: router for router in routers},
        {service.name: service for service in services},
        {middleware.name: middleware for middleware in middlewares},
        diagnostics,
    )


def objects(state: State) -> tuple[dict[str, Any], ...]:
    return state.routers, state.services, state.middlewares


def read(client: redis.Redis, keys: Keys) -> State:
    loaded = load(client, keys)
    assert loaded is not None
    assert loaded.problems == ()
    return loaded.state


class Listener:
    """Receives the changes published on the channel, in order."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._pubsub = client.pubsub()
        self._pubsub.subscribe(keys.changes)
        assert self._pubsub.get_message(timeout=60)["type"] == "subscribe"

    def next(self) -> Change:
        message = self._pubsub.get_message(timeout=60)
        assert message is not None, "nothing was published"
        change = messages.decode(message["data"])
        assert 0 <= time.time() - change.at < 120
        return msgspec.structs.replace(change, at=0.0)

    def receives_nothing(self) -> bool:
        return self._pubsub.get_message(timeout=0.05) is None

    def close(self) -> None:
        self._pubsub.close()


@pytest.fixture
def listener(client: redis.Redis, keys: Keys) -> Iterator[Listener]:
    listener = Listener(client, keys)
    yield listener
    listener.close()


WHOLE = a_configuration(
    (a_router("hello@docker", service="hello@docker"),),
    (a_service("hello@docker", 80, 81),),
    (Middleware("auth@file", "basicAuth", {"users": ["a:b"]}),),
)


def test_a_published_configuration_is_read_back(client: redis.Redis, keys: Keys) -> None:
    number = Publisher(client, keys).publish(WHOLE)
    state = read(client, keys)
    assert state.revision == number == revision(client, keys)
    assert objects(state) == (WHOLE.routers, WHOLE.services, WHOLE.middlewares)


def test_certificates_and_tls_options_travel_like_the_other_objects(
    client: redis.Redis, keys: Keys, listener: Listener
) -> None:
    publisher = Publisher(client, keys)
    options = TlsOptions("strict@file", sni_strict=True)
    certificate = Certificate("ab@file", "CHAIN", "KEY", ("a.test",))
    first = publisher.publish(
        Configuration(tls_options={options.name: options}, certificates={certificate.name: certificate})
    )
    state = read(client, keys)
    assert (state.tls_options, state.certificates) == (
        {options.name: options},
        {certificate.name: certificate},
    )
    assert publisher.is_intact()
    assert listener.next() == Change(first, 0, full=True)
    second = publisher.publish(Configuration(tls_options={options.name: options}))
    assert listener.next() == Change(second, first, certificates={certificate.name: None})
    client.hdel(keys.tls_options, options.name)
    assert not publisher.is_intact()


def test_there_is_nothing_to_load_before_the_first_revision(client: redis.Redis, keys: Keys) -> None:
    assert load(client, keys) is None
    assert revision(client, keys) is None


def test_the_first_revision_is_the_servers_clock(client: redis.Redis, keys: Keys) -> None:
    assert abs(Publisher(client, keys).publish(WHOLE) - time.time()) < 60


def test_an_empty_configuration_is_a_revision_too(client: redis.Redis, keys: Keys) -> None:
    Publisher(client, keys).publish(Configuration())
    assert objects(read(client, keys)) == ({}, {}, {})


def test_revisions_follow_by_one_and_each_carries_only_its_difference(
    client: redis.Redis, keys: Keys, listener: Listener
) -> None:
    publisher = Publisher(client, keys)
    first = publisher.publish(WHOLE)
    assert listener.next() == Change(first, 0, full=True)
    drained = Service("hello@docker", (Server("c80", "10.0.0.1", 80, state=ServerState.DRAINING),))
    second = publisher.publish(a_configuration((a_router("hello@docker", "b.test"),), (drained,)))
    assert second == first + 1
    assert listener.next() == Change(
        second,
        first,
        routers={"hello@docker": a_router("hello@docker", "b.test")},
        services={"hello@docker": drained},
        middlewares={"auth@file": None},
    )


def test_an_unchanged_configuration_is_not_written(
    client: redis.Redis, keys: Keys, listener: Listener
) -> None:
    publisher = Publisher(client, keys)
    first = publisher.publish(WHOLE)
    listener.next()
    assert publisher.publish(WHOLE) == first
    assert Publisher(client, keys).publish(WHOLE) == first, "a new publisher writes nothing either"
    assert listener.receives_nothing()


def test_diagnostics_alone_make_no_revision(client: redis.Redis, keys: Keys, listener: Listener) -> None:
    publisher = Publisher(client, keys)
    first = publisher.publish(WHOLE)
    listener.next()
    diagnostic = Diagnostic(Severity.ERROR, "docker", "container a", "no port")
    other = Diagnostic(Severity.NOTE, "file", "routes.yml", "odd")
    changed = Configuration(WHOLE.routers, WHOLE.services, WHOLE.middlewares, (other, diagnostic))
    assert publisher.publish(changed) == first
    assert read_diagnostics(client, keys) == (diagnostic, other)
    assert publisher.publish(WHOLE) == first
    assert read_diagnostics(client, keys) == ()
    assert listener.receives_nothing()


def test_a_change_too_large_for_a_message_is_published_without_contents(
    client: redis.Redis, keys: Keys, listener: Listener
) -> None:
    publisher = Publisher(client, keys)
    first = publisher.publish(Configuration())
    listener.next()
    many = a_configuration(tuple(a_router(f"r{n}@file", f"h{n}.test") for n in range(20_000)))
    second = publisher.publish(many)
    assert listener.next() == Change(second, first, full=True)
    assert read(client, keys).routers == many.routers
    few = a_configuration(tuple(a_router(f"r{n}@file", f"h{n}.test") for n in range(3)))
    third = publisher.publish(few)
    assert read(client, keys).routers == few.routers
    assert third == first + 2


def test_after_an_emptied_store_everything_is_written_under_a_later_number(
    client: redis.Redis, keys: Keys, listener: Listener
) -> None:
    publisher = Publisher(client, keys)
    publisher.publish(a_configuration((a_router("old@file"),)))
    last = publisher.publish(WHOLE)
    assert publisher.is_intact()
    client.flushall()
    assert not publisher.is_intact()
    again = publisher.publish(WHOLE)
    assert again > last
    assert objects(read(client, keys)) == (WHOLE.routers, WHOLE.services, WHOLE.middlewares)
    change = [listener.next() for _ in range(3)][-1]
    assert change == Change(again, 0, full=True)


def test_an_emptied_store_is_noticed_by_the_next_difference_too(client: redis.Redis, keys: Keys) -> None:
    publisher = Publisher(client, keys)
    publisher.publish(WHOLE)
    client.flushall()
    extended = a_configuration(
        (*WHOLE.routers.values(), a_router("new@file")), tuple(WHOLE.services.values())
    )
    publisher.publish(extended)
    assert objects(read(client, keys)) == (extended.routers, extended.services, {})


def test_an_older_snapshot_is_noticed_and_numbers_do_not_repeat(client: redis.Redis, keys: Keys) -> None:
    publisher = Publisher(client, keys)
    first = publisher.publish(Configuration())
    snapshot = {key: client.dump(key) for key in client.scan_iter()}
    for count in range(1, 4):
        publisher.publish(a_configuration((a_router(f"r{count}@file"),)))
    client.flushall()
    for key, value in snapshot.items():
        client.restore(key, 0, value)
    assert not publisher.is_intact()
    assert publisher.publish(WHOLE) == first + 4
    assert objects(read(client, keys)) == (WHOLE.routers, WHOLE.services, WHOLE.middlewares)


def test_a_single_lost_hash_is_noticed(client: redis.Redis, keys: Keys) -> None:
    publisher = Publisher(client, keys)
    publisher.publish(WHOLE)
    client.delete(keys.services)
    assert not publisher.is_intact()
    publisher.publish(WHOLE)
    assert read(client, keys).services == WHOLE.services


def test_objects_of_a_lost_revision_are_removed(client: redis.Redis, keys: Keys) -> None:
    Publisher(client, keys).publish(a_configuration((a_router("old@file"),)))
    client.delete(keys.revision)
    Publisher(client, keys).publish(WHOLE)
    assert objects(read(client, keys)) == (WHOLE.routers, WHOLE.services, WHOLE.middlewares)


def test_two_publishers_never_mix_their_configurations(
    client: redis.Redis, keys: Keys, listener: Listener
) -> None:
    first = a_configuration((a_router("one@file"),), (a_service("one@file", 1),))
    second = a_configuration((a_router("two@file"),), (a_service("two@file", 2),))
    rounds = 50
    barrier = threading.Barrier(2)
    revisions: list[int] = []

    def publish(configuration: Configuration) -> None:
        publisher = Publisher(client, keys)
        barrier.wait()
        for _ in range(rounds):
            revisions.append(publisher.publish(configuration))

    threads = [threading.Thread(target=publish, args=(each,)) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    final = read(client, keys)
    assert objects(final) in [(each.routers, each.services, {}) for each in (first, second)]
    start = listener.next()
    number = start.revision
    while number < final.revision:
        change = listener.next()
        assert (change.previous, change.revision) == (number, number + 1)
        assert change.routers.keys() == {"one@file", "two@file"}
        number = change.revision
    assert number == max(revisions)


DAMAGES = [
    ("a value that is no JSON", lambda client, keys: client.hset(keys.routers, "bad@file", "{")),
    ("a value of another shape", lambda client, keys: client.hset(keys.services, "bad@file", '{"name":1}')),
    (
        "a value under another name",
        lambda client, keys: client.hset(keys.services, "bad@file", '{"name":"good@file"}'),
    ),
    ("a field that is no UTF-8", lambda client, keys: client.hset(keys.routers, b"\xff", "{}")),
    ("a key of another type", lambda client, keys: client.set(keys.middlewares, "text")),
]


@pytest.mark.parametrize("damage", [damage for _, damage in DAMAGES], ids=[name for name, _ in DAMAGES])
def test_a_corrupt_value_is_reported_and_skipped_and_the_next_publisher_repairs_it(
    client: redis.Redis, keys: Keys, damage: Any
) -> None:
    plain = a_configuration((a_router("a@file"),), (a_service("s@file", 80),))
    Publisher(client, keys).publish(plain)
    damage(client, keys)
    loaded = load(client, keys)
    assert loaded is not None
    assert objects(loaded.state) == (plain.routers, plain.services, {})
    (problem,) = loaded.problems
    assert problem.severity is Severity.ERROR
    assert problem.subject.startswith("{rondpoint:test}:")
    Publisher(client, keys).publish(plain)
    assert objects(read(client, keys)) == (plain.routers, plain.services, {})


@pytest.mark.parametrize("value", ["", "x", "-1", "007", "1.5", "9" * 5000])
def test_a_revision_that_is_no_number_is_none(client: redis.Redis, keys: Keys, value: str) -> None:
    client.set(keys.revision, value)
    assert load(client, keys) is None
    Publisher(client, keys).publish(WHOLE)
    assert read(client, keys).routers == WHOLE.routers


def test_a_revision_key_of_another_type_is_replaced(client: redis.Redis, keys: Keys) -> None:
    client.lpush(keys.revision, "x")
    assert revision(client, keys) is None
    Publisher(client, keys).publish(WHOLE)
    assert read(client, keys).routers == WHOLE.routers


def test_undecodable_diagnostics_are_themselves_reported(client: redis.Redis, keys: Keys) -> None:
    client.hset(keys.diagnostics, "docker", "?")
    (problem,) = read_diagnostics(client, keys)
    assert "docker" in problem.subject
    client.delete(keys.diagnostics)
    client.set(keys.diagnostics, "x")
    (problem,) = read_diagnostics(client, keys)
    assert problem.subject == keys.diagnostics


def test_installations_do_not_see_each_other(client: redis.Redis) -> None:
    Publisher(client, Keys("one")).publish(WHOLE)
    assert load(client, Keys("two")) is None


@pytest.mark.parametrize("namespace", ["", "a}b", "{"])
def test_a_namespace_that_would_break_the_hash_tag_is_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        Keys(namespace)


names = st.sampled_from(["a@file", "b@docker", "é@file", "d@file"])
configurations = st.builds(
    a_configuration,
    st.lists(st.builds(a_router, names, st.sampled_from(["a.test", "b.test"])), max_size=4).map(tuple),
    st.lists(st.builds(a_service, names, st.integers(1, 3)), max_size=4).map(tuple),
    st.lists(st.builds(Middleware, names, st.sampled_from(["retry", "chain"])), max_size=3).map(tuple),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(configurations, min_size=1, max_size=6))
def test_changes_applied_in_order_give_what_is_stored(
    client: redis.Redis, keys: Keys, sequence: list[Configuration]
) -> None:
    client.flushall()
    publisher = Publisher(client, keys)
    publisher.publish(Configuration())
    state = read(client, keys)
    listener = Listener(client, keys)
    try:
        for configuration in sequence:
            number = publisher.publish(configuration)
            while state.revision < number:
                state = state.after(listener.next())
            assert state == read(client, keys)
    finally:
        listener.close()


def test_a_gap_is_refused_by_the_state() -> None:
    with pytest.raises(ValueError, match="does not follow"):
        State(4).after(Change(6, 5))
