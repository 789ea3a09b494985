"""The running proxy's reports about requests: the access log, and the counts in store and API."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rondpoint.store.keys import Keys
from rondpoint.store.metrics import Counts
from tests.lab import http
from tests.lab.origin import Connection, Handler, Start, http_response
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.log_lines import json_lines
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.wire.client import Client
from tests.rondpoint.store.counts import read_counts

BIG = b"b" * (1 << 20)


class Watched:
    """A proxy whose access log is the JSON file `log`."""

    def __init__(self, proxy: Proxy, log: Path) -> None:
        self.proxy = proxy
        self.log = log

    def lines(self, path: str, count: int = 1) -> list[dict[str, object]]:
        """Wait for `count` lines of this path, and return them."""

        def found() -> list[dict[str, object]]:
            lines = json_lines(self.log)
            return [line for line in lines if line["RequestPath"] == path]

        until(lambda: len(found()) >= count, f"{count} lines for {path}")
        return found()


@pytest.fixture(scope="module")
def shared() -> Iterator[Watched]:
    with TemporaryDirectory(prefix="rp-") as name:
        directory = Path(name)
        log = directory / "logs" / "access.json"
        flags = ("--accessLog.format=json", f"--accessLog.filePath={log}")
        with Store(directory) as store, running_proxy(directory, store, *flags) as proxy:
            until(log.exists, "the log")
            yield Watched(proxy, log)


@pytest.fixture
def watch(shared: Watched) -> Iterator[Watched]:
    for _ in watched(shared.proxy):
        yield shared


def sending(*pieces: bytes, reset: bool = False) -> Handler:
    """Return a handler that responds to one request with these pieces, and ends the connection."""

    def handler(connection: Connection) -> None:
        if connection.read() is not None:
            for piece in pieces:
                connection.send(piece)
            if reset:
                connection.reset()

    return handler


BODIES: list[tuple[str, Handler | bytes, str, int, int]] = [
    ("length", http_response(b"hello"), "GET", 200, 5),
    ("status", http_response(b"no", "418 I'm a teapot"), "GET", 418, 2),
    ("head", http_response(b"hello"), "HEAD", 200, 0),
    ("long", http_response(BIG), "GET", 200, len(BIG)),
    ("cut", sending(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"), "GET", 200, 3),
    ("cut-long", sending(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + BIG), "GET", 200, len(BIG)),
    (
        "chunked",
        sending(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"
        ),
        "GET",
        200,
        5,
    ),
    ("until-close", sending(b"HTTP/1.1 200 OK\r\n\r\nhe", b"llo"), "GET", 200, 5),
    ("nothing", sending(), "POST", 502, 74),
]


@pytest.mark.parametrize(
    ("name", "handler", "method", "status", "size"), BODIES, ids=[row[0] for row in BODIES]
)
def test_the_log_has_the_status_and_the_bytes_of_the_body_that_went_to_the_client(
    watch: Watched, origin: Start, name: str, handler: Handler | bytes, method: str, status: int, size: int
) -> None:
    host = watch.proxy.route(origin(handler))
    try:
        http.request(watch.proxy.web, host, f"/{name}", method=method)
    except (OSError, http.http.client.HTTPException):
        assert name.startswith("cut")
    (line,) = watch.lines(f"/{name}")
    assert (line["DownstreamStatus"], line["DownstreamContentSize"]) == (status, size)
    assert line["OriginStatus"] == (0 if name == "nothing" else status)
    assert (
        line["ServiceURL"] == f"http://127.0.0.1:{watch.proxy.services[host.split('.')[0]].servers[0].port}"
    )


def test_a_request_without_a_router_is_logged_without_one(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(origin(http_response(b"hello")))
    with Client(watch.proxy.web) as client:
        # On one connection, which shows that the first request leaves nothing behind.
        for name, path in ((host, "/routed"), ("nobody.test", "/unrouted")):
            client.send(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            client.answer()
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.answer().status == 400
    (routed,), (unrouted,) = watch.lines("/routed"), watch.lines("/unrouted")
    assert routed["RouterName"] == host.split(".")[0]
    assert (unrouted["RouterName"], unrouted["ServiceURL"], unrouted["DownstreamStatus"]) == ("", "", 404)
    malformed = watch.lines("-")[-1]
    assert (malformed["DownstreamStatus"], malformed["RouterName"], malformed["DownstreamContentSize"]) == (
        400,
        "",
        0,
    )


def test_a_client_that_leaves_early_is_logged(watch: Watched, origin: Start) -> None:
    received: list[Connection] = []

    def waits(connection: Connection) -> None:
        connection.read()
        received.append(connection)
        connection.receive()

    host = watch.proxy.route(origin(waits))
    with Client(watch.proxy.web) as client:
        client.send(f"GET /left HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        until(lambda: bool(received), "the request at the origin")
        client.reset()
    (line,) = watch.lines("/left")
    assert line["DownstreamStatus"] == 499


def test_an_upgrade_is_logged_when_it_ends(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(
        origin(sending(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello"))
    )
    with Client(watch.proxy.web) as client:
        client.send(f"GET /up HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n".encode())
        assert client.head().startswith(b"HTTP/1.1 101")
        assert client.exactly(5) == b"hello"
    (line,) = watch.lines("/up")
    assert line["DownstreamStatus"] == 101


def test_a_moved_log_is_followed_by_a_new_one(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(origin(http_response(b"hello")))
    watch.proxy.get(host, "/before")
    watch.lines("/before")
    moved = watch.log.with_suffix(".1")
    watch.log.rename(moved)
    os.kill(watch.proxy.process.pid, signal.SIGUSR1)
    until(watch.log.exists, "a new log")
    watch.proxy.get(host, "/after")
    watch.lines("/after")
    assert "/before" in moved.read_text()
    assert "/after" not in moved.read_text()


def test_counts_reach_store_and_api(watch: Watched, origin: Start) -> None:
    proxy = watch.proxy
    host = proxy.route(origin(http_response(b"hello")))
    name = host.split(".")[0]
    for _ in range(3):
        proxy.get(host)
    proxy.route(origin(sending()), rule="Host(`{host}`)")
    (worker,) = descendants(proxy.process.pid)
    with proxy.store.client() as client:
        key = f"{socket.gethostname()}:{worker}"

        def counted() -> dict[str, Counts] | None:
            found = read_counts(client, Keys(), key)
            return found if name in found and found[name].statuses == {"2xx": 3} else None

        counts = until(counted, "counts in the store")
        assert 0 < client.ttl(Keys().metrics(key)) <= 30
        # Counts that the store loses are written again.
        client.delete(Keys().metrics(key))
        until(lambda: name in read_counts(client, Keys(), key), "counts written again")
    found = counts[name]
    assert (found.service, found.statuses, found.sent, sum(found.buckets)) == (name, {"2xx": 3}, 15, 3)
    assert 0 < found.seconds < 60
    assert "4xx" in counts.get("", Counts(statuses={"4xx": 1})).statuses
    raw = json.loads(http.request(proxy.admin, "localhost", "/api/rawdata").body)
    assert raw["worker"]["metrics"][name]["statuses"] == {"2xx": 3}
    assert raw["worker"]["droppedLogLines"] == 0


def test_counts_of_a_removed_router_are_dropped(watch: Watched, origin: Start) -> None:
    proxy = watch.proxy
    host = proxy.route(origin(http_response(b"hello")))
    name = host.split(".")[0]
    proxy.get(host)
    (worker,) = descendants(proxy.process.pid)
    key = f"{socket.gethostname()}:{worker}"
    with proxy.store.client() as client:
        until(lambda: name in read_counts(client, Keys(), key), "counts in the store")
        proxy.withdraw()
        until(lambda: name not in read_counts(client, Keys(), key), "counts dropped")


def test_lines_of_several_workers_stay_whole_on_a_pipe(store: Store, short_path: Path, origin: Start) -> None:
    requests = 600
    with running_proxy(short_path, store, "--accessLog", workers=2) as proxy:
        host = proxy.route(origin(http_response(b"hello")))
        target = "/" + "t" * 300
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(proxy.web)) for _ in range(10)]
            for _ in range(requests // len(clients)):
                for client in clients:
                    client.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                for client in clients:
                    assert client.answer().status == 200
        whole = re.compile(
            rf'^127\.0\.0\.1 - - \[[^]]+\] "GET {target} HTTP/1\.1" 200 5 "-" "-" \d+ "t1" "[^"]+" \d+ms$',
            re.M,
        )
        until(lambda: len(whole.findall(proxy.process.log)) == requests, "all lines, whole")
    assert "Traceback" not in proxy.process.log


def test_the_last_lines_of_a_leaving_worker_are_written(
    store: Store, short_path: Path, origin: Start
) -> None:
    log = short_path / "access.log"
    with running_proxy(short_path, store, f"--accessLog.filePath={log}") as proxy:
        host = proxy.route(origin(http_response(b"hello")))
        proxy.get(host, "/last")
    assert '"GET /last HTTP/1.1" 200 5' in log.read_text()


def test_a_log_that_cannot_be_written_gives_a_warning_and_no_request_fails(
    store: Store, short_path: Path, origin: Start
) -> None:
    (short_path / "file").touch()
    flag = f"--accessLog.filePath={short_path / 'file' / 'access.log'}"
    with running_proxy(short_path, store, flag) as proxy:
        host = proxy.route(origin(http_response(b"hello")))
        assert proxy.get(host) == "hello"
        until(lambda: "access log cannot be written" in proxy.process.log, "the warning")
        assert proxy.get(host) == "hello"
