"""The memory of a worker: with large bodies, slow readers, and idle connections."""

import time
from pathlib import Path

from benchmarks.memory import Peak, process_bytes
from tests.lab.bulk import count_upload, download, send_large_bodies, upload
from tests.lab.client_connections import ClientConnections
from tests.lab.origin import Origin
from tests.lab.processes import descendants
from tests.proxy.process.conftest import Begin
from tests.proxy.process.load import SLOWEST, Load
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

MB = 1_000_000
GIGABYTE = 1_000_000_000
IDLE = 10_000


def worker(proxy: Proxy) -> int:
    (pid,) = descendants(proxy.process.pid)
    return pid


def private_bytes(pid: int) -> int:
    """Return the bytes of memory that this process shares with no other: what it adds to the others."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def test_a_further_worker_adds_little_memory(begin: Begin) -> None:
    proxy = begin(workers=2)
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        assert proxy.get(host) == "here"
        pids = descendants(proxy.process.pid)
        assert len(pids) == 2
        assert max(map(private_bytes, pids)) < 20 * MB


def test_large_downloads_and_uploads_need_little_memory(begin: Begin) -> None:
    proxy = begin()
    with (
        Origin(send_large_bodies(GIGABYTE)) as down,
        Origin(count_upload) as up,
        Origin.named("here") as other,
    ):
        source, sink, plain = proxy.route(down), proxy.route(up), proxy.route(other)
        assert proxy.get(plain) == "here"
        peak = Peak(worker(proxy))
        assert download(proxy.web, source) == GIGABYTE
        assert upload(proxy.web, sink, GIGABYTE) == GIGABYTE
        assert peak.rise() < 5 * MB


def test_slow_readers_need_little_memory_and_delay_no_other_client(begin: Begin) -> None:
    proxy = begin()
    with Origin(send_large_bodies(GIGABYTE)) as down, Origin.named("here") as other:
        source, plain = proxy.route(down), proxy.route(other)
        assert proxy.get(plain) == "here"
        peak = Peak(worker(proxy))
        readers = [Client(proxy.web) for _ in range(20)]
        for reader in readers:
            reader.send(f"GET / HTTP/1.1\r\nHost: {source}\r\n\r\n".encode())
            reader.head()
        with Load(proxy.web, plain) as load:
            load.wait_for(500)
            for reader in readers:
                reader.exactly(100_000)
            load.wait_for(500)
        assert load.failures == []
        assert load.slowest < SLOWEST
        assert peak.rise() < 20 * 0.5 * MB
        for reader in readers:
            reader.reset()


def test_ten_thousand_idle_connections_need_little_memory(begin: Begin) -> None:
    proxy = begin("--limits.connections=12000")
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        assert proxy.get(host) == "here"
        before = process_bytes(worker(proxy))
        assert before < 42 * MB
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        with ClientConnections(proxy.web, IDLE) as crowd:
            crowd.exchange(request, lambda answer: answer.endswith(b"here"))
            began = time.monotonic()
            assert proxy.get(host) == "here"
            assert time.monotonic() - began < SLOWEST
            each = (process_bytes(worker(proxy)) - before) / IDLE
            assert each < 9.5 * 1024
            # The proxy dropped none of them.
            assert crowd.count_readable() == 0
    assert "Traceback" not in proxy.process.log
