"""`rondpoint registrator` as a process, with Registrator's command line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.lab.certificate import write_certificate
from tests.lab.consul import Consul
from tests.lab.engine import Engine
from tests.lab.ports import free_port
from tests.lab.processes import Process, Processes
from tests.lab.waiting import until

Start = Callable[..., Container]
Begin = Callable[..., Process]


@pytest.fixture
def begin(processes: Processes, engine: Engine) -> Begin:
    def start(*arguments: str, **environment: str) -> Process:
        return processes(
            "rondpoint",
            "registrator",
            *arguments,
            environment={"DOCKER_HOST": engine.socket_url, **environment},
        )

    return start


def names(consul: Consul) -> set[str]:
    """Return the names of the agent's services."""
    return {each["Service"] for each in consul.request("GET", "/v1/agent/services").json().values()}


def test_it_registers_containers_reports_errors_and_keeps_services_when_it_ends(
    begin: Begin, consul: Consul, whoami: Start
) -> None:
    running = begin("-internal", "-ttl", "30", "-ttl-refresh", "10", f"consul://{consul.address}")
    running.wait_for_line("flag -ttl has no effect")
    container = whoami(labels={"SERVICE_NAME": "hello", "SERVICE_CHECK_SCRIPT": "true"})
    until(lambda: names(consul) == {"hello"}, "the service")
    running.wait_for_line("SERVICE_CHECK_SCRIPT=true: commands are not run")
    running.wait_for_line(r"registered \S+:80 as hello at 172\.")
    assert running.stop() == 0
    assert names(consul) == {"hello"}
    with begin("-internal", "-cleanup", f"consul://{consul.address}"):
        container.remove(force=True)
        until(lambda: names(consul) == set(), "no service")


def test_consul_may_start_later(begin: Begin, consul: Consul, whoami: Start) -> None:
    whoami(labels={"SERVICE_NAME": "hello"})
    consul.kill()
    running = begin(
        "-internal", "-retry-attempts", "1000", "-retry-interval=50", f"consul://{consul.address}"
    )
    running.wait_for_line("connection refused.*attempts left: 9")
    consul.start()
    until(lambda: names(consul) == {"hello"}, "the service")


def test_over_tls_it_trusts_the_authority_in_consuls_variable(
    begin: Begin, tmp_path: Path, whoami: Start
) -> None:
    whoami(labels={"SERVICE_NAME": "hello"})
    file, port = str(write_certificate(tmp_path / "certificate.pem")), free_port()
    settings = {"ports": {"https": port}, "cert_file": file, "key_file": file}
    with Consul(tmp_path, settings=settings) as secure:
        registry = f"consul-tls://127.0.0.1:{port}"
        begin("-internal", registry).wait_for_line("no TLS with Consul .*CONSUL_CACERT")
        begin("-internal", registry, CONSUL_CACERT=file)
        until(lambda: names(secure) == {"hello"}, "the service")


def test_it_ends_after_its_last_attempt(begin: Begin) -> None:
    running = begin("-retry-attempts=2", "-retry-interval=10", f"consul://127.0.0.1:{free_port()}")
    assert running.wait() == 1
    assert running.log.count("connection refused") == 3
    assert "that was the last attempt" in running.log


def test_without_an_engine_it_names_the_setting(begin: Begin, consul: Consul) -> None:
    running = begin(f"consul://{consul.address}", DOCKER_HOST="unix:///nowhere/docker.sock")
    running.wait_for_line("/nowhere/docker.sock cannot be reached: .*set DOCKER_HOST")
    assert running.stop() == 0


def test_an_unknown_flag_ends_it_at_once(begin: Begin) -> None:
    running = begin("-intrnal", "consul://127.0.0.1")
    assert running.wait() == 2
    assert running.log.splitlines() == [
        "error: registrator: unknown flag -intrnal (did you mean -internal?)",
        "`rondpoint registrator -h` lists the flags.",
    ]


def test_help_lists_the_flags(begin: Begin) -> None:
    running = begin("-h")
    assert running.wait() == 0
    assert "-retry-interval MILLISECONDS" in running.log
