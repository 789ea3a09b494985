"""The registrar between a real Docker engine and a real Consul."""

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container

from discovery.consul import endpoint
from discovery.providers.registrar import Registrar, containers, provider
from discovery.registrar.options import Plan
from discovery.registrar.registration import Options
from rondpoint.settings import EngineOptions
from tests.discovery.providers.supervised import Supervised, supervised
from tests.lab.consul import Consul
from tests.lab.engine import Engine
from tests.lab.ports import free_port
from tests.lab.relay import Relay
from tests.lab.waiting import until

Start = Callable[..., Container]
Make = Callable[..., Registrar]
HOST = "box"


@pytest.fixture
def registrar(engine: Engine, consul: Consul) -> Make:
    """Return a function that makes a registrar of exposed ports on the host `box`, or with other options."""

    def make(
        *, at: Consul | str = consul, docker: str = engine.socket_url, token: str = "", **more: Any
    ) -> Registrar:
        of_plan = {key: more.pop(key) for key in ("resync", "cleanup", "on_success") if key in more}
        options = Options(**{"hostname": HOST, "internal": True, **more})
        address = at if isinstance(at, str) else at.address
        plan = Plan(
            options,
            EngineOptions(endpoint=docker),
            "registrator.docker",
            endpoint(address, token=token),
            **of_plan,
        )
        return Registrar(lambda: plan)

    return make


def agent_services(consul: Consul) -> dict[str, dict[str, Any]]:
    """Return the agent's services by id."""
    found: dict[str, dict[str, Any]] = consul.request("GET", "/v1/agent/services").json()
    return found


def until_registered(consul: Consul, *ids: str, timeout: float = 60.0) -> dict[str, dict[str, Any]]:
    """Wait until exactly these services are registered, and return them."""

    def registered() -> bool:
        found.clear()
        found.update(agent_services(consul))
        return found.keys() == set(ids)

    found: dict[str, dict[str, Any]] = {}
    until(registered, f"{ids} in Consul", timeout=timeout)
    return found


def until_diagnostic(running: Supervised, *words: str) -> None:
    """Wait for a diagnostic that contains all `words`."""
    running.until(lambda found: any(all(word in str(each) for word in words) for each in found.diagnostics))


