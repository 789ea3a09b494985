from discovery.health.check_plan import ServerCheck, next_delay, plan_checks
from rondpoint.configuration import Configuration
from rondpoint.model import HealthCheck, Server, ServerState, Service

CHECK = HealthCheck("/up", interval=30)


def test_servers_of_services_with_a_check_are_probed_unless_they_drain() -> None:
    up = Server("a", "10.0.0.1", 80)
    down = Server("b", "10.0.0.2", 80, state=ServerState.DOWN)
    leaving = Server("c", "10.0.0.3", 80, state=ServerState.DRAINING)
    checked = Service("checked@file", (up, down, leaving), health_check=CHECK)
    configuration = Configuration(
        services={"checked@file": checked, "plain@file": Service("plain@file", (up,))}
    )
    assert plan_checks(configuration) == {
        ("checked@file", "http://10.0.0.1:80"): ServerCheck(up, CHECK),
        ("checked@file", "http://10.0.0.2:80"): ServerCheck(down, CHECK),
    }


def test_a_server_that_was_healthy_is_probed_at_the_configured_intervals() -> None:
    assert next_delay(CHECK, 0, was_healthy=True) == 30
    assert next_delay(CHECK, 3, was_healthy=True) == 30
    assert next_delay(HealthCheck(interval=30, unhealthy_interval=5), 3, was_healthy=True) == 5


def test_a_server_that_may_be_starting_is_probed_again_soon() -> None:
    pauses = [next_delay(CHECK, failures, was_healthy=False) for failures in (1, 2, 3, 4, 5, 6, 10_000)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert next_delay(HealthCheck(interval=0.2), 1, was_healthy=False) == 0.2
