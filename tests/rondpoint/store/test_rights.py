"""The ACL rules of the reference page are sufficient and allow nothing else."""

import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from discovery.acme.store import AcmeStore
from discovery.admin.change_processor import make_change_processor
from rondpoint.configuration import Configuration
from rondpoint.model import Service
from rondpoint.settings import Settings
from rondpoint.store.acme import AcmeAccount, read_states
from rondpoint.store.admin.document import read_document, read_stored, read_version
from rondpoint.store.admin.history import read_history
from rondpoint.store.admin.proposals import Proposal, await_result, propose, withdraw
from rondpoint.store.agents import AgentStatus, forget_silent_agents, read_agents, remove_agent, write_agent
from rondpoint.store.client import connect
from rondpoint.store.corrupt_keys import drop
from rondpoint.store.ejections import (
    EjectionNotice,
    drop_ejections,
    read_ejections,
    remove_ejection,
    write_ejection,
)
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import Counts, drop_counts, write_counts, write_fields
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load, read_diagnostics, revision
from rondpoint.store.retired_workers import ActiveNames, retire
from rondpoint.store.scripts import load_script
from rondpoint.store.sealing import Sealer
from rondpoint.store.server_metrics import ServerCounts, server_field
from rondpoint.store.unused_tickets import RETENTION, UnusedTickets
from rondpoint.store.workers import WorkerStatus, read_workers, remove_workers, write_worker
from tests.lab.redis_server import Cluster, Sentinels
from tests.lab.store import Store
from tests.rondpoint.store.counts import read_counts

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "redis.md"
KEYS = Keys()
SETTING = "return redis.call('SET', KEYS[1], '1')"


