"""Routes from Consul in a whole installation: no request is lost while instances come and go."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.lab.consul import Consul
from tests.lab.installation import Installation
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.processes import command_line, descendants
from tests.lab.waiting import until


@pytest.fixture
def running(consul: Consul, installation: Callable[..., Installation]) -> Installation:
    """A Rondpoint that reads the catalogue of `consul` with the domain consul.local, and its keys."""
    return installation(
        f"--consulCatalog.endpoint={consul.address}",
        "--consulCatalog.domain=consul.local",
        f"--consul.endpoint={consul.address}",
        # With one worker, the API shows the state of all workers.
        "--workers=1",
    )


HOST = "hello.consul.local"


def register(consul: Consul, origin: Origin, service_id: str) -> None:
    consul.register("hello", origin.port, ID=service_id, Address="127.0.0.1")


@contextmanager
def load(running: Installation) -> Iterator[list[str]]:
    """Send requests one after the other from two clients; yield their bodies, statuses or errors."""
    results: list[str] = []
    ended = threading.Event()

    def send_requests() -> None:
        while not ended.is_set():
            try:
                response = running.request(HOST)
            except OSError as error:
                results.append(repr(error))
            else:
                results.append(response.text if response.status == 200 else str(response.status))

    with ThreadPoolExecutor(2) as clients:
        futures = [clients.submit(send_requests) for _ in range(2)]
        try:
            yield results
        finally:
            ended.set()
    for future in futures:
        future.result()


def test_no_request_fails_while_instances_come_and_go(consul: Consul, running: Installation) -> None:
    with Origin.named("one") as one, Origin.named("two") as two:
        register(consul, one, "one")
        running.wait_for(HOST)
        with load(running) as results:
            for _ in range(3):
                register(consul, two, "two")
                until(lambda: results[-1:] == ["two"], "the second instance")
                consul.put("/v1/agent/service/maintenance/one?enable=true")
                until(lambda: set(results[-8:]) == {"two"}, "the second instance alone")
                consul.put("/v1/agent/service/maintenance/one?enable=false")
                until(lambda: results[-1:] == ["one"], "the first instance again")
                consul.deregister("two")
                until(lambda: set(results[-8:]) == {"one"}, "the first instance alone")
        assert set(results) == {"one", "two"}


@pytest.mark.parametrize("reason", ["maintenance", "deregistered"])
def test_a_leaving_instance_finishes_its_request(consul: Consul, running: Installation, reason: str) -> None:
    leave = threading.Event()

    def slow(connection: Connection) -> None:
        while connection.read() is not None:
            leave.wait(120)
            connection.send(http_response(b"slow"))

    with Origin(slow) as origin, Origin.named("other") as other, ThreadPoolExecutor(1) as client:
        register(consul, origin, "slow")
        until(lambda: "hello@consulcatalog" in running.api("/api/rawdata")["services"], "the service")
        pending = client.submit(running.request, HOST, timeout=120)
        origin.wait_for_requests(1)
        register(consul, other, "other")
        if reason == "maintenance":
            consul.put("/v1/agent/service/maintenance/slow?enable=true")
        else:
            consul.deregister("slow")

        def is_leaving() -> bool:
            service = str(running.api("/api/rawdata")["services"]["hello@consulcatalog"])
            return "/other" in service and ("draining" in service or "/slow" not in service)

        until(is_leaving, "the leaving instance")
        for _ in range(4):
            assert running.wait_for(HOST).text == "other"
        leave.set()
        assert pending.result(120).text == "slow"


def test_a_dead_agent_is_restarted_and_no_request_fails(consul: Consul, running: Installation) -> None:
    with Origin.named("one") as one, Origin.named("two") as two:
        register(consul, one, "one")
        consul.put("/v1/kv/traefik/backends/b/servers/s/url", one.url)
        consul.put("/v1/kv/traefik/frontends/f/backend", "b")
        consul.put("/v1/kv/traefik/frontends/f/routes/r/rule", "Host:keys.test")
        running.wait_for(HOST)
        running.wait_for("keys.test")
        with load(running) as results:
            os.kill(_agent(running), signal.SIGKILL)
            register(consul, two, "two")
            until(lambda: "two" in results[-8:], "the second instance")
            assert running.request("keys.test").text == "one"
        assert set(results) == {"one", "two"}


def _agent(running: Installation) -> int:
    """Return the process id of the agent of `rondpoint up`."""
    (found,) = (
        pid for pid in descendants(running.process.pid) if command_line(pid).endswith("rondpoint agent")
    )
    return found


def test_keys_define_a_route(consul: Consul, running: Installation) -> None:
    with Origin.named("keys") as origin:
        consul.put("/v1/kv/traefik/backends/b/servers/s/url", origin.url)
        consul.put("/v1/kv/traefik/frontends/f/backend", "b")
        consul.put("/v1/kv/traefik/frontends/f/routes/r/rule", "Host:keys.test")
        assert running.wait_for("keys.test").text == "keys"
        consul.request("DELETE", "/v1/kv/traefik/frontends/f?recurse")
        running.wait_for("keys.test", status=404)
