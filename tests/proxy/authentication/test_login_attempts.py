"""Limits of failed logins per client."""

from proxy.authentication.login_attempts import BURST, MAX_CLIENTS, SECONDS_EACH, LoginAttempts


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def failed_burst(client: str = "10.0.0.1") -> tuple[LoginAttempts, Clock]:
    clock = Clock()
    attempts = LoginAttempts(clock)
    for number in range(BURST):
        assert attempts.wait_seconds(client) == 0
        attempts.record_failure(client, f"guess {number}")
    return attempts, clock


def test_a_client_waits_after_a_burst_of_failures() -> None:
    attempts, clock = failed_burst()
    assert attempts.wait_seconds("10.0.0.1") == SECONDS_EACH
    clock.now += SECONDS_EACH - 1.5
    assert attempts.wait_seconds("10.0.0.1") == 2
    clock.now += 1.5
    assert attempts.wait_seconds("10.0.0.1") == 0
    attempts.record_failure("10.0.0.1", "one more")
    assert attempts.wait_seconds("10.0.0.1") == SECONDS_EACH


def test_failures_are_forgiven_over_time() -> None:
    attempts, clock = failed_burst()
    clock.now += BURST * SECONDS_EACH
    for number in range(BURST):
        assert attempts.wait_seconds("10.0.0.1") == 0
        attempts.record_failure("10.0.0.1", f"other guess {number}")
    assert attempts.wait_seconds("10.0.0.1") == SECONDS_EACH


def test_other_clients_do_not_wait() -> None:
    attempts, _ = failed_burst()
    assert attempts.wait_seconds("10.0.0.2") == 0


def test_an_ipv6_network_is_one_client() -> None:
    attempts, _ = failed_burst("2001:db8::1")
    assert attempts.wait_seconds("2001:db8::ffff:2%eth0") > 0
    assert attempts.wait_seconds("2001:db8:0:1::1") == 0


def test_an_ipv4_address_is_one_client_in_either_form() -> None:
    attempts, _ = failed_burst("::ffff:10.0.0.1")
    assert attempts.wait_seconds("10.0.0.1") > 0
    assert attempts.wait_seconds("::ffff:10.0.0.2") == 0


def test_the_same_wrong_token_counts_once() -> None:
    attempts = LoginAttempts(Clock())
    for _ in range(5 * BURST):
        attempts.record_failure("10.0.0.1", "Bearer old")
        assert attempts.wait_seconds("10.0.0.1") == 0


def test_failed_credentials_are_remembered_per_client() -> None:
    attempts, _ = failed_burst()
    assert attempts.failed_before("10.0.0.1", "guess 0")
    assert not attempts.failed_before("10.0.0.1", "guess")
    assert not attempts.failed_before("10.0.0.2", "guess 0")


def test_the_number_of_remembered_clients_is_limited() -> None:
    attempts, _ = failed_burst()
    for number in range(MAX_CLIENTS):
        attempts.record_failure(f"10.1.{number // 250}.{number % 250}", "guess")
    assert attempts.wait_seconds("10.0.0.1") == 0
