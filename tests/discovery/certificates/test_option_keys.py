"""Private keys that options hold as text are sealed before they reach the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from discovery.certificates.option_keys import SealedMiddlewares, seal_keys
from rondpoint.configuration import Configuration
from rondpoint.model import Middleware
from rondpoint.settings import FileOptions, Providers, Settings
from rondpoint.settings import Store as StoreOptions
from rondpoint.store.admin.proposals import Proposal, await_result, propose
from rondpoint.store.keys import Keys
from rondpoint.store.read import load
from rondpoint.store.sealing import Sealer
from tests.discovery.running import running_agent
from tests.lab.store import Store
from tests.lab.waiting import until

PEM = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
UNFRAMED = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
SECRET = "s" * 32
SEALER = Sealer(SECRET.encode())


def forward_auth(key: str) -> Middleware:
    return Middleware("m@file", "forwardAuth", {"address": "https://a.test", "tls": {"key": key}})


@pytest.mark.parametrize("key", [PEM, UNFRAMED])
@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"tls": {"key": ...}}, ("tls", "key")),
        ({"redis": {"tls": {"key": ...}}}, ("redis", "tls", "key")),
        ({"ForwardAuth": {"TLS": {"Key": ...}}}, ("ForwardAuth", "TLS", "Key")),
        ({"auth": {"forward": {"tls": {"key": ...}}}}, ("auth", "forward", "tls", "key")),
    ],
)
def test_a_key_is_sealed_wherever_it_is(key: str, tree: dict[str, Any], path: tuple[str, ...]) -> None:
    found = seal_keys(json.loads(json.dumps(tree, default=lambda _: key)), SEALER.seal)
    for name in path:
        found = found[name]
    assert SEALER.open(found) == key
    assert key not in found


@pytest.mark.parametrize(
    "tree",
    [
        {"tls": {"key": "/run/secrets/auth.key", "cert": PEM}},
        {"tls": {"key": SEALER.seal(PEM)}},
        {"customRequestHeaders": {"key": PEM}},
        {"plugin": {"mine": {"tls": {"key": PEM}}}},
        {"tls": {"key": 7}},
    ],
)
def test_other_values_stay_as_they_are(tree: dict[str, Any]) -> None:
    assert seal_keys(tree, SEALER.seal) is tree


def test_without_a_secret_nothing_changes() -> None:
    middlewares = {"m@file": forward_auth(PEM)}
    configuration = Configuration(middlewares=middlewares)
    assert SealedMiddlewares(Sealer().seal).apply(configuration) is configuration


def test_unchanged_middlewares_stay_the_same_objects() -> None:
    plain = Middleware("plain@file", "stripPrefix", {"prefixes": ("/a",)})
    written = {"m@file": forward_auth(PEM), "plain@file": plain}
    sealing = SealedMiddlewares(SEALER.seal)
    first, second = (sealing.apply(Configuration(middlewares=dict(written))) for _ in range(2))
    assert first.middlewares["m@file"] is second.middlewares["m@file"]
    assert first.middlewares["plain@file"] is plain
    changed = sealing.apply(Configuration(middlewares={"m@file": forward_auth(UNFRAMED)}))
    assert SEALER.open(changed.middlewares["m@file"].options["tls"]["key"]) == UNFRAMED


def everything_in(store: Store) -> bytes:
    with store.client() as client:
        client.config_set("rdbcompression", "no")
        return b"".join(client.dump(key) or b"" for key in client.scan_iter())


def test_no_key_of_a_file_or_of_the_api_is_in_the_store(store: Store, tmp_path: Path) -> None:
    auth = {"address": "https://a.test", "tls": {"cert": "/auth.pem", "key": PEM}}
    file = tmp_path / "routes.json"
    file.write_text(json.dumps({"http": {"middlewares": {"filed": {"forwardAuth": auth}}}}))
    routes = file.rename(file.with_suffix(".yml"))
    settings = Settings(
        providers=Providers(file=FileOptions(filename=routes)),
        store=StoreOptions(secret=SECRET),
        state_directory=tmp_path,
    )
    keys = Keys()
    with store.client() as client, running_agent(store, settings=settings):
        for identity in ("first", "second"):
            proposal = Proposal(identity, "put", "middlewares", "sent", json.dumps({"forwardAuth": auth}))
            propose(client, keys, proposal)
            result = await_result(client, keys, identity, 60)
            assert result is not None
            # The same key is sealed to the same text.
            assert result.outcome == ("done" if identity == "first" else "unchanged")

        def published() -> set[str]:
            loaded = load(client, keys)
            return set() if loaded is None else set(loaded.state.middlewares)

        until(lambda: published() == {"filed@file", "sent@admin"}, "both middlewares")
        loaded = load(client, keys)
        assert loaded is not None
        for each in loaded.state.middlewares.values():
            assert SEALER.open(each.options["tls"]["key"]) == PEM
        stored = everything_in(store) + (tmp_path / "admin-default.json").read_bytes()
    assert b"c2VjcmV0" not in stored
