"""Agents and proxies work with exactly the rights that the reference page proposes."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import redis

from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.read import load
from rondpoint.store.rights import KEY_USES, PUBLISHED
from tests.lab.installation import Installation, start
from tests.lab.origin import Origin
from tests.lab.processes import Process, Processes
from tests.lab.store import Store
from tests.lab.waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "redis.md"
KEYS = Keys()
ROUTES = """
http:
  routers:
    {name}: {{rule: "Host(`{name}.test`)", service: {name}}}
    shared: {{rule: "Host(`shared.test`)", service: shared}}
  services:
    {name}: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{port}"}}]}}}}
    shared: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{port}"}}]}}}}
"""


@pytest.fixture(params=["store", "redis_store"])
def guarded(request: pytest.FixtureRequest) -> Store:
    """A store with the users of the reference page."""
    store: Store = request.getfixturevalue(request.param)
    found = re.findall(r"^user (\S+) (.+)$", PAGE.read_text(), re.MULTILINE)
    assert {name for name, _ in found} == {"rondpoint-agent", "rondpoint-proxy"}
    with store.client() as client:
        for name, rules in found:
            client.execute_command("ACL", "SETUSER", name, "reset", *rules.split())
    return store


def as_user(store: Store, user: str) -> dict[str, str]:
    return {"RONDPOINT_REDIS_URL": f"unix://{user}@{store.socket}?password=SECRET"}


def start_agent(processes: Processes, store: Store, directory: Path, name: str, port: int) -> Process:
    file = directory / f"{name}.yml"
    file.write_text(ROUTES.format(name=name, port=port))
    return processes(
        "rondpoint",
        "agent",
        f"--agent.name={name}",
        "--agent.forgetAfter=1s",
        f"--providers.file.filename={file}",
        environment=as_user(store, "rondpoint-agent"),
    )


def routes(client: redis.Redis) -> set[str]:
    loaded = load(client, KEYS)
    return set() if loaded is None else {name.partition("@")[0] for name in loaded.state.routers}


def undocumented_keys(client: redis.Redis) -> list[str]:
    """Return keys in the store that the reference page does not list, or that have another type."""
    documented = {use.key(KEYS, "*"): use.kind for use in KEY_USES}
    contributions = {use.key(KEYS.contribution("*")): use.kind for use in KEY_USES if use.name in PUBLISHED}
    types = {key.decode(): client.type(key).decode() for key in client.scan_iter()}  # type: ignore[union-attr]
    return [
        key
        for key, kind in types.items()
        # A key that has expired meanwhile has no type.
        if kind != "none"
        and not any(
            fnmatchcase(key, pattern) and kind == expected
            for pattern, expected in (documented | contributions).items()
        )
    ]


def wait_for_status(proxy: Installation, status: int, *names: str) -> None:
    for name in names:
        proxy.wait_for(f"{name}.test", status=status)


def test_the_store_refuses_no_command_of_agents_and_proxies(
    processes: Processes, guarded: Store, tmp_path: Path
) -> None:
    with Origin.named("a") as a, Origin.named("b") as b, guarded.client() as client:
        north = start_agent(processes, guarded, tmp_path, "north", a.port)
        until(lambda: routes(client) == {"north", "shared"}, "the first agent's routes")
        start_agent(processes, guarded, tmp_path, "south", b.port)
        until(lambda: routes(client) == {"north", "south", "shared"}, "the routes of both")
        environment = {**as_user(guarded, "rondpoint-proxy"), "RONDPOINT_STATEDIRECTORY": str(tmp_path)}
        proxy = start(processes, "--workers=1", command=("proxy",), environment=environment)
        wait_for_status(proxy, 200, "north", "south", "shared")
        assert len(proxy.api("/api/rawdata")["agents"]) == 2
        until(lambda: list(client.scan_iter(match="*metrics*")), "the proxy's counts")
        until(lambda: client.hget(KEYS.tickets, "shared@file"), "a ticket taken")
        assert undocumented_keys(client) == []
        # The agents write everything again.
        guarded.flush()
        until(lambda: routes(client) == {"north", "south", "shared"}, "both contributions again")
        # The other agent becomes the leader, and later removes the dead agent's contribution.
        north.kill()
        until(lambda: routes(client) == {"south", "shared"}, "the remaining routes")
        wait_for_status(proxy, 404, "north")
        wait_for_status(proxy, 200, "shared")
        refused: Any = client.acl_log()
        assert [(entry["username"], entry["reason"], entry["object"]) for entry in refused] == []
        with (
            connect(as_user(guarded, "rondpoint-proxy")["RONDPOINT_REDIS_URL"]) as intruder,
            pytest.raises(redis.exceptions.NoPermissionError),
        ):
            intruder.hset(KEYS.routers, "intruder@file", "{}")
        assert [entry["object"] for entry in client.acl_log()] == [KEYS.routers]
        users = {entry["user"] for entry in client.client_list()}
        assert users == {"rondpoint-agent", "rondpoint-proxy", "default"}
