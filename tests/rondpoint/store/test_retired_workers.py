"""The counts of ended workers move to their instance's hash, and no sum falls meanwhile."""

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rondpoint.configuration import Configuration
from rondpoint.model import Server, Service
from rondpoint.rules.expression import Match, Rule
from rondpoint.store.connection_metrics import (
    ActiveConnections,
    ConnectionCounts,
    ConnectionKey,
    add_connections,
    decode_connections,
    parse_connection_field,
)
from rondpoint.store.keys import Keys
from rondpoint.store.metric_sums import add_buckets, add_counts, rebucket
from rondpoint.store.metrics import (
    BOUNDS,
    Cell,
    Counts,
    Refusals,
    WorkerCounts,
    decode_field,
    write_counts,
    write_fields,
)
from rondpoint.store.retired_workers import PORTION, ActiveNames, retire, target_field
from rondpoint.store.server_metrics import (
    ActiveServers,
    ServerCounts,
    add_servers,
    decode_server,
    server_field,
)
from rondpoint.tcp.model import TcpRouter, TcpServer, TcpService
from rondpoint.udp.model import UdpService
from tests.rondpoint.store.counts import read_counts

KNOWN = ActiveNames({"a@file", "b@file"}, {"s@file"})


def counts(requests: int, service: str = "s@file", method: str = "GET") -> Counts:
    buckets = (requests, *(0,) * len(BOUNDS))
    cell = Cell("web", method, 200, "http", buckets, requests * 0.5, requests * 10, requests)
    refusals = (Refusals("deny", "k", "forbidden", requests), Refusals(f"m-{method}", "k", "rate", 1))
    seconds, sent = requests * 0.5, requests * 10
    return Counts(service, {"2xx": requests}, buckets, seconds, sent, 1, (cell,), refusals=refusals)


def stored(client: redis.Redis, keys: Keys, name: str) -> dict[str, Counts | WorkerCounts]:
    fields = client.hgetall(keys.metrics(name))
    return {field.decode(): decode_field(field.decode(), value) for field, value in fields.items()}


def do_nothing() -> None:
    pass


def test_counts_move_to_the_instance_and_add_up(client: redis.Redis, keys: Keys) -> None:
    own = WorkerCounts(tickets=5, propagation=(1, 2), propagation_seconds=0.5)
    for worker in ("h:1", "h:2"):
        write_counts(client, keys, worker, {"": counts(1, ""), "a@file": counts(2), "/worker": own})
        retire(client, keys, worker, "i", KNOWN, do_nothing)
        assert not client.exists(keys.metrics(worker))
    assert stored(client, keys, "i") == {
        "": add_counts(counts(1, ""), counts(1, "")),
        "a@file": add_counts(counts(2), counts(2)),
        "/worker": WorkerCounts(tickets=10, propagation=(2, 4), propagation_seconds=1.0),
    }
    assert 0 < client.ttl(keys.metrics("i")) <= 30


def test_refusals_with_equal_labels_are_added_up() -> None:
    found = add_counts(counts(2), counts(3, method="PUT")).refusals
    assert set(found) == {
        Refusals("deny", "k", "forbidden", 5),
        Refusals("m-GET", "k", "rate", 1),
        Refusals("m-PUT", "k", "rate", 1),
    }


def test_counts_of_removed_routers_continue_under_their_service_or_without_one(
    client: redis.Redis, keys: Keys
) -> None:
    counts_by_field = {
        "a@file": counts(1),
        "gone@file": counts(2),
        "old@file": counts(4, "t@file"),
        "s@file/": counts(8),
        "t@file/": counts(16, "t@file"),
        "/": counts(32, ""),
    }
    write_counts(client, keys, "h:1", counts_by_field)
    retire(client, keys, "h:1", "i", KNOWN, do_nothing)
    found = stored(client, keys, "i")
    assert {name: each.statuses["2xx"] for name, each in found.items() if isinstance(each, Counts)} == {
        "a@file": 1,
        "s@file/": 10,
        "/": 52,
    }


