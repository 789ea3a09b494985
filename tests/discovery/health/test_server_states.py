from msgspec.structs import replace

from discovery.health.server_states import NOT_PROBED_YET, apply_faults, stored_faults, without_faults
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import HealthCheck, Server, ServerState, Service
from rondpoint.store.state import State

A = Server("a", "10.0.0.1", 80)
B = Server("b", "10.0.0.2", 80, weight=3)
LEAVING = Server("c", "10.0.0.3", 80, state=ServerState.DRAINING)
CHECK = HealthCheck("/up", interval=10)
CHECKED = Service("checked@docker", (A, B, LEAVING), health_check=CHECK)
OTHER = Service("other@docker", (A,), health_check=CHECK)
PLAIN = Service("plain@docker", (A,))
BEFORE = Diagnostic(Severity.NOTE, "docker", "container x", "odd")
WHOLE = Configuration(services={each.name: each for each in (CHECKED, OTHER, PLAIN)}, diagnostics=(BEFORE,))
DOWN = replace(B, state=ServerState.DOWN)


def test_without_faults_the_configuration_is_the_same_object() -> None:
    assert apply_faults(WHOLE, {}) is WHOLE
    assert apply_faults(WHOLE, {("gone@docker", A.url): "status 500"}) is WHOLE
    assert apply_faults(WHOLE, {("checked@docker", "http://10.0.0.9:80"): "status 500"}) is WHOLE


def test_a_service_that_is_not_checked_has_no_faults() -> None:
    assert apply_faults(WHOLE, {("plain@docker", A.url): "status 500"}) is WHOLE


def test_a_server_with_a_fault_is_down_with_a_diagnostic() -> None:
    found = apply_faults(WHOLE, {("checked@docker", B.url): "status 500"})
    assert found.services["checked@docker"] == replace(CHECKED, servers=(A, DOWN, LEAVING))
    assert found.diagnostics == (
        BEFORE,
        Diagnostic(
            Severity.WARNING,
            "docker",
            "service checked@docker",
            "server http://10.0.0.2:80 is down: status 500",
            "it takes requests again once it passes its check: GET /up, every 10 s",
        ),
    )


def test_unaffected_objects_stay_the_same() -> None:
    found = apply_faults(WHOLE, {("checked@docker", B.url): "status 500"})
    assert found.services["other@docker"] is OTHER
    assert found.services["plain@docker"] is PLAIN
    assert found.services["checked@docker"].servers[0] is A
    assert found.routers is WHOLE.routers


def test_a_draining_server_stays_draining() -> None:
    assert apply_faults(WHOLE, {("checked@docker", LEAVING.url): "status 500"}) is WHOLE


def test_stored_faults_are_those_of_servers_that_are_down() -> None:
    services = {
        each.name: each for each in (replace(CHECKED, servers=(A, DOWN)), replace(PLAIN, servers=(DOWN,)))
    }
    assert stored_faults(State(1, {}, services, {})) == {("checked@docker", B.url): NOT_PROBED_YET}


def test_faults_are_removed_from_a_service() -> None:
    assert without_faults(CHECKED) is CHECKED
    assert without_faults(replace(CHECKED, servers=(A, DOWN, LEAVING))) == CHECKED
