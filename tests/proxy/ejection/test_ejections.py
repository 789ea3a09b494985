"""The ejections of one worker: its own, and those in notices of others. Probes go to real sockets."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import gevent
import pytest

from proxy.ejection.ejections import FIRST_PAUSE, LONGEST_PAUSE, Ejections, address_from_url
from proxy.net.deadlines import Sweeper
from proxy.services.registry import ServiceRegistry
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.model import Server, Service
from rondpoint.store.ejections import EjectionNotice
from tests.lab.ports import free_port

ME, LOWER, HIGHER = "m", "a", "z"


def until(holds: Callable[[], bool], what: str) -> None:
    with gevent.Timeout(60, AssertionError(what)):
        while not holds():
            gevent.sleep(0.005)


class Worker:
    def __init__(self) -> None:
        self.services = ServiceRegistry(Sweeper(), UpstreamTimeouts())
        self.ejections = Ejections(self.services, ME)
        self.notified: list[str] = []
        self.ejections.notify = self.notified.append

    def serve(self, *ports: int, name: str = "s") -> None:
        servers = tuple(Server(f"s{port}", "127.0.0.1", port) for port in ports)
        self.services.put(Service(name, servers))
        self.services.get(name)

    def fail(self, port: int) -> None:
        served = self.services.get("s")
        assert served is not None
        target = next(target for target in served.targets if target.server.port == port)
        self.ejections.eject(target, "Connection refused")

    def unavailable(self) -> set[int]:
        served = self.services.get("s")
        assert served is not None
        return {target.server.port for target in served.targets if target.unavailable}


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    for name in list(made.services.by_name):
        made.services.remove(name)
    assert not made.ejections.ejected


@pytest.fixture
def closed() -> int:
    return free_port()


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def test_a_server_is_ejected_at_once_and_comes_back_when_it_takes_connections(
    worker: Worker, closed: int
) -> None:
    worker.serve(closed, 1)
    worker.fail(closed)
    assert worker.unavailable() == {closed}
    assert worker.ejections.ejected == {url(closed): (ME, "Connection refused")}
    assert worker.notified == [url(closed)]
    own = worker.ejections.own_ejection(url(closed))
    assert own is not None
    until(lambda: own.pause > FIRST_PAUSE, "the first probe to fail")
    assert worker.unavailable() == {closed}
    with closing(socket.create_server(("127.0.0.1", closed))):
        until(lambda: not worker.unavailable(), "the server to be back")
    assert worker.ejections.own_ejection(url(closed)) is None
    assert worker.notified[-1] == url(closed)


def test_a_server_that_fails_repeatedly_counts_once_while_it_is_ejected(worker: Worker, closed: int) -> None:
    worker.serve(closed, 1)
    for _ in range(3):
        worker.fail(closed)
    assert worker.ejections.count == 1


def test_a_server_that_fails_soon_after_its_return_is_probed_later(worker: Worker) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        worker.serve(port, 1)
        pauses = []
        for _ in range(3):
            worker.fail(port)
            own = worker.ejections.own_ejection(url(port))
            assert own is not None
            pauses.append(own.pause)
            until(lambda: not worker.unavailable(), "the server to be back")
        assert pauses == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]


def test_pauses_between_probes_grow_up_to_a_limit(
    worker: Worker, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        gevent.idle()

    monkeypatch.setattr("proxy.ejection.ejections.gevent.sleep", sleep)
    worker.serve(closed, 1)
    worker.fail(closed)
    until_slept(slept, 12)
    for at, seconds in enumerate(slept):
        whole = min(FIRST_PAUSE * 2**at, LONGEST_PAUSE)
        assert whole / 2 <= seconds <= whole


def until_slept(slept: list[float], count: int) -> None:
    with gevent.Timeout(60):
        while len(slept) < count:
            gevent.idle()


def test_a_server_ejected_by_another_worker_is_ejected_here_until_that_worker_ends_it(
    worker: Worker, closed: int
) -> None:
    worker.serve(closed, 1)
    worker.ejections.receive(EjectionNotice(url(closed), HIGHER, 6.0, "x"))
    assert worker.unavailable() == {closed}
    assert worker.ejections.ejected == {url(closed): (HIGHER, "x")}
    worker.fail(closed)
    assert worker.ejections.own_ejection(url(closed)) is None, "the other worker probes it"
    worker.ejections.receive(EjectionNotice(url(closed), HIGHER))
    assert worker.unavailable() == set()
    assert worker.ejections.count == 0


def test_a_lease_that_is_not_renewed_ends(worker: Worker, closed: int) -> None:
    worker.serve(closed, 1)
    worker.ejections.receive(EjectionNotice(url(closed), HIGHER, 0.1, "x"))
    worker.ejections.receive(EjectionNotice(url(closed), HIGHER, 5.0, "x"))
    gevent.sleep(0.2)
    assert worker.unavailable() == {closed}, "it was renewed"
    until(lambda: not worker.unavailable(), "the lease to end")


def test_a_server_without_a_stored_entry_is_available_again(worker: Worker, closed: int) -> None:
    worker.serve(closed, 1)
    worker.ejections.receive(EjectionNotice(url(closed), HIGHER, 6.0, "x"))
    worker.ejections.receive_all([])
    assert worker.unavailable() == set()


def test_of_several_workers_that_eject_a_server_at_once_one_keeps_the_lease(
    worker: Worker, closed: int
) -> None:
    worker.serve(closed, 1)
    worker.fail(closed)
    own = worker.ejections.own_ejection(url(closed))
    assert own is not None
    own.renew_at = 1e12
    worker.ejections.receive(EjectionNotice(url(closed), HIGHER, 6.0, "x"))
    assert worker.ejections.own_ejection(url(closed)) is own
    assert own.renew_at == 0.0, "its lease is due to be written again, over the other worker's"
    worker.ejections.receive(EjectionNotice(url(closed), LOWER, 6.0, "x"))
    assert worker.ejections.own_ejection(url(closed)) is None
    assert worker.ejections.ejected == {url(closed): (LOWER, "x")}
    assert worker.unavailable() == {closed}
    worker.ejections.receive(EjectionNotice(url(closed), LOWER))
    assert worker.unavailable() == set()


def test_a_server_that_is_removed_and_added_again_is_not_ejected(worker: Worker, closed: int) -> None:
    other = free_port()
    worker.serve(closed, other, 1)
    worker.fail(closed)
    worker.ejections.receive(EjectionNotice(url(other), HIGHER, 6.0, "x"))
    assert worker.unavailable() == {closed, other}
    worker.serve(1)
    assert not worker.ejections.ejected
    worker.serve(closed, other, 1)
    assert worker.unavailable() == set()


def test_an_entry_that_the_store_lost_is_written_again(worker: Worker, closed: int) -> None:
    worker.serve(closed, 1)
    worker.fail(closed)
    worker.notified.clear()
    worker.ejections.receive_all([EjectionNotice(url(closed), ME, 5.0, "x")])
    assert worker.notified == []
    worker.ejections.receive_all([])
    assert worker.notified == [url(closed)]


def test_a_stored_entry_of_an_ended_ejection_is_removed(worker: Worker) -> None:
    worker.ejections.receive_all([EjectionNotice("http://10.0.0.7:80", ME, 5.0, "x")])
    assert worker.notified == ["http://10.0.0.7:80"]
    assert not worker.ejections.ejected


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://10.0.0.7:80", ("http", "10.0.0.7", 80)),
        ("https://[fd00::1]:8443", ("https", "fd00::1", 8443)),
        ("ftp://h:1", None),
        ("http://h", None),
        ("http://:80", None),
        ("http://h:x", None),
        ("http://h:\u00b2", None),
        ("http://h:" + "9" * 5000, None),
        ("", None),
    ],
)
def test_address_from_url(text: str, address: tuple[str, str, int] | None) -> None:
    assert address_from_url(text) == address


@pytest.mark.parametrize("notice", [("nonsense", 6.0), ("http://127.0.0.1:1", 1e9)])
def test_invalid_notices_are_ignored(worker: Worker, notice: tuple[str, float]) -> None:
    text, seconds = notice
    worker.ejections.receive(EjectionNotice(text, HIGHER, seconds, "x"))
    assert not worker.ejections.ejected


def test_a_server_that_was_removed_before_a_dial_to_it_fails_is_not_ejected(
    worker: Worker, closed: int
) -> None:
    worker.serve(closed)
    served = worker.services.get("s")
    assert served is not None
    worker.serve()
    worker.ejections.eject(served.targets[0], "dial timed out")
    assert worker.ejections.ejected == {}
    assert worker.notified == []
