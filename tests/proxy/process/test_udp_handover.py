"""UDP sessions while workers leave, die and change in number."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.lab.ports import free_port
from tests.lab.udp import UdpClient, UdpEcho, bound_ports, clients
from tests.lab.waiting import until
from tests.proxy.process.conftest import Begin
from tests.proxy.running import Proxy
from tests.proxy.udp.publishing import UdpRoutes


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def begin_udp(begin: Begin, stack: ExitStack, workers: int = 2, *flags: str) -> tuple[Proxy, int]:
    """Start a proxy with the entry point `udp` and an hour for sessions, routed to three servers."""
    port = free_port()
    proxy = begin(
        f"--entryPoints.udp.address=127.0.0.1:{port}/udp",
        "--entryPoints.udp.udp.timeout=1h",
        *flags,
        workers=workers,
    )
    routes = UdpRoutes(proxy)
    stack.callback(routes.withdraw)
    routes.route(*(stack.enter_context(UdpEcho(name)) for name in "abc"))
    return proxy, port


def worker_pids(proxy: Proxy) -> list[int]:
    return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", proxy.process.log)]


def worker_of(pids: list[int], client: UdpClient) -> int:
    """Return the worker whose socket sends this client's datagrams to the server."""
    source = client.source()
    return next(pid for pid in pids if source in bound_ports(pid))


def reload(proxy: Proxy, workers: int = 2) -> list[int]:
    """Have all workers replaced, and return the new ones once the old ones have ended."""
    old = worker_pids(proxy)
    proxy.process.signal(signal.SIGHUP)
    until(lambda: len(worker_pids(proxy)) >= len(old) + workers, "new workers")
    until(lambda: not any(alive(pid) for pid in old), "the end of the old workers")
    return worker_pids(proxy)[len(old) :]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_all_workers_have_sessions_and_each_stays_in_one(begin: Begin, stack: ExitStack) -> None:
    proxy, port = begin_udp(begin, stack)
    pids = worker_pids(proxy)
    asking = clients(port, 40, stack)
    workers = [worker_of(pids, client) for client in asking]
    assert set(workers) == set(pids)
    assert [worker_of(pids, client) for client in asking] == workers


def test_rotation_is_strict_over_workers(begin: Begin, stack: ExitStack) -> None:
    _, port = begin_udp(begin, stack)
    found = [client.server() for client in clients(port, 30, stack)]
    first = found[:3]
    assert sorted(first) == ["a", "b", "c"]
    assert found == first * 10


def test_a_burst_of_datagrams_reaches_one_worker(begin: Begin, stack: ExitStack) -> None:
    _, port = begin_udp(begin, stack)
    for client in clients(port, 20, stack):
        for number in range(8):
            client.send(b"%d" % number)
        replies = [client.receive().split() for _ in range(8)]
        assert len({tuple(reply[:2]) for reply in replies}) == 1


def test_sessions_survive_a_reload(begin: Begin, stack: ExitStack) -> None:
    proxy, port = begin_udp(begin, stack)
    asking = clients(port, 30, stack)
    before = [client.ask().split()[:2] for client in asking]
    new = reload(proxy)
    # The same servers, from the same sockets, but in other processes.
    assert [client.ask().split()[:2] for client in asking] == before
    assert {worker_of(new, client) for client in asking} == set(new)


def test_no_reply_is_lost_by_reloads_under_load(begin: Begin, stack: ExitStack) -> None:
    proxy, port = begin_udp(begin, stack)
    end, failures, counted = Event(), list[str](), list[int]()

    def ask(client: UdpClient) -> None:
        server, number = client.server(), 0
        while not end.is_set():
            number += 1
            try:
                found = client.server(b"%d" % number)
            except TimeoutError:
                failures.append(f"no reply to datagram {number}")
                return
            if found != server:
                failures.append(f"datagram {number} went to {found} instead of {server}")
        counted.append(number)

    def begin_sessions() -> None:
        begun = 0
        while not end.is_set():
            with UdpClient(port) as client:
                try:
                    client.server()
                except TimeoutError:
                    failures.append(f"no reply to session {begun}")
                    return
            begun += 1
        counted.append(begun)

    threads = [Thread(target=ask, args=(client,)) for client in clients(port, 8, stack)]
    threads += [Thread(target=begin_sessions) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            reload(proxy)
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert len(counted) == len(threads)
    assert min(counted) > 10
    assert "Traceback" not in proxy.process.log


def test_another_worker_takes_the_place_of_a_killed_one(begin: Begin, stack: ExitStack) -> None:
    proxy, port = begin_udp(begin, stack)
    pids = worker_pids(proxy)
    asking = clients(port, 20, stack)
    for client in asking:
        client.server()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    # Datagrams wait for the new workers.
    assert {client.server() for client in asking} == {"a", "b", "c"}
    assert {worker_of(worker_pids(proxy)[2:], client) for client in asking} == set(worker_pids(proxy)[2:])


def test_other_workers_take_the_sessions_of_a_surplus_one(begin: Begin, stack: ExitStack) -> None:
    proxy, port = begin_udp(begin, stack)
    pids = worker_pids(proxy)
    asking = clients(port, 20, stack)
    before = [client.ask().split()[:2] for client in asking]
    proxy.process.signal(signal.SIGTTOU)
    until(lambda: sum(map(alive, pids)) == 1, "the end of one worker")
    assert [client.ask().split()[:2] for client in asking] == before
    assert len({client.server() for client in clients(port, 20, stack)}) == 3


def test_the_end_of_the_proxy_waits_for_sessions(begin: Begin, stack: ExitStack) -> None:
    flags = ("--entryPoints.udp.transport.lifeCycle.graceTimeOut=30s", "--entryPoints.udp.udp.timeout=1s")
    proxy, port = begin_udp(begin, stack, 1, *flags)
    client, other = clients(port, 2, stack)
    assert client.server()
    proxy.process.signal(signal.SIGTERM)
    # Its datagrams keep the session open; once they end, so does the proxy.
    for _ in range(10):
        assert client.server()
    proxy.process.wait()
    with pytest.raises(OSError, match="refused"):
        for _ in range(2):
            other.ask()


def test_new_entry_points_open_and_removed_ones_close_at_a_reload(
    begin: Begin, stack: ExitStack, short_path: Path
) -> None:
    first, second = free_port(), free_port()
    settings = short_path / "rondpoint.yml"

    def write(port: int) -> None:
        settings.write_text(f"entryPoints: {{udp: {{address: '127.0.0.1:{port}/udp'}}}}")

    write(first)
    proxy = begin(f"--configFile={settings}", workers=2)
    routes = UdpRoutes(proxy)
    stack.callback(routes.withdraw)
    routes.route(stack.enter_context(UdpEcho("a")))
    assert clients(first, 1, stack)[0].server() == "a"
    write(second)
    reload(proxy)
    assert clients(second, 1, stack)[0].server() == "a"
    with pytest.raises(OSError, match="refused"):
        for _ in range(2):
            clients(first, 1, stack)[0].ask()


def test_an_address_in_use_is_an_error_with_a_remedy(begin: Begin, stack: ExitStack) -> None:
    echo = stack.enter_context(UdpEcho("a"))
    with pytest.raises(Exception) as raised:
        begin(f"--entryPoints.udp.address=127.0.0.1:{echo.port}/udp")
    assert "cannot listen on" in str(raised.value)
