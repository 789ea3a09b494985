import time

import msgspec
import pytest
import redis

from rondpoint.store.ejections import (
    ENDED_LEASE_KEPT,
    LONGEST_LEASE,
    Ejection,
    EjectionNotice,
    StoredEjections,
    decode_notice,
    drop_ejections,
    read_ejections,
    remove_ejection,
    write_ejection,
)
from rondpoint.store.keys import Keys

URL = "http://10.0.0.7:80"
NOTICE = EjectionNotice(URL, "a:1", 6.0, "Connection refused")


def put(client: redis.Redis, keys: Keys, url: str, until: float, since: float = 0.0) -> None:
    client.hset(keys.ejected, url, msgspec.json.encode(Ejection(since, until, "a:1", "x")))


def test_a_lease_is_stored_until_it_is_removed(client: redis.Redis, keys: Keys) -> None:
    write_ejection(client, keys, NOTICE, age=2.0, publish=True)
    (found,) = read_ejections(client, keys).notices
    assert msgspec.structs.replace(found, seconds=6.0) == NOTICE
    assert 0 < found.seconds < 6.01
    entry = msgspec.json.decode(client.hget(keys.ejected, URL), type=Ejection)
    assert entry.until - entry.since == pytest.approx(8.0, abs=0.01)
    remove_ejection(client, keys, EjectionNotice(URL, "a:1"))
    assert read_ejections(client, keys) == StoredEjections(())


def test_the_beginning_and_the_end_of_a_lease_are_published_but_no_renewals(
    client: redis.Redis, keys: Keys
) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(keys.ejections)
        pubsub.get_message(timeout=60)
        write_ejection(client, keys, NOTICE, age=0.0, publish=True)
        write_ejection(client, keys, NOTICE, age=1.0, publish=False)
        remove_ejection(client, keys, EjectionNotice(URL, "a:1"))
        published = [decode_notice(pubsub.get_message(timeout=60)["data"]) for _ in range(2)]
    assert published == [NOTICE, EjectionNotice(URL, "a:1")]


def test_a_server_may_be_ejected_for_all_services_and_for_one_at_once(
    client: redis.Redis, keys: Keys
) -> None:
    for_one = msgspec.structs.replace(NOTICE, service="shop@docker", reason="status 500")
    for notice in (NOTICE, for_one):
        write_ejection(client, keys, notice, age=0, publish=False)
    assert sorted(client.hkeys(keys.ejected)) == [URL.encode(), f"{URL} shop@docker".encode()]
    found = {(notice.url, notice.service): notice.reason for notice in read_ejections(client, keys).notices}
    assert found == {(URL, ""): "Connection refused", (URL, "shop@docker"): "status 500"}
    remove_ejection(client, keys, EjectionNotice(URL, "a:1", service="shop@docker"))
    assert [notice.service for notice in read_ejections(client, keys).notices] == [""]


def test_an_entry_whose_lease_has_ended_is_ignored_and_deleted_later(client: redis.Redis, keys: Keys) -> None:
    now = time.time()
    put(client, keys, "http://ended:80", now - 0.1)
    put(client, keys, "http://long-ended:80", now - ENDED_LEASE_KEPT - 1)
    put(client, keys, "http://claims-too-much:80", now + LONGEST_LEASE + 60)
    client.hset(keys.ejected, "http://broken:80", "{")
    stored = read_ejections(client, keys)
    assert stored.notices == ()
    assert set(stored.stale) == {b"http://long-ended:80", b"http://claims-too-much:80", b"http://broken:80"}
    drop_ejections(client, keys, stored.stale)
    assert client.hkeys(keys.ejected) == [b"http://ended:80"]
    drop_ejections(client, keys, ())