def test_no_reader_sees_a_sum_that_falls(client: redis.Redis, keys: Keys) -> None:
    names = [f"r{number}@file" for number in range(3 * PORTION)]
    write_counts(client, keys, "h:1", {name: counts(1) for name in names})
    sums: list[int] = []

    def look() -> None:
        pipeline = client.pipeline(transaction=True)
        pipeline.hgetall(keys.metrics("h:1"))
        pipeline.hgetall(keys.metrics("i"))
        fields = [value for answer in pipeline.execute() for value in answer.values()]
        sums.append(sum(decode_field("x", value).statuses["2xx"] for value in fields))

    retire(client, keys, "h:1", "i", ActiveNames(names[::2], {"s@file"}), look)
    assert sums == [3 * PORTION] * 3


def test_two_workers_that_retire_one_worker_move_its_counts_once(client: redis.Redis, keys: Keys) -> None:
    write_counts(client, keys, "h:1", {f"r{number}@file": counts(1) for number in range(3 * PORTION)})
    known = ActiveNames((), {"s@file"})

    def retire_again() -> None:
        retire(client, keys, "h:1", "i", known, do_nothing)

    retire(client, keys, "h:1", "i", known, retire_again)
    assert stored(client, keys, "i")["s@file/"].statuses["2xx"] == 3 * PORTION


def test_undecodable_counts_are_dropped(client: redis.Redis, keys: Keys) -> None:
    client.hset(
        keys.metrics("h:1"), mapping={"a@file": b"{", b"\xff": b"{}", "b@file": b'{"service":"s@file"}'}
    )
    retire(client, keys, "h:1", "i", KNOWN, do_nothing)
    assert list(stored(client, keys, "i")) == ["b@file"]


def test_counts_of_routers_are_read_without_the_rest(client: redis.Redis, keys: Keys) -> None:
    write_counts(
        client,
        keys,
        "h:1",
        {"": counts(1, ""), "a@file": counts(2), "s@file/": counts(3), "/worker": WorkerCounts()},
    )
    assert sorted(read_counts(client, keys, "h:1")) == ["", "a@file"]


def test_a_lost_hash_is_noticed(client: redis.Redis, keys: Keys) -> None:
    assert not write_counts(client, keys, "h:1", {"a@file": counts(1)})
    assert write_counts(client, keys, "h:1", {"a@file": counts(1)})
    client.flushall()
    assert not write_counts(client, keys, "h:1", {"b@file": counts(1)})
    assert 0 < client.ttl(keys.metrics("h:1")) <= 30


TARGET_FIELDS = [
    ("", Counts(), ""),
    ("/", Counts(), "/"),
    ("/worker", WorkerCounts(), "/worker"),
    ("a@file", Counts("s@file"), "a@file"),
    ("c@file", Counts("s@file"), "s@file/"),
    ("c@file", Counts("t@file"), "/"),
    ("s@file/", Counts("s@file"), "s@file/"),
    ("t@file/", Counts("t@file"), "/"),
]


@pytest.mark.parametrize(("name", "what", "expected"), TARGET_FIELDS)
def test_target_fields(name: str, what: Counts | WorkerCounts, expected: str) -> None:
    assert target_field(name, what, KNOWN) == expected


BOUND_SETS = st.sets(st.floats(0.001, 60), min_size=1).map(lambda found: tuple(sorted(found)))


@given(BOUND_SETS, BOUND_SETS, st.data())
def test_rebucketing_loses_no_request_and_makes_none_faster(
    bounds: tuple[float, ...], new_bounds: tuple[float, ...], data: st.DataObject
) -> None:
    sizes = st.lists(st.integers(0, 9), min_size=len(bounds) + 1, max_size=len(bounds) + 1)
    buckets = data.draw(sizes)
    found = rebucket(buckets, bounds, new_bounds)
    assert sum(found) == sum(buckets)
    for number, bound in enumerate(new_bounds):
        known_to_be = sum(count for count, upper in zip(buckets, bounds, strict=False) if upper <= bound)
        assert sum(found[: number + 1]) == known_to_be


def test_an_empty_sequence_of_buckets_counts_as_zeros() -> None:
    assert add_buckets((), (1, 2)) == add_buckets((1, 2), ()) == add_buckets((0, 1), (1, 1)) == (1, 2)


def server_counts(requests: int, bounds: tuple[float, ...] = BOUNDS) -> ServerCounts:
    return ServerCounts({200: requests}, (requests, *(0,) * len(bounds)), requests * 0.5, 1, bounds)


