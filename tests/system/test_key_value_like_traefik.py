"""Traefik 3 and Rondpoint serve the same routes from the same keys in each key-value store.

DIFFERENCES and DIFFERENCES_OF_STORES list intended differences. They are tested, too: a listed difference
that no longer exists is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.consul import Consul
from tests.lab.etcd import Etcd
from tests.lab.installation import Installation, start
from tests.lab.origin import Origin
from tests.lab.processes import Processes
from tests.lab.redis_server import RedisServer
from tests.lab.traefik import start_traefik
from tests.lab.zookeeper import ZooKeeper
from tests.system.keys_of_traefik import CASES, DIFFERENCES, DIFFERENCES_OF_STORES, Request

REQUESTS = 4
SEEN = ("Host", "X-Role", "X-Secret", "X-Forwarded-Prefix", "Authorization")
"""Headers that are compared as the origins got them."""


def _consul(stack: ExitStack, directory: Path, keys: Mapping[str, str]) -> list[str]:
    server = stack.enter_context(Consul(directory))
    for key, value in keys.items():
        server.put(f"/v1/kv/{key}", value)
    return [f"--providers.consul.endpoints={server.address}"]


def _zookeeper(stack: ExitStack, directory: Path, keys: Mapping[str, str]) -> list[str]:
    server = stack.enter_context(ZooKeeper(directory))
    server.load(keys)
    return [f"--providers.zooKeeper.endpoints={server.address}"]


def _etcd(stack: ExitStack, directory: Path, keys: Mapping[str, str]) -> list[str]:
    server = stack.enter_context(Etcd(directory))
    server.write(keys)
    return [f"--providers.etcd.endpoints={server.address}"]


def _redis(stack: ExitStack, directory: Path, keys: Mapping[str, str]) -> list[str]:
    server = stack.enter_context(RedisServer(directory))
    with server.client() as client:
        client.mset(dict(keys))
    return [f"--providers.redis.endpoints=127.0.0.1:{server.port}"]


STORES: Mapping[str, Callable[[ExitStack, Path, Mapping[str, str]], list[str]]] = {
    "consul": _consul,
    "etcd": _etcd,
    "redis": _redis,
    "zookeeper": _zookeeper,
}
"""Provider → starts a store with these keys, and returns the flags of both proxies."""


class Outcome(NamedTuple):
    """The statuses of equal requests, the servers that they reached, and what the last server got."""

    statuses: frozenset[int]
    servers: Counter[str]
    location: str | None
    target: str
    headers: tuple[str | None, ...]


class Scene(NamedTuple):
    ours: Installation
    theirs: Installation
    origins: Mapping[str, Origin]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    directory = tmp_path_factory.mktemp("stores")
    with ExitStack() as stack:
        origins = {name: stack.enter_context(Origin.named(name)) for name in ("one", "two")}
        flags = []
        for provider, start_store in STORES.items():
            flags += start_store(stack, directory, keys_of(provider, origins))
        processes = Processes()
        stack.callback(processes.stop)
        theirs = start_traefik(processes, *flags)
        ours = start(processes, "--workers=1", *flags, directory=directory)
        for proxy in (ours, theirs):
            for provider in STORES:
                proxy.wait_for(f"plain.{provider}.test")
        yield Scene(ours, theirs, origins)


def keys_of(provider: str, origins: Mapping[str, Origin]) -> dict[str, str]:
    """Return the keys of all cases below the root key."""
    urls = {name: origin.url for name, origin in origins.items()}
    return {
        f"traefik/{_expand(key, name, provider, urls)}": _expand(value, name, provider, urls)
        for name, (keys, _) in CASES.items()
        for key, value in keys.items()
    }


def _expand(text: str, name: str, provider: str, urls: Mapping[str, str]) -> str:
    known = {"n": name, "s": provider, **urls}
    for each, value in known.items():
        text = text.replace(f"{{{each}}}", value)
    return text


def outcome(proxy: Installation, line: str, headers: object, origins: Mapping[str, Origin]) -> Outcome:
    method, _, rest = line.rpartition(" ")
    host, slash, target = rest.partition("/")
    before = {name: len(origin.requests) for name, origin in origins.items()}
    responses = [
        proxy.request(host, slash + target, method=method or "GET", headers=headers) for _ in range(REQUESTS)
    ]
    got = [(name, each) for name, origin in origins.items() for each in origin.requests[before[name] :]]
    last = got[-1][1] if got else None
    return Outcome(
        frozenset(each.status for each in responses),
        Counter(name for name, _ in got),
        responses[-1].header("Location"),
        last.target if last else "",
        tuple(last.header(name) for name in SEEN) if last else (),
    )


ALL = [
    pytest.param(provider, name, each, id=f"{provider} {name} {each if isinstance(each, str) else each[0]}")
    for provider in STORES
    for name, (_, requests) in CASES.items()
    for each in requests
]


@pytest.mark.parametrize(("provider", "name", "request_"), ALL)
def test_the_same_keys_and_requests_have_the_same_outcome(
    provider: str, name: str, request_: str | Request, scene: Scene
) -> None:
    written, headers = (request_, ()) if isinstance(request_, str) else request_
    line = _expand(written, name, provider, {})
    mine, other = (outcome(proxy, line, headers, scene.origins) for proxy in (scene.ours, scene.theirs))
    expected = (name, written) in DIFFERENCES or (provider, name, written) in DIFFERENCES_OF_STORES
    assert (mine != other) == expected, (mine, other)


def test_differences_have_a_request() -> None:
    written = {
        (name, each if isinstance(each, str) else each[0])
        for name, (_, requests) in CASES.items()
        for each in requests
    }
    assert set(DIFFERENCES) | {(name, line) for _, name, line in DIFFERENCES_OF_STORES} <= written