def rules(user: str) -> str:
    found = re.search(rf"^user {user} (.+)$", PAGE.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture
def login(client: redis.Redis, server: Store) -> Iterator[Callable[[str], redis.Redis]]:
    opened: list[redis.Redis] = []

    def log_in(user: str) -> redis.Redis:
        client.execute_command("ACL", "SETUSER", user, "reset", *rules(user).split())
        opened.append(connect(server.url, username=user, password="SECRET"))
        return opened[-1]

    yield log_in
    for each in opened:
        each.close()
    client.execute_command("ACL", "DELUSER", "rondpoint-agent", "rondpoint-proxy")


def test_the_agents_rights_are_sufficient(login: Callable[[str], redis.Redis]) -> None:
    agent = login("rondpoint-agent")
    publisher = Publisher(agent, KEYS)
    publisher.publish(Configuration(services={"a@file": Service("a@file")}))
    publisher.publish(Configuration())
    assert publisher.is_intact()
    publisher.stored()
    write_agent(agent, KEYS, AgentStatus("a", "h", 1, 0.0, 0.0))
    forget_silent_agents(agent, KEYS, time.time())
    agent.hset(KEYS.tickets, "a@file", 1)
    agent.set(KEYS.leader, "1 a")
    unused_tickets = UnusedTickets(agent, KEYS)
    for now in (0.0, RETENTION):
        unused_tickets.remove_expired("1 a", (), now)
    assert not agent.hgetall(KEYS.tickets)
    remove_agent(agent, KEYS, "a")
    acme = AcmeStore(agent, KEYS, Sealer(b"s" * 32), lambda: "1 a")
    acme.write(accounts={"le": AcmeAccount("https://ca.test", "key")}, certificates={"le/0": None})
    assert acme.seal_again() == 0
    acme.present("http-01 t", "text")
    acme.withdraw("http-01 t")


def test_the_agents_rights_are_sufficient_for_changes_through_the_api(
    client: redis.Redis, login: Callable[[str], redis.Redis]
) -> None:
    agent, proxy = login("rondpoint-agent"), login("rondpoint-proxy")
    change_processor = make_change_processor(Settings(), agent)
    subscription = agent.pubsub()
    subscription.subscribe(KEYS.admin_changes)
    body = '{"rule": "Host(`a`)", "service": "a"}'
    propose(proxy, KEYS, Proposal("1", "put", "routers", "a", body))
    stop = threading.Event()
    thread = threading.Thread(target=change_processor.run, args=(stop,))
    thread.start()
    result = await_result(proxy, KEYS, "1", 60)
    assert result is not None
    assert result.outcome == "done"
    withdrawn = propose(proxy, KEYS, Proposal("2", "rollback", version=0))
    if withdraw(proxy, KEYS, withdrawn):
        propose(proxy, KEYS, Proposal("2", "rollback", version=0))
    result = await_result(proxy, KEYS, "2", 60)
    stop.set()
    thread.join()
    assert result is not None
    assert result.outcome == "done"
    assert read_version(agent, KEYS) == 2
    assert read_document(proxy, KEYS).objects == {}
    assert [entry.version for entry in read_history(proxy, KEYS)] == [2, 1]
    assert read_stored(proxy, KEYS, "admin/http/routers/a") is None
    subscription.close()


def test_the_proxys_rights_are_sufficient(client: redis.Redis, login: Callable[[str], redis.Redis]) -> None:
    proxy = login("rondpoint-proxy")
    Publisher(client, KEYS).publish(Configuration())
    assert load(proxy, KEYS) is not None
    assert revision(proxy, KEYS) is not None
    assert read_diagnostics(proxy, KEYS) == ()
    assert read_states(proxy, KEYS) == {}
    client.set(KEYS.acme_challenge("http-01 t"), "text")
    assert proxy.get(KEYS.acme_challenge("http-01 t")) == b"text"
    proxy.hincrby(KEYS.tickets, "a@file", 1)
    drop(proxy, KEYS.tickets)
    lease_tokens = load_script(proxy, "lease_tokens.lua", "proxy.limits")
    assert lease_tokens(keys=[KEYS.rate_limit("x")], args=[1e6, 1, 0, 1, 0, 0]) == [1, -1, 1_000_000]
    write_counts(proxy, KEYS, "host:1", {"a@file": Counts()}, ["b@file"])
    assert read_counts(proxy, KEYS, "host:1") == {"a@file": Counts()}
    removed_server = server_field("s@file", "http://10.0.0.1:80")
    for name in ("host:1", "host-0"):
        write_fields(proxy, KEYS.server_metrics(name), {removed_server: ServerCounts()}, ["gone"])
    status = WorkerStatus("host:1", "host-0", "host", 1, 0.0, 0.0)
    write_worker(proxy, KEYS, status)
    assert read_workers(proxy, KEYS) == {"host:1": status}
    retire(proxy, KEYS, "host:1", "host-0", ActiveNames({"a@file"}, ()), lambda: None)
    remove_workers(proxy, KEYS, "host:1")
    drop_counts(proxy, KEYS, "host-0")
    assert read_agents(proxy, KEYS) == {}
    pubsub = proxy.pubsub()
    pubsub.subscribe(KEYS.changes)
    assert pubsub.get_message(timeout=60) is not None
    pubsub.subscribe(KEYS.ejections)
    assert pubsub.get_message(timeout=60) is not None
    notice = EjectionNotice("http://10.0.0.7:80", "host:1", 6.0, "x")
    write_ejection(proxy, KEYS, notice, age=0.0, publish=True)
    assert len(read_ejections(proxy, KEYS).notices) == 1
    remove_ejection(proxy, KEYS, notice)
    drop_ejections(proxy, KEYS, [b"http://10.0.0.8:80"])
    assert [pubsub.get_message(timeout=60)["type"] for _ in range(2)] == ["message"] * 2
    pubsub.ping()
    pubsub.close()


@pytest.mark.parametrize("kind", [Sentinels, Cluster])
def test_the_rights_are_sufficient_with_sentinels_and_in_a_cluster(kind: type[Sentinels | Cluster]) -> None:
    with tempfile.TemporaryDirectory(prefix="rp-") as directory, kind(Path(directory)) as group:
        for server in group.servers:
            for user in ("rondpoint-agent", "rondpoint-proxy"):
                server.execute("ACL", "SETUSER", user, *rules(user).split())
        with connect(group.url.replace("://", "://rondpoint-agent:SECRET@")) as agent:
            Publisher(agent, KEYS).publish(Configuration())
        with connect(group.url.replace("://", "://rondpoint-proxy:SECRET@")) as proxy:
            assert load(proxy, KEYS) is not None


FORBIDDEN: list[tuple[str, Callable[[redis.Redis], object]]] = [
    ("rondpoint-proxy", lambda proxy: proxy.hset(KEYS.services, "a@file", "{}")),
    ("rondpoint-proxy", lambda proxy: proxy.set(KEYS.revision, "1")),
    ("rondpoint-proxy", lambda proxy: proxy.register_script(SETTING)(keys=[KEYS.revision])),
    ("rondpoint-proxy", lambda proxy: proxy.hset(KEYS.admin, "admin/http/routers/a", "{}")),
    ("rondpoint-proxy", lambda proxy: proxy.rpush(KEYS.admin_history, "{}")),
    ("rondpoint-proxy", lambda proxy: proxy.publish(KEYS.admin_changes, "1")),
    ("rondpoint-proxy", lambda proxy: proxy.hincrby(KEYS.services, "a@file", 1)),
    ("rondpoint-proxy", lambda proxy: proxy.expire(KEYS.services, 1)),
    ("rondpoint-proxy", lambda proxy: proxy.publish(KEYS.changes, "{}")),
    ("rondpoint-proxy", lambda proxy: proxy.hset(KEYS.agents, "a", "{}")),
    ("rondpoint-proxy", lambda proxy: proxy.delete(KEYS.ejected)),
    ("rondpoint-proxy", lambda proxy: proxy.get("else")),
    ("rondpoint-proxy", lambda proxy: proxy.hgetall(KEYS.acme_accounts)),
    ("rondpoint-proxy", lambda proxy: proxy.hget(KEYS.acme_certificates, "le/0")),
    ("rondpoint-proxy", lambda proxy: proxy.hgetall(KEYS.acme_orders)),
    ("rondpoint-proxy", lambda proxy: proxy.hset(KEYS.acme_states, "le/0", "{}")),
    ("rondpoint-proxy", lambda proxy: proxy.set(KEYS.acme_challenge("http-01 t"), "x")),
    ("rondpoint-proxy", lambda proxy: proxy.hgetall(KEYS.contribution("north").certificates)),
    ("rondpoint-proxy", lambda proxy: proxy.get(KEYS.leader)),
    ("rondpoint-agent", lambda agent: agent.set("else", "x")),
    ("rondpoint-agent", lambda agent: agent.flushall()),
    ("rondpoint-agent", lambda agent: agent.config_get("*")),
]


@pytest.mark.parametrize(("user", "act"), FORBIDDEN)
def test_nothing_else_is_allowed(
    login: Callable[[str], redis.Redis], user: str, act: Callable[[redis.Redis], object]
) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        act(login(user))