def test_counts_of_servers_move_and_those_of_removed_servers_are_dropped(
    client: redis.Redis, keys: Keys
) -> None:
    servers = tuple(Server(f"s{number}", "10.0.0.1", number) for number in range(1, 2 * PORTION))
    fields = [server_field("s@file", server.url) for server in servers]
    gone = server_field("s@file", "http://10.0.0.9:80")
    mine, instances = keys.server_metrics("h:1"), keys.server_metrics("i")
    write_fields(client, instances, {gone: server_counts(9), fields[0]: server_counts(1)})
    write_fields(client, mine, {field: server_counts(2) for field in (gone, *fields)})
    known = ActiveServers({"s@file": Service("s@file", servers)})
    retire(client, keys, "h:1", "i", ActiveNames({"a@file"}, {"s@file"}, known), do_nothing)
    assert not client.exists(mine)
    found = {
        name.decode(): decode_server(name.decode(), value)
        for name, value in client.hgetall(instances).items()
    }
    assert found == {
        **{field: server_counts(2) for field in fields},
        fields[0]: add_servers(server_counts(1), server_counts(2)),
    }
    assert 0 < client.ttl(instances) <= 30


def test_counts_of_servers_with_other_bounds_are_added_up() -> None:
    other = ServerCounts({200: 1, 404: 2}, (0, 3, 0), 1.0, 0, (0.002, 2.0))
    assert add_servers(server_counts(4), other) == ServerCounts(
        {200: 5, 404: 2}, (4, *(0,) * 9, 3, 0, 0, 0), 3.0, 1
    )


def test_active_servers_are_those_of_their_service() -> None:
    services = {"a b@file": Service("a b@file", (Server("s", "::1", 80),)), "t@file": Service("t@file")}
    active = ActiveServers(services)
    assert server_field("a b@file", "http://[::1]:80") in active
    for other in (
        server_field("t@file", "http://[::1]:80"),
        server_field("u@file", "http://[::1]:80"),
        "",
        None,
    ):
        assert other not in active


def test_counts_of_connections_move_without_open_ones(client: redis.Redis, keys: Keys) -> None:
    rule = Rule("HostSNI(`*`)", Match("HostSNI", ("*",)))
    active = ActiveConnections(
        Configuration(
            tcp_routers={
                "r@file": TcpRouter("r@file", rule, "s@file", 1),
                "moved@file": TcpRouter("moved@file", rule, "t@file", 1),
            },
            tcp_services={"s@file": TcpService("s@file", (TcpServer("a", "::1", 5432),))},
            # Names of TCP and UDP are separate.
            udp_services={"gone@file": UdpService("gone@file")},
        )
    )
    router = ConnectionKey("tcp", "r@file", "s@file")
    rest = ConnectionKey("tcp", "", "s@file")
    server = ConnectionKey("tcp", "", "s@file", "tcp://[::1]:5432")
    gone_server = ConnectionKey("tcp", "", "s@file", "tcp://10.0.0.9:5432")
    removed = (
        ConnectionKey("tcp", "removed@file", "s@file"),
        # Its router has another service now.
        ConnectionKey("tcp", "moved@file", "s@file"),
    )
    gone = ConnectionKey("tcp", "r@file", "gone@file")
    one = ConnectionCounts(
        forwarded=3, refused=1, failed=1, aborted=1, open=2, received=10, sent=20, dropped=4
    )
    ended = replace(one, open=0)
    mine, instances = keys.connection_metrics("h:1"), keys.connection_metrics("i")
    write_fields(client, instances, {router.field: ended, gone_server.field: ended, "no key": ended})
    write_fields(
        client, mine, {key.field: one for key in (router, rest, server, gone_server, gone, *removed)}
    )
    known = ActiveNames((), (), connections=active)
    retire(client, keys, "h:1", "i", known, do_nothing)
    assert not client.exists(mine)
    found = {
        parse_connection_field(name.decode()): decode_connections(name.decode(), value)
        for name, value in client.hgetall(instances).items()
    }
    three = add_connections(ended, add_connections(ended, ended))
    assert found == {router: add_connections(ended, ended), rest: three, server: ended}
    assert three.forwarded == three.dropped - 3 == 9
    assert 0 < client.ttl(instances) <= 30
