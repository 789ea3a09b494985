"""DNS through two workers: the case that UDP is mostly used for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.lab.bind import ADDRESS, Bind
from tests.lab.installation import start
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.tutorial import File, steps
from tests.lab.waiting import until

PAGE = Path(__file__).parents[2] / "docs/udp.md"
ZONE = "rondpoint.test"
PORT = free_port()


def write_files(directory: Path, servers: list[Bind]) -> None:
    """Write the files of docs/udp.md, with this port and these servers."""
    changes = {":53/udp": f":{PORT}/udp"}
    changes |= {f"192.0.2.{number}:53": each.address for number, each in enumerate(servers, 1)}
    files = [step for step in steps(PAGE.read_text()) if isinstance(step, File)]
    assert [file.name for file in files] == ["rondpoint.yml", "routes.yml"]
    for file in files:
        text = file.text
        for written, changed in changes.items():
            text = text.replace(written, changed)
        (directory / file.name).write_text(text)


@pytest.fixture(scope="module")
def dns_servers() -> Iterator[list[Bind]]:
    """Two name servers behind the example of docs/udp.md with two workers, on PORT of all addresses."""
    with ExitStack() as stack:
        servers = []
        for name in ("one", "two"):
            directory = Path(stack.enter_context(TemporaryDirectory(prefix="rp-")))
            records = {ZONE: [f'server TXT "{name}"', "big TXT " + " ".join(['"' + "x" * 250 + '"'] * 4)]}
            servers.append(stack.enter_context(Bind(directory, [ZONE], records=records)))
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="rp-")))
        write_files(directory, servers)
        processes = Processes()
        stack.callback(processes.stop)
        start(processes, "--workers=2", "--configFile=rondpoint.yml", directory=directory)
        until(answers, "an answer")
        yield servers


def answers() -> bool:
    try:
        query = dns.message.make_query(f"server.{ZONE}", "TXT")
        return bool(dns.query.udp(query, ADDRESS, 0.5, PORT).answer)
    except (OSError, dns.exception.Timeout):
        # The routes are not in force yet.
        return False


def ask(name: str, kind: str, host: str = ADDRESS) -> dns.message.Message:
    query = dns.message.make_query(name, kind, use_edns=0, payload=4096)
    # It checks that the answer is from this address, and that it answers this question.
    return dns.query.udp(query, host, 10, PORT)


def text(answer: dns.message.Message) -> str:
    return answer.answer[0][0].strings[0].decode()  # type: ignore[attr-defined,no-any-return]


def test_names_have_their_addresses(dns_servers: list[Bind]) -> None:
    answer = ask(f"www.{ZONE}", "A")
    assert answer.answer[0][0].to_text() == ADDRESS
    assert ask("www.other.test", "A").rcode() == dns.rcode.NXDOMAIN


def test_both_servers_answer_in_turn(dns_servers: list[Bind]) -> None:
    found = [text(ask(f"server.{ZONE}", "TXT")) for _ in range(20)]
    assert found == found[:2] * 10
    assert sorted(found[:2]) == ["one", "two"]


@pytest.mark.parametrize("host", [ADDRESS, "127.0.0.53", "::1"])
def test_every_address_of_the_machine_answers(dns_servers: list[Bind], host: str) -> None:
    assert text(ask(f"server.{ZONE}", "TXT", host)) in ("one", "two")


def test_large_answers_fit(dns_servers: list[Bind]) -> None:
    assert len(text(ask(f"big.{ZONE}", "TXT"))) == 250


def test_many_clients_at_once(dns_servers: list[Bind]) -> None:
    answers: list[str] = []

    def run() -> None:
        for _ in range(100):
            answers.append(text(ask(f"server.{ZONE}", "TXT")))

    threads = [Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 800
    assert abs(answers.count("one") - answers.count("two")) <= 8
