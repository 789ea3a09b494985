"""How often a client may be wrong."""

from proxy.authentication.login_attempts import BURST, MAX_CLIENTS, SECONDS_EACH, LoginAttempts


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def exhausted(client: str = "10.0.0.1") -> tuple[LoginAttempts, Clock]:
    clock = Clock()
    attempts = LoginAttempts(clock)
    for number in range(BURST):
        assert attempts.wait_seconds(client) == 0
        attempts.record_failure(client, f"guess {number}")
    return attempts, clock


def test_after_some_wrong_ones_a_client_waits() -> None:
    attempts, clock = exhausted()
    assert attempts.wait_seconds("10.0.0.1") == SECONDS_EACH
    clock.now += SECONDS_EACH - 1.5
    assert attempts.wait_seconds("10.0.0.1") == 2
    clock.now += 1.5
    assert attempts.wait_seconds("10.0.0.1") == 0
    attempts.record_failure("10.0.0.1", "one more")
    assert attempts.wait_seconds("10.0.0.1") == SECONDS_EACH


def test_in_time_all_is_forgiven() -> None:
    attempts, clock = exhausted()
    clock.now += BURST * SECONDS_EACH
    for number in range(BURST):
        assert attempts.wait_seconds("10.0.0.1") == 0
        attempts.record_failure("10.0.0.1", f"other guess {number}")
    assert attempts.wait_seconds("10.0.0.1") == SECONDS_EACH


def test_others_do_not_wait() -> None:
    attempts, _ = exhausted()
    assert attempts.wait_seconds("10.0.0.2") == 0


def test_a_network_of_ipv6_is_one_client() -> None:
    attempts, _ = exhausted("2001:db8::1")
    assert attempts.wait_seconds("2001:db8::ffff:2%eth0") > 0
    assert attempts.wait_seconds("2001:db8:0:1::1") == 0


def test_an_address_of_ipv4_is_one_client_in_either_form() -> None:
    attempts, _ = exhausted("::ffff:10.0.0.1")
    assert attempts.wait_seconds("10.0.0.1") > 0
    assert attempts.wait_seconds("::ffff:10.0.0.2") == 0


def test_a_program_that_goes_on_showing_an_old_token_guesses_once() -> None:
    attempts = LoginAttempts(Clock())
    for _ in range(5 * BURST):
        attempts.record_failure("10.0.0.1", "Bearer old")
        assert attempts.wait_seconds("10.0.0.1") == 0


def test_what_was_wrong_is_known_of_the_client_that_has_shown_it() -> None:
    attempts, _ = exhausted()
    assert attempts.failed_before("10.0.0.1", "guess 0")
    assert not attempts.failed_before("10.0.0.1", "guess")
    assert not attempts.failed_before("10.0.0.2", "guess 0")


def test_no_more_than_so_many_clients_are_remembered() -> None:
    attempts, _ = exhausted()
    for number in range(MAX_CLIENTS):
        attempts.record_failure(f"10.1.{number // 250}.{number % 250}", "guess")
    assert attempts.wait_seconds("10.0.0.1") == 0
