"""How often a client may be wrong."""

from proxy.authentication.login_attempts import BURST, CLIENTS, SECONDS_EACH, Guesses


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def exhausted(client: str = "10.0.0.1") -> tuple[Guesses, Clock]:
    clock = Clock()
    guesses = Guesses(clock)
    for number in range(BURST):
        assert guesses.wait(client) == 0
        guesses.wrong(client, f"guess {number}")
    return guesses, clock


def test_after_some_wrong_ones_a_client_waits() -> None:
    guesses, clock = exhausted()
    assert guesses.wait("10.0.0.1") == SECONDS_EACH
    clock.now += SECONDS_EACH - 1.5
    assert guesses.wait("10.0.0.1") == 2
    clock.now += 1.5
    assert guesses.wait("10.0.0.1") == 0
    guesses.wrong("10.0.0.1", "one more")
    assert guesses.wait("10.0.0.1") == SECONDS_EACH


def test_in_time_all_is_forgiven() -> None:
    guesses, clock = exhausted()
    clock.now += BURST * SECONDS_EACH
    for number in range(BURST):
        assert guesses.wait("10.0.0.1") == 0
        guesses.wrong("10.0.0.1", f"other guess {number}")
    assert guesses.wait("10.0.0.1") == SECONDS_EACH


def test_others_do_not_wait() -> None:
    guesses, _ = exhausted()
    assert guesses.wait("10.0.0.2") == 0


def test_a_network_of_ipv6_is_one_client() -> None:
    guesses, _ = exhausted("2001:db8::1")
    assert guesses.wait("2001:db8::ffff:2%eth0") > 0
    assert guesses.wait("2001:db8:0:1::1") == 0


def test_an_address_of_ipv4_is_one_client_in_either_form() -> None:
    guesses, _ = exhausted("::ffff:10.0.0.1")
    assert guesses.wait("10.0.0.1") > 0
    assert guesses.wait("::ffff:10.0.0.2") == 0


def test_a_program_that_goes_on_showing_an_old_token_guesses_once() -> None:
    guesses = Guesses(Clock())
    for _ in range(5 * BURST):
        guesses.wrong("10.0.0.1", "Bearer old")
        assert guesses.wait("10.0.0.1") == 0


def test_what_was_wrong_is_known_of_the_client_that_has_shown_it() -> None:
    guesses, _ = exhausted()
    assert guesses.was_wrong("10.0.0.1", "guess 0")
    assert not guesses.was_wrong("10.0.0.1", "guess")
    assert not guesses.was_wrong("10.0.0.2", "guess 0")


def test_no_more_than_so_many_clients_are_remembered() -> None:
    guesses, _ = exhausted()
    for number in range(CLIENTS):
        guesses.wrong(f"10.1.{number // 250}.{number % 250}", "guess")
    assert guesses.wait("10.0.0.1") == 0
