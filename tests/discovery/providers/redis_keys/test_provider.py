"""The provider of Redis' keys on a real Redis: notifications, users, TLS, Sentinels and outages."""

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from discovery.providers.key_value import KeyValueProvider, retained_keys
from discovery.providers.redis_keys import connections, redis_provider, source
from rondpoint.settings import RedisKeysOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.key_value.keys import (
    V1,
    V3,
    assert_both_layouts,
    has,
    many_routes,
    route,
    rules,
)
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.certificate import write_certificate
from tests.lab.ports import free_port
from tests.lab.redis_server import RedisServer
from tests.lab.waiting import until

OPTION = "notify-keyspace-events"
PROMPT = 4.0
"""Seconds in which a reported change arrives; without notifications it takes READ_INTERVAL."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for the tests that do not stop it."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def server(shared: RedisServer) -> RedisServer:
    """The server of this module, without keys, and with the notifications off."""
    shared.execute("FLUSHALL")
    shared.execute("CONFIG", "SET", OPTION, "")
    return shared


def address(server: RedisServer) -> str:
    return f"127.0.0.1:{server.port}"


def provider_of(*servers: RedisServer | str, **options: Any) -> KeyValueProvider:
    addresses = tuple(each if isinstance(each, str) else address(each) for each in servers)
    return redis_provider(read_section(RedisKeysOptions, {"endpoints": addresses, **options}))


def write(server: RedisServer, keys: Mapping[str, str | bytes | None], database: int = 0) -> None:
    """Write keys in one transaction; None deletes a key."""
    with server.client() as client, client.pipeline() as pipeline:
        pipeline.execute_command("SELECT", database)
        for key, value in keys.items():
            pipeline.delete(key) if value is None else pipeline.set(key, value)
        pipeline.execute()
        client.execute_command("SELECT", 0)


def test_both_layouts(server: RedisServer) -> None:
    write(server, {**V1, **V3})
    with watched(provider_of(server)) as running:
        assert_both_layouts(running.next(), "redis")


def test_keys_that_are_set_add_a_route_and_keys_that_end_remove_it(server: RedisServer) -> None:
    with watched(provider_of(server)) as running:
        assert rules(running.next()) == set()
        write(server, route("a.test"))
        running.until(has("Host:a.test"), PROMPT)
        write(
            server, {"traefik/frontends/f/routes/r/rule": "Host:b.test", "traefikx/frontends/g/backend": "b"}
        )
        running.until(has("Host:b.test"), PROMPT)
        server.execute("PEXPIRE", "traefik/frontends/f/backend", 1)
        running.until(has(), PROMPT)
        server.execute("SET", "spare", "b")
        server.execute("RENAME", "spare", "traefik/frontends/f/backend")
        running.until(has("Host:b.test"), PROMPT)


def test_the_notifications_are_switched_on_and_other_flags_stay(server: RedisServer) -> None:
    server.execute("CONFIG", "SET", OPTION, "Elg")
    with watched(provider_of(server)) as running:
        assert running.next().diagnostics == ()
        with server.client() as client:
            flags = client.config_get(OPTION)[OPTION]
        assert set("KEg$xel") == set(flags)
        write(server, route("a.test"))
        running.until(has("Host:a.test"), PROMPT)


def test_an_alias_switches_everything_at_once(server: RedisServer) -> None:
    write(
        server, {**route("root.test"), **route("one.test", "elsewhere/1"), **route("two.test", "elsewhere/2")}
    )
    with watched(provider_of(server)) as running:
        assert rules(running.next()) == {"Host:root.test"}
        for target, host in (("elsewhere/1", "one"), ("/elsewhere/2/", "two"), (None, "root")):
            write(server, {"traefik/alias": target})
            assert rules(running.next(PROMPT)) == {f"Host:{host}.test"}


def test_a_change_costs_what_changed(server: RedisServer) -> None:
    write(server, many_routes(300))
    with watched(provider_of(server)) as running:
        before = running.next()
        write(server, {"traefik/http/services/s7/loadBalancer/servers/1/url": "http://10.9.9.9:80"})
        after = running.next(PROMPT)
    changed = [name for name, each in after.services.items() if each is not before.services[name]]
    assert changed == ["s7@redis"]
    assert all(each is before.routers[name] for name, each in after.routers.items())


def test_keys_of_one_database_are_read_and_signs_of_patterns_are_plain(server: RedisServer) -> None:
    write(server, route("a.test", "t*[x]"), database=3)
    write(server, {**route("b.test", "t*[x]"), **route("c.test", "tabx")})
    with watched(provider_of(server, db=3, rootKey="t*[x]")) as running:
        assert rules(running.next()) == {"Host:a.test"}
        write(server, {"t*[x]/frontends/f/routes/r/rule": "Host:d.test"})
        write(server, {"t*[x]/frontends/f/routes/r/rule": "Host:e.test"}, database=3)
        assert rules(running.next(PROMPT)) == {"Host:e.test"}


def test_values_that_are_no_text_have_no_effect(server: RedisServer) -> None:
    write(server, {**route("a.test"), "traefik/frontends/f/priority": b"\xff\xfe"})
    server.execute("HSET", "traefik/frontends/g", "backend", "b")
    with watched(provider_of(server)) as running:
        found = running.next()
    assert rules(found) == {"Host:a.test"}
    (diagnostic,) = found.diagnostics
    assert "traefik/frontends/f/priority is not UTF-8 text" in diagnostic.message


def test_routes_outlive_an_outage_and_lost_keys_are_kept_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retained_keys, "RETENTION", 2.0)
    with RedisServer(tmp_path) as server, supervised(provider_of(server)) as running:
        write(server, route("a.test"))
        running.until(has("Host:a.test"))
        server.kill()
        running.until_failing("connection refused")
        assert has("Host:a.test")(running.configuration)
        server.start()
        write(server, V3)
        running.until(has("Host:a.test", "Host(`three.test`)"))
        running.until(has("Host(`three.test`)"))
        running.until_ok()


def test_a_frozen_server_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CHECK_INTERVAL", 0.2)
    monkeypatch.setattr(connections, "TIMEOUT", 0.5)
    with RedisServer(tmp_path) as server, supervised(provider_of(server)) as running:
        write(server, route("a.test"))
        running.until(has("Host:a.test"))
        server.freeze()
        running.until_failing("does not respond in time")
        assert has("Host:a.test")(running.configuration)
        server.thaw()
        write(server, {"traefik/frontends/f/routes/r/rule": "Host:b.test"})
        running.until(has("Host:b.test"))
        running.until_ok()


def test_keys_that_are_flushed_are_found_missing_and_kept_for_a_while(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "CHECK_INTERVAL", 0.2)
    monkeypatch.setattr(retained_keys, "RETENTION", 0.5)
    write(server, route("a.test"))
    with watched(provider_of(server)) as running:
        running.next()
        server.execute("FLUSHALL")
        assert rules(running.next()) == {"Host:a.test"}
        running.until(has())


def test_without_notifications_keys_are_read_again_and_a_diagnostic_says_so(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "READ_INTERVAL", 0.2)
    server.execute("ACL", "SETUSER", "reader", "on", ">word", "+@read", "+psubscribe", "+ping", "~*", "&*")
    write(server, route("a.test"))
    with watched(provider_of(server, username="reader", password="word")) as running:
        (diagnostic,) = running.next().diagnostics
        assert "may report no changes of keys" in diagnostic.message
        assert "set notify-keyspace-events to Kg$xe" in diagnostic.hint
        write(server, {"traefik/frontends/f/routes/r/rule": "Host:b.test"})
        found = running.until(has("Host:b.test"))
        assert found.diagnostics == (diagnostic,)
        write(server, {"traefik/frontends/f/routes/r/rule": None})
        running.until(has())


def test_users_and_their_rights(server: RedisServer) -> None:
    server.execute(
        "ACL", "SETUSER", "stranger", "on", ">word", "+ping", "+config|get", "+config|set", "&*", "~*"
    )
    for options, words in (
        ({"username": "stranger", "password": "x"}, "check providers.redis.username"),
        ({"username": "stranger", "password": "word"}, "ACL SETUSER NAME +scan +mget"),
    ):
        with supervised(provider_of(server, **options)) as running:
            running.until_failing(words)


def test_the_rights_that_the_page_grants_are_enough(server: RedisServer) -> None:
    page = (Path(__file__).parents[4] / "docs/key-value-stores.md").read_text()
    (granted,) = re.findall(r"^ACL SETUSER rondpoint on '>PASSWORD' (.*)$", page, re.MULTILINE)
    server.execute("ACL", "SETUSER", "rondpoint", "on", ">word", *shlex.split(granted))
    write(server, route("a.test"))
    with watched(provider_of(server, username="rondpoint", password="word")) as running:
        assert running.next().diagnostics == ()
        write(server, {"traefik/frontends/f/routes/r/rule": "Host:b.test"})
        running.until(has("Host:b.test"), PROMPT)


def test_the_next_endpoint_is_used_if_one_is_down(server: RedisServer) -> None:
    write(server, route("a.test"))
    with watched(provider_of(f"127.0.0.1:{free_port()}", server)) as running:
        assert rules(running.next()) == {"Host:a.test"}


def test_certificates_of_client_and_server_are_verified(tmp_path: Path) -> None:
    file = write_certificate(tmp_path / "certificate.pem")
    own = {"cert": str(file), "key": str(file)}
    with RedisServer(tmp_path, certificate=file) as server:
        for options in ({**own, "ca": str(file)}, {**own, "insecureSkipVerify": True}):
            with watched(provider_of(server, tls=options)) as running:
                assert rules(running.next()) == set()
        with supervised(provider_of(server, tls={"cert": str(file), "key": str(file)})) as refused:
            refused.until_failing("no TLS with Redis")


def test_sentinels_name_the_master_also_after_a_failover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "CHECK_INTERVAL", 0.2)
    with RedisServer(tmp_path) as first:
        replica = RedisServer(tmp_path, "--replicaof", f"127.0.0.1 {first.port}")
        sentinel = RedisServer(tmp_path, sentinel=f"sentinel monitor main 127.0.0.1 {first.port} 1\n")
        with replica:
            write(first, route("a.test"))
            # A Sentinel looks for replicas at its start, and then every ten seconds.
            until(lambda: replica.execute("ROLE")[3] == b"connected", "the replica")
            sentinel.start()
            until(lambda: _replicas(sentinel) == 1, "the Sentinel to know the replica")
            with supervised(provider_of(sentinel, sentinel={"masterName": "other"})) as refused:
                refused.until_failing("knows no master 'other'")
            with supervised(provider_of(sentinel, sentinel={"masterName": "main"})) as running:
                running.until(has("Host:a.test"))
                sentinel.execute("SENTINEL", "FAILOVER", "main")
                rule = {"traefik/frontends/f/routes/r/rule": "Host:b.test"}
                until(lambda: _is_written(replica, rule), "a new master")
                # The Sentinel would do so after ten seconds.
                first.execute("REPLICAOF", "127.0.0.1", replica.port)
                running.until(has("Host:b.test"))
            sentinel.kill()


def _is_written(server: RedisServer, keys: Mapping[str, str]) -> bool:
    """Try to write keys; a Sentinel closes the connections of servers whose role changes."""
    with suppress(redis.RedisError):
        write(server, keys)
        return True
    return False


def _replicas(sentinel: RedisServer) -> int:
    with sentinel.client() as client:
        return sum(each["master-link-status"] == "ok" for each in client.sentinel_slaves("main"))


def test_without_watch_it_is_read_once(server: RedisServer) -> None:
    with watched(provider_of(server, watch=False)) as running:
        running.next()
        write(server, route("a.test"))
        assert running.quiet(0.5)
