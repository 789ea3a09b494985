"""DNS through two workers: the case that UDP is mostly used for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import dns.message
import dns.query
import dns.rcode
import pytest
import yaml

from rondpoint.udp.model import UdpRouter, UdpServer, UdpService
from tests.lab.bind import ADDRESS, Bind
from tests.lab.ports import free_port
from tests.lab.tutorial import File, steps
from tests.proxy.running import lone_proxy
from tests.proxy.udp.publishing import UdpRoutes

PAGE = Path(__file__).parents[2] / "docs/udp.md"
ZONE = "rondpoint.test"
PORT = free_port()


def routes_of_page(servers: list[Bind]) -> tuple[UdpRouter, UdpService]:
    """Return router and service of the example in docs/udp.md, with these servers."""
    files = [step for step in steps(PAGE.read_text()) if isinstance(step, File)]
    example = yaml.safe_load(next(file.text for file in files if file.name == "routes.yml"))["udp"]
    ((router, options),) = example["routers"].items()
    ((service, balancer),) = example["services"].items()
    assert options["service"] == service
    assert len(balancer["loadBalancer"]["servers"]) == len(servers)
    return (
        UdpRouter(router, service, tuple(options["entryPoints"])),
        UdpService(service, tuple(UdpServer(f"s{each.port}", ADDRESS, each.port) for each in servers)),
    )


@pytest.fixture(scope="module")
def dns_servers() -> Iterator[list[Bind]]:
    """Two name servers behind a proxy with two workers, on PORT of all addresses."""
    with ExitStack() as stack:
        servers = []
        for name in ("one", "two"):
            directory = Path(stack.enter_context(TemporaryDirectory(prefix="rp-")))
            records = {ZONE: [f'server TXT "{name}"', "big TXT " + " ".join(['"' + "x" * 250 + '"'] * 4)]}
            servers.append(stack.enter_context(Bind(directory, [ZONE], records=records)))
        proxy = stack.enter_context(lone_proxy(f"--entryPoints.dns.address=:{PORT}/udp", workers=2))
        routes = UdpRoutes(proxy)
        stack.callback(routes.withdraw)
        router, service = routes_of_page(servers)
        routes.routers[router.name], routes.services[service.name] = router, service
        routes.publish()
        yield servers


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