def test_a_container_is_registered_at_its_start_and_deregistered_at_its_stop_signal(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    with supervised(registrar()):
        container = whoami(
            name="one",
            labels={"SERVICE_TAGS": "a=1,b\\,c", "SERVICE_REGION": "eu"},
            environment={"LINGER": "8"},
        )
        found = until_registered(consul, "box:one:80")["box:one:80"]
        assert found["Service"] == "whoami"
        assert found["Address"] == container.attrs["NetworkSettings"]["IPAddress"]
        assert (found["Port"], found["Tags"], found["Meta"]) == (80, ["a=1", "b,c"], {"region": "eu"})
        stopping = threading.Thread(target=container.stop)
        stopping.start()
        until_registered(consul)
        container.reload()
        assert container.status == "running", "it was deregistered only after it had ended"
        stopping.join()


def test_running_containers_are_registered_and_ended_ones_deregistered(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    whoami(name="short", command=["/bin/sh", "-c", "until test -e /tmp/end; do sleep 0.1; done"])
    stays = whoami(name="stays")
    with supervised(registrar()):
        until_registered(consul, "box:short:80", "box:stays:80")
        client = stays.client
        client.containers.get("short").exec_run(["/bin/touch", "/tmp/end"])
        until_registered(consul, "box:stays:80")
        stays.kill()
        until_registered(consul)


def test_published_ports_are_registered_at_the_hosts_address(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    with supervised(registrar(internal=False, ip="192.0.2.7")):
        whoami(name="inside")
        container = whoami(name="out", ports={"80/tcp": None})
        found = until_registered(consul, "box:out:80")["box:out:80"]
        published = container.attrs["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
        assert (found["Address"], found["Port"]) == ("192.0.2.7", int(published))


def test_several_ports_udp_and_ignored_ports(whoami: Start, consul: Consul, registrar: Make) -> None:
    with supervised(registrar()):
        whoami(name="ignored", environment={"SERVICE_IGNORE": "yes"})
        whoami(
            name="many",
            ports={"80/tcp": None, "53/udp": None, "53/tcp": None, "9000/tcp": None},
            environment={"SERVICE_NAME": "dns", "SERVICE_80_NAME": "page", "SERVICE_9000_IGNORE": "1"},
            labels={"SERVICE_80_TAGS": "web"},
        )
        found = until_registered(consul, "box:many:80", "box:many:53", "box:many:53:udp")
        found_services = {key: (each["Service"], each["Tags"], each["Port"]) for key, each in found.items()}
        assert found_services == {
            "box:many:80": ("page", ["web"], 80),
            "box:many:53": ("dns-53", [], 53),
            "box:many:53:udp": ("dns-53", ["udp"], 53),
        }


def test_restarts_and_renames_are_followed(whoami: Start, consul: Consul, registrar: Make) -> None:
    with supervised(registrar()):
        container = whoami(name="old")
        until_registered(consul, "box:old:80")
        container.restart(timeout=3)
        until_registered(consul, "box:old:80")
        container.rename("new")
        until_registered(consul, "box:new:80")


def test_a_container_that_ignores_its_stop_signal_is_registered_again(
    whoami: Start, consul: Consul, registrar: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "RECHECK_SECONDS", 1.0)
    monkeypatch.setattr(containers, "RECHECK_SECONDS_AFTER_STOP", 1.0)
    with supervised(registrar(resync=0.2)):
        container = whoami(name="deaf", command=["/bin/sleep", "1000"])
        until_registered(consul, "box:deaf:80")
        for signal in ("SIGQUIT", "SIGTERM"):
            count = _requests(consul, DEREGISTERED)
            container.kill(signal)
            until(lambda count=count: _requests(consul, DEREGISTERED) > count, "its deregistration")  # type: ignore[misc]
            until_registered(consul, "box:deaf:80")


def test_consul_may_start_later(tmp_path: Path, whoami: Start, registrar: Make) -> None:
    late = Consul(tmp_path)
    whoami(name="one")
    with supervised(registrar(at=late)) as running:
        running.until_failing("connection refused")
        with late:
            until_registered(late, "box:one:80")
            running.until_ok()


def test_services_that_a_restarted_consul_forgot_are_registered_again(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    whoami(name="one")
    goes = whoami(name="goes")
    with supervised(registrar()) as running:
        until_registered(consul, "box:one:80", "box:goes:80")
        consul.kill()
        goes.kill()
        whoami(name="came")
        running.until_failing("connection refused")
        consul.start()
        until_registered(consul, "box:one:80", "box:came:80", timeout=60)


def test_containers_that_ended_during_an_outage_of_consul_are_deregistered_after_it(
    tmp_path: Path, whoami: Start, registrar: Make
) -> None:
    goes = whoami(name="goes")
    whoami(name="stays")
    with Consul(tmp_path, keep=True) as kept, supervised(registrar(at=kept)):
        until_registered(kept, "box:goes:80", "box:stays:80")
        kept.kill()
        goes.kill()
        kept.start()
        until_registered(kept, "box:stays:80", timeout=60)


def test_a_lost_event_stream_is_opened_again(
    short_path: Path, engine: Engine, whoami: Start, consul: Consul, registrar: Make
) -> None:
    goes = whoami(name="goes")
    with (
        closing(Relay(short_path / "d.sock", engine.socket_url)) as relay,
        supervised(registrar(docker=relay.url)) as running,
    ):
        until_registered(consul, "box:goes:80")
        relay.cut_connections()
        running.until_failing("event stream")
        goes.kill()
        whoami(name="came")
        until_registered(consul, "box:came:80")


def test_a_missing_engine_is_reported_with_its_setting(tmp_path: Path, registrar: Make) -> None:
    with supervised(registrar(docker=f"unix://{tmp_path}/none.sock")) as running:
        running.until_failing("registrator.docker")


def test_lost_and_changed_services_in_consul_are_repaired(
    whoami: Start, consul: Consul, registrar: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "REPAIR_INTERVAL", 0.2)
    whoami(name="one", labels={"SERVICE_TAGS": "ü,a\\,b", "SERVICE_CHECK_TTL": "10m", "SERVICE_X": "ä"})
    with supervised(registrar()):
        found = until_registered(consul, "box:one:80")["box:one:80"]
        consul.deregister("box:one:80")
        until_registered(consul, "box:one:80")
        consul.register("whoami", 80, ID="box:one:80", Tags=["other"])
        until(lambda: agent_services(consul)["box:one:80"]["Tags"] == found["Tags"], "the tags as they were")
        # An unchanged service is listed but not registered again. After three listings, the log is complete.
        listed = _requests(consul, LISTED)
        until(lambda: _requests(consul, LISTED) > listed + 3, "looks at Consul")
        count = _requests(consul, REGISTERED)
        listed = _requests(consul, LISTED)
        until(lambda: _requests(consul, LISTED) > listed + 3, "looks at Consul")
        assert _requests(consul, REGISTERED) == count


LISTED = "method=GET url=/v1/agent/services"
REGISTERED = "method=PUT url=/v1/agent/service/register"
DEREGISTERED = "method=PUT url=/v1/agent/service/deregister"


def _requests(consul: Consul, what: str) -> int:
    return consul.process.log.count(what)


def test_a_resync_registers_checks_too_and_leaves_their_state(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    whoami(name="one", labels={"SERVICE_CHECK_TTL": "10m", "SERVICE_CHECK_INITIAL_STATUS": "warning"})
    with supervised(registrar(resync=0.3)):
        until_registered(consul, "box:one:80")
        (check,) = until(lambda: _checks(consul), "a check")
        assert (check["ServiceID"], check["Status"]) == ("box:one:80", "warning")
        consul.put(f"/v1/agent/check/pass/{check['CheckID']}")
        count = _requests(consul, REGISTERED)
        seen = set()
        while _requests(consul, REGISTERED) < count + 5:
            seen |= {each["Status"] for each in _checks(consul)}
        assert seen == {"passing"}
        consul.put(f"/v1/agent/check/deregister/{check['CheckID']}")
        until(lambda: _checks(consul), "the check again")


def _checks(consul: Consul) -> list[Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = consul.request("GET", "/v1/agent/checks").json()
    return list(found.values())


FOREIGN = ["web", "other:old:80", "box:old", "boxes:old:80"]


def test_cleanup_removes_leftover_services_and_no_foreign_ones(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    for service_id in (*FOREIGN, "box:old:80", "box:old:53:udp", "box:one:80"):
        consul.register("left", 80, ID=service_id)
    whoami(name="one")
    with supervised(registrar()):
        until(lambda: agent_services(consul)["box:one:80"]["Service"] == "whoami", "the container")
        assert agent_services(consul).keys() == {*FOREIGN, "box:old:80", "box:old:53:udp", "box:one:80"}
    with supervised(registrar(cleanup=True)):
        until_registered(consul, *FOREIGN, "box:one:80")


def test_cleanup_removes_leftover_services_with_user_ids_too(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    container = whoami(name="one", labels={"SERVICE_ID": "mine"})
    with supervised(registrar()):
        until_registered(consul, "mine")
    container.remove(force=True)
    with supervised(registrar(cleanup=True)):
        until_registered(consul)


def test_a_registrar_that_ends_leaves_its_services_registered(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    container = whoami(name="one", labels={"SERVICE_ID": "mine"})
    with supervised(registrar()):
        until_registered(consul, "mine")
    assert agent_services(consul).keys() == {"mine"}
    count = _requests(consul, REGISTERED)
    with supervised(registrar()):
        until(lambda: _requests(consul, REGISTERED) > count, "the next registrar's first registration")
        container.kill()
        until_registered(consul)


def test_an_id_of_another_program_is_left_alone(
    whoami: Start, consul: Consul, registrar: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "REPAIR_INTERVAL", 0.2)
    consul.register("foreign", 1234, ID="mine")
    with supervised(registrar()) as running:
        container = whoami(name="one", labels={"SERVICE_ID": "mine"})
        until_diagnostic(running, "service mine", "another program")
        container.kill()
        running.until(lambda found: not found.diagnostics)
        assert agent_services(consul)["mine"]["Service"] == "foreign"
        whoami(name="two", labels={"SERVICE_ID": "mine"})
        until_diagnostic(running, "service mine", "another program")
        consul.deregister("mine")
        until(
            lambda: "mine" in (found := agent_services(consul)) and found["mine"]["Service"] == "whoami",
            "ours",
        )
        running.until(lambda found: not found.diagnostics)


def test_an_id_that_another_program_has_taken_over_is_left_alone(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    with supervised(registrar()):
        container = whoami(name="one", labels={"SERVICE_ID": "mine"})
        until_registered(consul, "mine")
        consul.register("foreign", 1234, ID="mine")
        container.kill()
        whoami(name="two")
        until(lambda: "box:two:80" in agent_services(consul), "the second container")
        assert agent_services(consul)["mine"]["Service"] == "foreign"


def test_the_same_service_of_a_registrator_beside_us_counts_as_ours(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    container = whoami(name="one", labels={"SERVICE_ID": "mine"})
    address = container.attrs["NetworkSettings"]["IPAddress"]
    consul.register("whoami", 80, ID="mine", Address=address)
    with supervised(registrar()) as running:
        until(lambda: agent_services(consul)["mine"]["Meta"], "ours")
        assert not running.configuration.diagnostics
        container.kill()
        until_registered(consul)


def test_on_success_keeps_failed_containers_until_they_are_removed(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    def ending(name: str, code: int) -> Container:
        return whoami(
            name=name, command=["/bin/sh", "-c", f"until test -e /tmp/end; do sleep 0.1; done; exit {code}"]
        )

    with supervised(registrar(on_success=True)):
        good, bad, killed = ending("good", 0), ending("bad", 3), ending("killed", 0)
        until_registered(consul, "box:good:80", "box:bad:80", "box:killed:80")
        for each in (bad, good):
            each.exec_run(["/bin/touch", "/tmp/end"])
            each.wait()
        killed.kill()
        until_registered(consul, "box:bad:80")
        bad.start()
        bad.wait()
        assert until_registered(consul, "box:bad:80")
        bad.remove()
        until_registered(consul)


RIGHTS = 'service "good" { policy = "write" }'


def test_a_missing_permission_is_reported_and_affects_no_other_service(
    tmp_path: Path, whoami: Start, registrar: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "REPAIR_INTERVAL", 0.2)
    whoami(name="one", labels={"SERVICE_NAME": "bad"})
    whoami(name="two", labels={"SERVICE_NAME": "good"})
    with Consul(tmp_path, acl=True) as closed:
        policy = closed.put("/v1/acl/policy", {"Name": "p", "Rules": RIGHTS})
        token = closed.put("/v1/acl/token", {"Policies": [{"Name": "p"}]})["SecretID"]
        with supervised(registrar(at=closed, token=token)) as running:
            until_registered(closed, "box:two:80")
            until_diagnostic(running, "service box:one:80", "service:write on 'bad'")
            rules = RIGHTS + RIGHTS.replace("good", "bad")
            closed.put(f"/v1/acl/policy/{policy['ID']}", {"ID": policy["ID"], "Name": "p", "Rules": rules})
            until_registered(closed, "box:one:80", "box:two:80", timeout=60)
            running.until(lambda found: not found.diagnostics)
        with supervised(registrar(at=closed, token="unknown")) as running:
            running.until_failing("does not know the token")


def test_a_refused_registration_is_reported_with_its_reason(
    whoami: Start, consul: Consul, registrar: Make
) -> None:
    whoami(name="good")
    whoami(name="bad", labels={"SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_INTERVAL": "often"})
    with supervised(registrar()) as running:
        until_diagnostic(running, "container bad", "SERVICE_CHECK_INTERVAL=often is not a duration")
        until_registered(consul, "box:good:80", "box:bad:80")


def test_it_stops_even_if_nothing_happens(registrar: Make, consul: Consul) -> None:
    with supervised(registrar()) as running:
        running.until(lambda found: True)
        until(lambda: _requests(consul, LISTED), "its first look")
        running.stop.set()
        # No event ends its wait; `stop` alone must.
        running.thread.join(10)
        assert not running.thread.is_alive()


def test_an_unreachable_agent_is_reported(
    registrar: Make,
) -> None:
    port = free_port()
    with supervised(registrar(at=f"127.0.0.1:{port}")) as running:
        running.until_failing(f"http://127.0.0.1:{port}")
