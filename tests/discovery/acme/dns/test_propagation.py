"""Tests of the wait until records are visible."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from discovery.acme.challenges.challenge import DNS_01, Challenge
from discovery.acme.dns.errors import PropagationError, StoppedError
from discovery.acme.dns.name_servers import NameServer, NameServers
from discovery.acme.dns.options import Propagation
from discovery.acme.dns.propagation import wait_until_visible
from discovery.acme.dns.records import ChallengeRecord
from discovery.acme.dns.timing import Timing
from tests.discovery.acme.dns.name_server import ZONE, StandInNameServer

NAME = "_acme-challenge.example.test."
SECOND = "example.test. NS ns2.example.test.", "ns2.example.test. A 127.0.0.2"
QUICK = Timing(propagation_timeout=0.3, polling_interval=0.02)
PATIENT = Timing(propagation_timeout=30, polling_interval=0.02)


def record(value: str = "expected") -> ChallengeRecord:
    return ChallengeRecord(NAME, value, Challenge(DNS_01, "example.test", "token", f"token.{value}"))


class Servers:
    """A recursive name server and the two authoritative ones of a zone; all are stand-ins."""

    def __init__(self, stack: ExitStack) -> None:
        self.first = stack.enter_context(StandInNameServer([*ZONE, *SECOND]))
        self.second = stack.enter_context(StandInNameServer(address="127.0.0.2", port=self.first.port))
        self.recursive = stack.enter_context(StandInNameServer([*ZONE, *SECOND]))

    def wait(
        self, options: Propagation, timing: Timing, *values: str, stop: threading.Event | None = None
    ) -> None:
        known = NameServer("recursive", (self.recursive.address,), self.recursive.port)
        wait_until_visible(
            [record(value) for value in values],
            NameServers([known], authoritative_port=self.first.port, timeout=1),
            options,
            timing,
            stop or threading.Event(),
            timeout_variable="X_PROPAGATION_TIMEOUT",
        )

    def asked(self, server: StandInNameServer) -> bool:
        return f"{NAME} TXT" in server.asked


@pytest.fixture
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack)


def text(value: str = "expected") -> str:
    return f'{NAME} TXT "{value}"'


def test_all_authoritative_servers_have_to_show_the_record(servers: Servers) -> None:
    servers.first.records.append(text())
    with pytest.raises(PropagationError) as caught:
        servers.wait(Propagation(), QUICK, "expected")
    assert str(caught.value) == (
        f"not visible within 0.3 s: name server ns2.example.test. (port {servers.first.port}) has no "
        f"TXT record {NAME} with expected; it has none"
    )
    assert "X_PROPAGATION_TIMEOUT" in caught.value.hint
    servers.second.records.append(text())
    servers.wait(Propagation(), QUICK, "expected")


def test_a_record_that_appears_later_is_noticed(servers: Servers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "discovery.acme.dns")
    servers.first.records.append(text())

    def appear() -> None:
        while len(servers.second.asked) < 3:
            time.sleep(0.005)
        servers.second.records.append(text())

    thread = threading.Thread(target=appear)
    thread.start()
    servers.wait(Propagation(), PATIENT, "expected")
    thread.join()
    assert servers.second.asked.count(f"{NAME} TXT") >= 4
    # The log says once what is missing.
    levels = [each.levelname for each in caplog.records if "waiting for DNS records: " in each.message]
    assert (levels[0], set(levels[1:])) == ("INFO", {"DEBUG"})


def test_every_value_of_one_name_has_to_be_there(servers: Servers) -> None:
    for server in (servers.first, servers.second):
        server.records += [text("other"), text("one")]
    with pytest.raises(PropagationError, match=r"with two; it has one, other"):
        servers.wait(Propagation(), QUICK, "one", "two")
    for server in (servers.first, servers.second):
        server.records.append(text("two"))
    servers.wait(Propagation(), QUICK, "one", "two")


@pytest.mark.parametrize(
    ("options", "asks_recursive", "asks_authoritative"),
    [
        (Propagation(), False, True),
        (Propagation(disable_checks=True), False, False),
        (Propagation(disable_checks=True, require_all_rns=True), False, False),
        (Propagation(disable_ans_checks=True), False, False),
        (Propagation(require_all_rns=True), True, True),
        (Propagation(require_all_rns=True, disable_ans_checks=True), True, False),
    ],
)
def test_options_choose_the_servers_that_are_asked(
    servers: Servers, options: Propagation, asks_recursive: bool, asks_authoritative: bool
) -> None:
    for server in (servers.first, servers.second, servers.recursive):
        server.records.append(text())
    servers.wait(options, QUICK, "expected")
    assert servers.asked(servers.recursive) is asks_recursive
    assert servers.asked(servers.first) is asks_authoritative
    assert servers.asked(servers.second) is asks_authoritative


def test_a_silent_server_is_asked_again_until_the_time_is_over(servers: Servers) -> None:
    for server in (servers.first, servers.second):
        server.records.append(text())
    servers.first.failing.add(NAME)
    with pytest.raises(PropagationError, match=r"ns\.example\.test\. .* answers SERVFAIL"):
        servers.wait(Propagation(), QUICK, "expected")


def test_the_delay_comes_before_the_checks_and_also_without_them(servers: Servers) -> None:
    begin = time.monotonic()
    servers.wait(Propagation(delay_before_checks=0.2, disable_checks=True), QUICK, "expected")
    assert time.monotonic() - begin >= 0.2


@pytest.mark.parametrize("options", [Propagation(delay_before_checks=600), Propagation()])
def test_a_wait_ends_when_the_agent_stops(servers: Servers, options: Propagation) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(StoppedError):
        servers.wait(options, Timing(propagation_timeout=600, polling_interval=600), "expected", stop=stop)
