"""What a worker needs: for large bodies, for slow readers, for idle connections."""

import time

from benchmarks.memory import Peak, process_bytes
from tests.lab.bulk import download, pouring, swallowing, upload
from tests.lab.crowd import Crowd
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


def test_a_gigabyte_down_and_a_gigabyte_up_need_little_memory(begin: Begin) -> None:
    proxy = begin()
    with Origin(pouring(GIGABYTE)) as down, Origin(swallowing) as up, Origin.named("here") as other:
        source, sink, plain = proxy.route(down), proxy.route(up), proxy.route(other)
        assert proxy.get(plain) == "here"
        peak = Peak(worker(proxy))
        assert download(proxy.web, source) == GIGABYTE
        assert upload(proxy.web, sink, GIGABYTE) == GIGABYTE
        assert peak.rise() < 5 * MB


def test_slow_readers_fill_no_memory_and_stop_nobody(begin: Begin) -> None:
    proxy = begin()
    with Origin(pouring(GIGABYTE)) as down, Origin.named("here") as other:
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


def test_ten_thousand_idle_connections_are_held_and_cost_little(begin: Begin) -> None:
    proxy = begin("--limits.connections=12000")
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        assert proxy.get(host) == "here"
        before = process_bytes(worker(proxy))
        assert before < 50 * MB
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        with Crowd(proxy.web, IDLE) as crowd:
            crowd.exchange(request, lambda answer: answer.endswith(b"here"))
            began = time.monotonic()
            assert proxy.get(host) == "here"
            assert time.monotonic() - began < SLOWEST
            each = (process_bytes(worker(proxy)) - before) / IDLE
            assert each < 16 * 1024
            # None of them was dropped to make room.
            assert crowd.disturbed() == 0
    assert "Traceback" not in proxy.process.log
