"""The providers of the API's routes follow a real store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis

from discovery.providers.admin import ApiProvider, api_providers
from discovery.providers.admin.assembly import ObjectAssembler, assemble_rest
from rondpoint.configuration import Configuration
from rondpoint.settings import Providers, Settings
from rondpoint.settings.tree import RestOptions
from rondpoint.store.admin.commit import Committer
from rondpoint.store.admin.document import Document, StoredObject
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.store import Store

KEYS = Keys()
ROUTER = {"rule": "Host(`a.test`)", "service": "shop"}
FRONTEND = {"backend": "b", "routes": {"r": {"rule": "Host:b.test"}}}
BACKEND = {"servers": {"s": {"url": "http://10.0.0.1:80"}}}


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as client:
        yield client


def encoded(**objects: Any) -> dict[str, bytes]:
    return {
        name.replace("__", "/"): msgspec.json.encode(StoredObject(1, value))
        for name, value in objects.items()
    }


def commit(client: redis.Redis, version: int, **objects: Any) -> None:
    changes: dict[str, bytes | None] = {
        name.replace("__", "/"): None if value is None else msgspec.json.encode(StoredObject(version, value))
        for name, value in objects.items()
    }
    assert Committer(client, KEYS).commit(version - 1, version, changes, None)


def provider(client: redis.Redis) -> ApiProvider:
    return ApiProvider("admin", ObjectAssembler(), client, KEYS)


def rules(configuration: Configuration) -> dict[str, str]:
    return {name: router.rule.text for name, router in configuration.routers.items()}


def test_each_change_is_emitted_but_not_those_of_the_other_provider(client: redis.Redis) -> None:
    with watched(provider(client)) as running:
        assert running.next() == Configuration({}, {}, {})
        commit(client, 1, admin__http__routers__shop=ROUTER)
        assert rules(running.next()) == {"shop@admin": "Host(`a.test`)"}
        commit(client, 2, rest__frontends__f=FRONTEND, rest__backends__b=BACKEND)
        assert running.quiet()
        commit(client, 3, admin__http__routers__shop={**ROUTER, "rule": "Host(`c.test`)"})
        assert rules(running.next()) == {"shop@admin": "Host(`c.test`)"}
        commit(client, 4, admin__http__routers__shop=None)
        assert rules(running.next()) == {}


def test_a_change_whose_message_was_missed_is_found(client: redis.Redis) -> None:
    with watched(provider(client)) as running:
        running.next()
        client.hset(KEYS.admin, mapping={**encoded(admin__http__routers__shop=ROUTER), "version": 1})
        assert rules(running.next()) == {"shop@admin": "Host(`a.test`)"}


def test_it_stops_at_once_while_it_waits_for_messages(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("discovery.providers.admin.provider.POLL_INTERVAL", 300.0)
    with watched(provider(client)) as running:
        running.next()


def test_an_unavailable_or_emptied_store_removes_no_routes(store: Store, client: redis.Redis) -> None:
    commit(client, 1, admin__http__routers__shop=ROUTER)
    with supervised(provider(client)) as running:
        running.until(lambda found: bool(found.routers))
        store.restart()
        commit(client, 1, admin__http__routers__other=ROUTER)
        client.delete(KEYS.admin)
        commit(client, 1, admin__http__routers__shop=ROUTER)
        commit(client, 2, admin__http__routers__new=ROUTER)
        found = running.until(lambda found: "new@admin" in found.routers)
        assert set(found.routers) == {"shop@admin", "new@admin"}
        assert running.state == "ok"


def test_a_damaged_object_keeps_its_last_good_value() -> None:
    assemble = ObjectAssembler()
    good = encoded(admin__http__routers__shop=ROUTER, admin__http__routers__other=ROUTER)
    assert len(assemble(Document(1, good)).routers) == 2
    bad = {**good, "admin/http/routers/shop": b"{", "admin/http/routers/worse": b"7"}
    bad |= dict.fromkeys(("admin/http/x", "admin/http/", "admin/x"), good["admin/http/routers/shop"])
    assert set(assemble(Document(2, bad)).routers) == {"shop@admin", "other@admin"}
    assert set(assemble(Document(3, {})).routers) == set()


def test_an_invalid_object_is_reported_and_the_others_are_served() -> None:
    found = ObjectAssembler()(
        Document(1, encoded(admin__http__routers__shop=ROUTER, admin__http__routers__bad={"rule": "x"}))
    )
    assert set(found.routers) == {"shop@admin"}
    assert {diagnostic.source for diagnostic in found.diagnostics} == {"admin"}
    assert "the API: http.routers.bad" in {diagnostic.subject for diagnostic in found.diagnostics}


def test_the_objects_of_rest_are_decoded_together() -> None:
    found = assemble_rest(Document(1, encoded(rest__frontends__f=FRONTEND, rest__backends__b=BACKEND)))
    assert rules(found) == {"f@rest": "Host:b.test"}
    assert set(found.services) == {"b@rest"}


def test_the_settings_enable_the_provider_rest(client: redis.Redis) -> None:
    assert set(api_providers(Settings(), client)) == {"admin"}
    settings = Settings(providers=Providers(rest=RestOptions()))
    assert set(api_providers(settings, client)) == {"admin", "rest"}
